"""Columns that are the sum of two others."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from postprocess.rules.totals import Total, find_totals
from tests.postprocess.rules.frames import check_rule, few_examples, frames, typed, with_gaps

N_ROWS = 1000


def _texts(frame: pd.DataFrame) -> set[str]:
    return {total.text for total in find_totals(frame)}


def _sums(rng: np.random.Generator) -> pd.DataFrame:
    price, tax = np.round(rng.random(N_ROWS) * 100, 2), np.round(rng.random(N_ROWS) * 20, 2)
    return pd.DataFrame({"price": price, "total": np.round(price + tax, 2), "tax": tax, "other": rng.random(N_ROWS)})


@few_examples
@given(frames())
def test_a_repaired_row_keeps_the_rule(frame):
    frame["more"] = pd.array([1] * len(frame), dtype="Int64")
    assert Total("decimal", "whole", "more", 2).holds(check_rule(Total("decimal", "whole", "more", 2), frame)).all()
    assert Total("whole", "decimal", "more", 0).holds(check_rule(Total("whole", "decimal", "more", 0), frame)).all()


def test_missing_values_and_noise_break_nothing():
    frame = typed(
        {"a": [0.3, 0.4, None, 0.3], "b": [0.1, 0.1, 1.0, None], "c": [0.2] * 4}, dict.fromkeys("abc", "float64")
    )
    rule = Total("a", "b", "c", 1)
    assert rule.holds(frame).tolist() == [True, False, True, True]
    assert rule.repair(frame)["a"].fillna(-1).tolist() == [0.3, 0.3, -1, 0.3]


def test_a_sum_too_large_for_whole_numbers_is_not_written():
    frame = typed({"a": [1], "b": [2.0**63], "c": [2.0**63]}, {"a": "Int64", "b": "float64", "c": "float64"})
    assert Total("a", "b", "c", 0).repair(frame)["a"].tolist() == [1]


def test_sums_are_found_with_missing_values():
    rng = np.random.default_rng(1)
    frame = _sums(rng)
    assert _texts(frame) == {"total = price + tax"}
    assert find_totals(frame)[0].decimals == 2
    frame = frame.apply(with_gaps, share=0.3, rng=rng)
    assert _texts(frame) == {"total = price + tax"}
    frame.loc[frame.notna().all(axis=1).to_numpy().nonzero()[0][-1], "total"] += 0.01
    assert _texts(frame) == set()


def test_rounded_totals_and_whole_numbers():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 1000, N_ROWS), np.round(rng.random(N_ROWS) * 100, 2)
    frame = pd.DataFrame({"a": pd.array(a, dtype="Int64"), "b": b, "c": pd.array(np.rint(a + b).astype(int), "Int64")})
    assert _texts(frame) == {"c = a + b"}


def test_trivial_sums_are_none():
    rng = np.random.default_rng(1)
    a = rng.integers(0, 1000, N_ROWS)
    hardly = np.where(np.arange(N_ROWS) < 5, 1, 0)
    assert _texts(pd.DataFrame({"a": a, "same": a, "zero": 0, "hardly": hardly, "sum": a + hardly})) == set()


def test_few_complete_rows_are_no_evidence():
    frame = _sums(np.random.default_rng(1))
    frame.loc[15:, "tax"] = np.nan
    assert _texts(frame) == set()


@pytest.mark.parametrize("seed", range(10))
def test_independent_columns_are_no_sums(seed):
    rng = np.random.default_rng(seed)
    columns = {f"{n}": rng.integers(0, n, N_ROWS) for n in (2, 2, 3, 4, 7, 40)}
    rare = {f"rare {n}": np.where(rng.random(N_ROWS) < n / N_ROWS, 1, 0) for n in (1, 3, 5, 12)}
    assert _texts(pd.DataFrame(columns | rare)) == set()


@pytest.mark.filterwarnings("error")
def test_extreme_numbers_give_no_warning():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.choice([1.7e308, -1.7e308, 1.0, 2.5], (300, 3)), columns=list("abc"))
    assert find_totals(frame) == ()
    assert not Total("a", "b", "c", None).holds(frame).all()
