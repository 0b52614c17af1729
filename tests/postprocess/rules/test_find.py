"""All kinds of rules together, as the training data supports them."""

import pickle

import numpy as np
import pandas as pd

from postprocess.rules.find import find_rules
from postprocess.rules.rule import Rules
from tests.postprocess.rules.frames import check_rule, column, typed, with_gaps

N_ROWS = 4000


def _shop(seed: int) -> pd.DataFrame:
    """Return rows that keep rules of all kinds."""
    rng = np.random.default_rng(seed)
    grade = rng.integers(0, 35, N_ROWS)
    price, tax = rng.integers(100, 10_000, N_ROWS) / 100, rng.integers(0, 2000, N_ROWS) / 100
    ordered = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, N_ROWS), unit="D")
    lost = rng.random(N_ROWS) < 0.1
    origin, dest = rng.integers(0, 5, N_ROWS), rng.integers(0, 30, N_ROWS)
    frame = pd.DataFrame(
        {
            "grade": column([f"{'ABCDEFG'[value // 5]}" for value in grade], "str"),
            "sub_grade": column([f"{'ABCDEFG'[value // 5]}{value % 5}" for value in grade], "str"),
            "rate": column(grade * 3, "Int64"),
            "origin": column([f"o{value}" for value in origin], "str"),
            "dest": column([f"d{value}" for value in dest], "str"),
            "distance": column(np.random.default_rng(0).integers(100, 3000, (5, 30))[origin, dest], "Int64"),
            "price": price,
            "tax": tax,
            "total": with_gaps(pd.Series(np.round(price + tax, 2)), 0.05, rng),
            "ordered": ordered,
            "shipped": pd.Series(ordered + pd.to_timedelta(rng.integers(0, 60, N_ROWS), unit="D")).mask(lost),
            "carrier": column(rng.choice(["x", "y", "z"], N_ROWS), "str").mask(lost),
            "returned": column(rng.random(N_ROWS) < 0.5, "boolean").mask(lost | (rng.random(N_ROWS) < 0.1)),
        }
    )
    return frame.astype({"ordered": "datetime64[us]", "shipped": "datetime64[us]"})


FOUND = {
    "sub_grade -> grade": "grade",
    "sub_grade <-> rate": "rate",
    "origin, dest -> distance": "distance",
    "total = price + tax": "total",
    "price <= total": None,
    "tax <= total": None,
    "ordered <= shipped": None,
    "shipped, carrier missing together": None,
    "returned missing if shipped is missing": None,
}


def test_rules_of_all_kinds_are_found():
    frame = _shop(1)
    rules = find_rules(frame)
    assert {rule.text: rule.repaired for rule in rules} == FOUND
    for rule in rules:
        assert rule.holds(frame).all()
        check_rule(rule, frame[:50])
    assert [rule.repaired is None for rule in rules] == sorted(rule.repaired is None for rule in rules)
    assert [rule.text for rule in find_rules(frame)] == [rule.text for rule in rules]


def test_repaired_rows_keep_the_rules_that_have_a_repair():
    rules = Rules(find_rules(_shop(1)))
    broken = _shop(2).apply(lambda values: values.sample(frac=1, random_state=len(values.name), ignore_index=True))
    repaired, counts = rules.repair(broken)
    assert set(counts) == {text for text, column in FOUND.items() if column}
    assert min(counts.values()) > N_ROWS / 2
    kept = rules.holds(repaired)
    assert kept[: len(counts)].all() and not kept[len(counts) :].all()
    pieces = [rules.repair(broken[start : start + 999])[0] for start in range(0, N_ROWS, 999)]
    pd.testing.assert_frame_equal(pd.concat(pieces), repaired)
    copy = pickle.loads(pickle.dumps(rules))
    np.testing.assert_array_equal(copy.holds(repaired), kept)


def test_shuffled_columns_have_no_rules():
    for seed in range(5):
        frame = _shop(seed).apply(
            lambda values: values.sample(frac=1, random_state=len(values.name), ignore_index=True)
        )
        shuffled = frame.drop(columns=["carrier", "total", "shipped"])
        assert find_rules(shuffled) == ()


def test_frames_without_rows_or_columns():
    assert find_rules(typed({"whole": [], "name": []})) == ()
    assert find_rules(pd.DataFrame(index=range(9))) == ()
    assert find_rules(typed({"whole": [1], "name": [None], "flag": [True]})) == ()


def test_a_column_has_one_rule_with_two_keys_at_most():
    rng = np.random.default_rng(1)
    a, b, c = (rng.integers(0, 20, N_ROWS) for _ in range(3))
    frame = pd.DataFrame({"a": a, "b": b, "same b": (b + 7) % 20, "sum": (a + b) % 4, "c": c, "all": (a + b + c) % 5})
    assert [rule.text for rule in find_rules(frame)] == ["b <-> same b", "a, b -> sum"]
    rest = np.where(rng.random(N_ROWS) < 0.5, b % 4, b % 4 + 4)  # decides the sum with a as well, by fewer keys
    late, early = frame.assign(rest=rest), pd.concat([pd.DataFrame({"rest": rest}), frame], axis=1)
    assert [rule.text for rule in find_rules(late) if rule.text.endswith("sum")] == ["a, b -> sum"]
    assert [rule.text for rule in find_rules(early) if rule.text.endswith("sum")] == ["rest, a -> sum"]
