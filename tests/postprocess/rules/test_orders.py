"""Orders of numbers and dates."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from postprocess.rules.orders import Ordered, find_orders
from tests.postprocess.rules.frames import check_rule, few_examples, frames, typed, with_gaps

N_ROWS = 2000


def _texts(frame: pd.DataFrame) -> set[str]:
    return {order.text for order in find_orders(frame)}


@few_examples
@given(frames())
def test_promises(frame):
    check_rule(Ordered("whole", "decimal"), frame)
    check_rule(Ordered("whole", "decimal", strict=True), frame)


def test_missing_values_break_nothing():
    frame = typed({"whole": [1, 2, 3, None], "decimal": [1.0, 1.5, None, 1.0]})
    assert Ordered("whole", "decimal").holds(frame).tolist() == [True, False, True, True]
    assert Ordered("whole", "decimal", strict=True).holds(frame).tolist() == [False, False, True, True]


def test_numbers_and_dates():
    rng = np.random.default_rng(1)
    low, step = rng.integers(0, 30, N_ROWS), rng.integers(0, 10, N_ROWS)
    start = pd.Timestamp("2024-01-01") + pd.to_timedelta(low, unit="D")
    frame = pd.DataFrame(
        {
            "end": start + pd.to_timedelta(step, unit="D"),
            "low": pd.array(low, dtype="Int64"),
            "high": with_gaps(pd.Series(low + step), 0.1, rng),
            "start": start,
            "other": rng.integers(0, 40, N_ROWS),
        }
    )
    assert _texts(frame) == {"low <= high", "start <= end"}
    frame["high"] += 1
    assert _texts(frame) == {"low < high", "start <= end"}
    frame.loc[N_ROWS - 1, "high"] = -1.0
    assert _texts(frame) == {"start <= end"}


def test_what_follows_is_left_out_unless_the_middle_is_missing():
    rng = np.random.default_rng(1)
    a = rng.random(N_ROWS)
    b = a + rng.random(N_ROWS)
    frame = pd.DataFrame({"a": a, "b": b, "c": b + rng.random(N_ROWS)})
    assert _texts(frame) == {"a <= b", "b <= c"}
    frame["b"] = with_gaps(frame["b"], 0.1, rng)
    assert _texts(frame) == {"a <= b", "b <= c", "a <= c"}


def test_ranges_that_do_not_overlap_are_trivial():
    rng = np.random.default_rng(1)
    assert _texts(pd.DataFrame({"a": rng.random(N_ROWS), "b": 1 + rng.random(N_ROWS)})) == set()


def test_equal_columns_have_no_order():
    a = np.random.default_rng(1).random(N_ROWS)
    assert _texts(pd.DataFrame({"a": a, "b": a})) == set()


@pytest.mark.parametrize("seed", range(10))
def test_independent_and_correlated_columns_have_no_order(seed):
    rng = np.random.default_rng(seed)
    columns = {f"{n}": rng.integers(0, n, N_ROWS) for n in (2, 3, 7, 40, 300)}
    latent = rng.normal(size=N_ROWS)
    noisy = {f"latent {n}": latent + rng.normal(scale=0.3, size=N_ROWS) for n in range(4)}
    assert _texts(pd.DataFrame(columns | noisy)) == set()
