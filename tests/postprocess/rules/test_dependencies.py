"""Which dependencies the rows support, and which only look like some."""

import numpy as np
import pandas as pd
import pytest

from postprocess.rules.dependencies import find_dependencies
from tests.postprocess.rules.frames import column, with_gaps

N_ROWS = 3000


def _texts(frame: pd.DataFrame) -> set[str]:
    found = find_dependencies(frame)
    needed = {
        f"{','.join(found.names[key] for key in each.keys)}->{found.names[each.determined]}" for each in found.needed
    }
    twins = {f"{found.names[twin]}<->{found.names[place]}" for place, twin in enumerate(found.twins) if twin != place}
    return needed | twins


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_one_key_and_its_chain(rng):
    day = rng.integers(0, 300, N_ROWS)
    frame = pd.DataFrame({"quarter": day // 90, "month": day // 30, "day": day, "other": rng.integers(0, 5, N_ROWS)})
    assert _texts(frame) == {"day->month", "month->quarter"}
    assert ("day", "quarter") in find_dependencies(frame).pairs()


def test_columns_that_decide_each_other_are_one(rng):
    code = rng.integers(0, 40, N_ROWS)
    names = column([f"name {value}" for value in code], "str")
    frame = pd.DataFrame({"code": code, "name": names, "group": code % 7, "again": 100 - code})
    assert _texts(frame) == {"code<->name", "code<->again", "code->group"}
    assert {("name", "group"), ("again", "code")} <= find_dependencies(frame).pairs()


def test_two_keys(rng):
    a, b = rng.integers(0, 20, N_ROWS), rng.integers(0, 15, N_ROWS)
    price = rng.integers(0, 90, (20, 15))[a, b]
    frame = pd.DataFrame({"a": a, "price": price, "b": b, "a_group": a // 5})
    assert "a,b->price" in _texts(frame)
    assert "a->a_group" in _texts(frame)


def test_missing_values_as_keys_and_values(rng):
    key = with_gaps(column([f"k{value}" for value in rng.integers(0, 30, N_ROWS)], "str"), 0.1, rng)
    value = column([None if pd.isna(k) or k == "k3" else int(k[1:]) // 4 for k in key], "Int64")
    assert _texts(pd.DataFrame({"key": key, "value": value})) == {"key->value"}
    broken = value.copy()
    broken[key.isna().to_numpy().nonzero()[0][:1]] = 2
    assert _texts(pd.DataFrame({"key": key, "value": broken})) == set()


def test_one_broken_row_is_enough(rng):
    key = rng.integers(0, 30, N_ROWS)
    value = key // 4
    value[-1] += 1
    assert _texts(pd.DataFrame({"key": key, "value": value})) == set()


@pytest.mark.parametrize("seed", range(20))
def test_independent_and_correlated_columns_decide_nothing(seed):
    rng = np.random.default_rng(seed)
    n_rows = int(rng.integers(300, 4000))
    latent = rng.normal(size=n_rows)
    columns = {f"{n}": rng.integers(0, n, n_rows) for n in (2, 3, 7, 40, 300, 2000)}
    noisy = {
        f"latent {n}": np.digitize(latent + rng.normal(scale=0.2, size=n_rows), np.linspace(-2, 2, n))
        for n in (1, 2, 5, 30, 200)
    }
    rare = {f"rare {n}": np.where(rng.random(n_rows) < n / n_rows, 1, 0) for n in (1, 5, 12, 40)}
    assert _texts(pd.DataFrame(columns | noisy | rare)) == set()


@pytest.mark.parametrize("repeats", [1, 2])
def test_a_column_that_sets_the_exceptions_apart_is_no_key(rng, repeats):
    """`almost` decides `value` but for a few rows. Any other column with many values may tell those apart."""
    frame = pd.DataFrame({"almost": rng.integers(0, 10, N_ROWS), "other": rng.integers(10, 60, N_ROWS)})
    frame["value"] = frame["almost"] // 2
    exceptions = pd.DataFrame({"almost": [0, 1, 2], "other": [1, 2, 3], "value": 9})
    assert _texts(pd.concat([frame, *[exceptions] * repeats])) == set()


def test_keys_that_hardly_repeat_are_no_keys(rng):
    few = rng.integers(0, N_ROWS // 3, N_ROWS)
    assert _texts(pd.DataFrame({"few": few, "value": few % 5})) == set()
    tail = np.where(rng.random(N_ROWS) < 0.05, np.arange(N_ROWS) + 100, rng.integers(0, 50, N_ROWS))
    assert len(np.unique(tail)) < 0.2 * N_ROWS
    assert _texts(pd.DataFrame({"tail": tail, "value": tail % 5})) == set()


def test_rows_whose_key_never_repeats_are_no_evidence(rng):
    """The rare value stands only in rows with a key of their own, so nothing tests that the key decides it."""
    key = rng.integers(0, 50, N_ROWS)
    key[:50] = np.arange(50) + 100
    frame = pd.DataFrame({"key": key, "rare": key >= 100})
    assert _texts(frame) == set()


def test_constant_columns_take_no_part(rng):
    frame = pd.DataFrame({"key": rng.integers(0, 9, N_ROWS), "one": 1, "none": column([None] * N_ROWS, "float64")})
    assert _texts(frame) == set()
