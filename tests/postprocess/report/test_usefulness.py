import json

import numpy as np
import pandas as pd
import pytest

from postprocess.report.usefulness import MAX_ROWS, MAX_TARGETS, MIN_ROWS, usefulness

HUGE = 2**63 - 1


pytestmark = pytest.mark.usefixtures("no_warnings")


def people(n_rows, seed):
    """Return rows of all types: age decides salary, and salary, member and city depend on each other."""
    draw = np.random.default_rng(seed)
    age = draw.integers(18, 80, n_rows)
    salary = age * 50 + draw.normal(0, 500, n_rows)
    member = draw.random(n_rows) < np.where(salary > 3000, 0.7, 0.1)
    city = np.where(draw.random(n_rows) < 0.7, np.digitize(salary, [2000, 3200]), draw.integers(0, 3, n_rows))
    return pd.DataFrame(
        {
            "age": pd.array(age, "Int64"),
            "salary": np.where(draw.random(n_rows) < 0.1, np.nan, salary.round(2)),
            "member": pd.array(member, "boolean"),
            "city": pd.Series(np.array(["Bonn", "Köln", "Ulm"])[city], dtype="str").mask(draw.random(n_rows) < 0.05),
            "since": pd.Series(np.datetime64("2020-01-01", "us") + draw.integers(0, 900, n_rows).astype("m8[D]")),
            "noise": draw.normal(size=n_rows),
            "name": pd.Series([f"n{number}" for number in draw.permutation(n_rows)], dtype="str"),
        }
    )


def shuffled(frame):
    draw = np.random.default_rng(9)
    return pd.DataFrame({name: draw.permutation(values.array) for name, values in frame.items()}).astype(frame.dtypes)


def score(training, result, holdout=None, target=None, seed=1):
    """Return the figures of the only target."""
    found = usefulness(training, {"result": result}, holdout, target=target, seed=seed)
    json.dumps(found, allow_nan=False)
    (figures,) = found["targets"]
    return figures


@pytest.mark.parametrize("target", ["salary", "member", "city", "age"])
@pytest.mark.parametrize("apart", [True, False])
def test_new_rows_of_the_same_source_score_as_training_rows_and_shuffled_rows_guess(target, apart):
    training, sample = people(1500, 1), shuffled(people(1500, 3))
    others = {"result": people(1500, 2), "pool_sample": sample}
    found = usefulness(training, others, people(900, 4) if apart else None, target=target, seed=1)
    (figures,) = found["targets"]
    guess = 0.5 if target in ("member", "city") else 0.0
    assert figures["measure"] == ("AUC" if guess else "R2")
    assert figures["training"]["score"] > guess + 0.2
    assert figures["result"]["score"] == pytest.approx(figures["training"]["score"], abs=0.05)
    assert figures["pool_sample"]["score"] < guess + 0.1
    assert all(0.002 < figures[role]["error"] < 0.1 for role in ("training", *others))
    if apart:
        assert (figures["tested_on"], figures["tested_rows"] <= 900) == ("holdout", True)
    else:
        assert (figures["tested_on"], figures["tested_rows"]) == ("training rows kept out", training[target].count())


def test_the_page_picks_a_class_and_a_number_that_depend_on_others():
    training = people(2000, 1)
    found = usefulness(training, {"result": people(2000, 2)}, None, target=None, seed=1)["targets"]
    names = [figures["target"] for figures in found]
    assert len(set(names)) == len(names) == MAX_TARGETS
    assert set(names) <= {"age", "salary", "member", "city"} and {figures["measure"] for figures in found} == {
        "AUC",
        "R2",
    }


def test_columns_that_another_one_determines_or_that_number_the_rows_are_not_picked():
    training = people(1000, 1)[["age", "noise", "city"]].assign(
        months=lambda rows: rows["age"] * 12, number=pd.array(range(1000), "Int64"), town=lambda rows: rows["city"]
    )
    training["when"] = training["number"] * 2.0  # tells the number
    found = usefulness(training[["number", "when", "noise"]], {"result": training}, None, target=None, seed=1)
    assert found == {"targets": [], "reason": "No column can be predicted well, but not perfectly, from the others."}
    found = usefulness(training[["age", "months", "city", "town"]], {"result": training}, None, target=None, seed=1)
    assert found["targets"] == []
    assert score(training, training, target="months")["training"]["score"] > 0.99


