"""Columns that are missing in the same rows, or if another one is."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from postprocess.rules.missing_together import MissingIf, MissingTogether, find_missing
from tests.postprocess.rules.frames import check_rule, few_examples, frames, typed

N_ROWS = 2000


def _texts(frame: pd.DataFrame, *determined: tuple[str, str]) -> set[str]:
    return {rule.text for rule in find_missing(frame, set(determined))}


def _frame(rng: np.random.Generator, **missing: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({name: np.where(rows, np.nan, rng.random(N_ROWS)) for name, rows in missing.items()})


@few_examples
@given(frames())
def test_promises(frame):
    check_rule(MissingTogether(("whole", "day", "name")), frame)
    check_rule(MissingIf("flag", "decimal"), frame)


def test_holds():
    frame = typed({"whole": [1, None, None, 1], "name": ["a", None, "b", None]})
    assert MissingTogether(("whole", "name")).holds(frame).tolist() == [True, True, False, False]
    assert MissingIf("name", "whole").holds(frame).tolist() == [True, True, False, True]


def test_groups_and_chains():
    rng = np.random.default_rng(1)
    a = rng.random(N_ROWS) < 0.1
    c = a | (rng.random(N_ROWS) < 0.1)
    d = c | (rng.random(N_ROWS) < 0.1)
    frame = _frame(rng, a=a, b=a, c=c, d=d, e=rng.random(N_ROWS) < 0.2, full=np.zeros(N_ROWS, dtype=bool))
    assert _texts(frame) == {"a, b missing together", "c missing if a is missing", "d missing if c is missing"}
    assert _texts(frame, ("a", "b"), ("a", "c")) == {"d missing if c is missing"}
    frame.loc[~a, "d"] = 1.0
    assert "a, b, d missing together" in _texts(frame)


@pytest.mark.parametrize("seed", range(10))
def test_independent_missing_values_say_nothing(seed):
    rng = np.random.default_rng(seed)
    shares = (0.001, 0.002, 0.005, 0.1, 0.5, 0.9, 0.995, 0.999)
    frame = _frame(rng, **{str(share): rng.random(N_ROWS) < share for share in (*shares, *(x + 1e-4 for x in shares))})
    assert _texts(frame) == set()
    assert _texts(frame.assign(none=np.nan)) == set()