def test_the_same_seed_gives_the_same_plain_figures_and_another_one_others():
    training, others = people(400, 1), {"result": people(300, 2), "pool_sample": people(500, 3)}
    for holdout in (None, people(200, 4)):
        found = [usefulness(training, others, holdout, target="city", seed=seed) for seed in (2**40, 2**40, 1)]
        assert json.loads(json.dumps(found[0], allow_nan=False)) == found[0] == found[1] != found[2]


def test_a_class_is_shown_if_there_are_two_and_it_is_the_rarer_one():
    training = people(600, 1)
    training["sign"] = pd.array(np.where(training["member"], 7, 3), "Int64")
    training["word"] = pd.Series(np.where(training["member"], "yes", "no"), dtype="str")
    for target, shown in (("member", "True"), ("sign", "7"), ("word", "yes")):
        figures = score(training[["age", "salary", target]], training, target=target)
        assert (figures["class"], figures["classes"]) == (shown, 2)
    figures = score(training, training, target="city")
    assert (figures["class"], figures["classes"]) == (None, 3)
    figures = score(training, training, target="since")
    assert (figures["measure"], figures["class"], figures["classes"]) == ("R2", None, None)


def test_classes_that_a_result_lacks_cost_score():
    training = people(900, 1)
    figures = score(training, training[training["city"] != "Bonn"], target="city")
    assert figures["result"]["score"] < figures["training"]["score"] - 0.05
    assert score(training, training[training["member"]], target="member")["result"]["score"] == 0.5


def test_all_models_learn_from_as_many_rows():
    training = people(900, 1)
    few = score(training, people(60, 2), people(900, 3), "salary")
    assert (
        few["training"]["score"] < score(training, people(900, 2), people(900, 3), "salary")["training"]["score"] - 0.02
    )


def test_a_holdout_that_cannot_test_is_not_used():
    training = people(300, 1)
    same = training.assign(member=pd.array([True] * 300, "boolean"))
    for holdout in (people(MIN_ROWS - 1, 2), same, training.head(0)):
        assert score(training, training, holdout, "member")["tested_on"] == "training rows kept out"


def test_rows_are_limited():
    training = people(MAX_ROWS + 500, 1)[["age", "member"]]
    assert score(training, training, target="member")["tested_rows"] == MAX_ROWS
    assert score(training, training, training, target="member")["tested_rows"] == MAX_ROWS


def odd_frame(n_rows):
    """Return columns that are hard to handle."""
    draw = np.random.default_rng(n_rows)
    numbers = draw.normal(size=n_rows)
    huge = pd.array(draw.integers(HUGE - 10**6, HUGE, n_rows, dtype=np.int64), "Int64")
    return pd.DataFrame(
        {
            "no number": pd.Series(np.nan, range(n_rows)),
            "no whole number": pd.Series([None] * n_rows, dtype="Int64"),
            "no boolean": pd.Series([None] * n_rows, dtype="boolean"),
            "no date": pd.Series([pd.NaT] * n_rows, dtype="M8[us]"),
            "no text": pd.Series([None] * n_rows, dtype="str"),
            "one text": pd.Series("x", range(n_rows), dtype="str").where(np.arange(n_rows) == 5),
            "constant": pd.Series(7, range(n_rows), dtype="Int64"),
            "rare": pd.Series(np.where(np.arange(n_rows) < 5, "a", "b"), dtype="str"),
            "texts": pd.Series([f"Ü{number}\n𝒳" for number in draw.permutation(n_rows)], dtype="str"),
            "mostly missing": pd.Series(numbers).where(np.arange(n_rows) < MIN_ROWS - 1),
            "infinite": pd.Series(np.where(draw.random(n_rows) < 0.3, np.inf, np.where(numbers > 1, -np.inf, numbers))),
            "large": pd.Series(numbers * 1e307),
            "huge": pd.Series(huge),
            "smallest": pd.Series(-huge - 1).where(draw.random(n_rows) < 0.9),
            "zeros": pd.Series(np.where(np.arange(n_rows) < n_rows - 11, 0.0, numbers)),
            "booleans": pd.Series(pd.array(numbers > 0, "boolean")).mask(numbers > 1),
            "dates": pd.Series(np.array(["0001-01-01", "9999-12-31T23:59:59"] * (n_rows // 2), "M8[us]")),
            "times": pd.Series(np.datetime64("1969-12-30", "us") + draw.integers(0, 10**12, n_rows).astype("m8[us]")),
        }
    )


UNUSABLE = {
    "no number": "The column 'no number' has no value.",
    "no date": "The column 'no date' has no value.",
    "no text": "The column 'no text' has no value.",
    "one text": "The column 'one text' has one value only.",
    "constant": "The column 'constant' has one value only.",
    "rare": "The column 'rare' has no two values of 20 rows or more.",
    "texts": "The column 'texts' has no two values of 20 rows or more.",
    "mostly missing": "Too few rows have a value of the column 'mostly missing': a model needs 50.",
}


@pytest.mark.parametrize("target", UNUSABLE)
def test_a_target_that_cannot_be_used_has_a_reason(target):
    frame = odd_frame(100)
    found = usefulness(frame, {"result": frame}, frame, target=target, seed=1)
    assert found == {"targets": [], "reason": UNUSABLE[target]}


def test_free_text_is_no_target():
    frame = people(300, 1).assign(
        name=pd.Series(["a", "b"] * 30 + [f"n{number}" for number in range(240)], dtype="str")
    )
    found = usefulness(frame, {"result": frame}, None, target="name", seed=1)
    assert found == {"targets": [], "reason": "The column 'name' has too many different values."}


@pytest.mark.parametrize("target", ["infinite", "large", "huge", "smallest", "zeros", "booleans", "dates", "times"])
def test_odd_columns_can_be_targets_and_features(target):
    frame, result = odd_frame(100), odd_frame(300)
    for holdout in (None, odd_frame(200)):
        figures = score(frame, result, holdout, target)
        assert all(-1 <= figures[role]["score"] <= 1 and figures[role]["error"] <= 1 for role in ("training", "result"))


@pytest.mark.parametrize("n_rows", [6, 100, 1000])
def test_unrelated_columns_have_no_targets(n_rows):
    frame = odd_frame(n_rows)[["huge", "times", "texts", "constant", "no text"]].assign(
        noise=np.random.default_rng(1).normal(size=n_rows)
    )
    assert usefulness(frame, {"result": frame}, None, target=None, seed=1)["targets"] == []


def test_all_odd_columns_together_have_figures():
    json.dumps(usefulness(odd_frame(200), {"result": odd_frame(300)}, None, target=None, seed=1), allow_nan=False)


@pytest.mark.parametrize("target", [None, "age"])
def test_one_column_has_no_targets(target):
    frame = people(100, 1)[["age"]]
    found = usefulness(frame, {"result": frame}, None, target=target, seed=1)
    assert found == {"targets": [], "reason": "The training data has no other column to learn from."}


@pytest.mark.parametrize("target", [None, "age"])
def test_a_result_without_values_of_the_target_has_no_figures(target):
    frame = people(100, 1)[["age", "noise"]]
    result = frame.assign(age=pd.array([None] * 100, "Int64"))
    assert usefulness(frame, {"result": result}, None, target=target, seed=1)["targets"] == []


def test_many_distinct_texts_are_no_burden():
    texts = [pd.Series([f"{start + number:x}" for number in range(100_000)], dtype="str") for start in (0, 50_000)]
    training, result = (pd.DataFrame({"text": each, "more": each[::-1].array}) for each in texts)
    assert usefulness(training, {"result": result}, None, target=None, seed=1)["targets"] == []
