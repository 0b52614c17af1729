"""Typed frames for the tests of rules, as `read_typed` returns them."""

import pickle

import numpy as np
import pandas as pd
from hypothesis import settings
from hypothesis import strategies as st

from postprocess.rules.rule import Rule

few_examples = settings(max_examples=25, deadline=None)

DTYPES = {"whole": "Int64", "decimal": "float64", "flag": "boolean", "day": "datetime64[us]", "name": "str"}
DAYS = ["2024-01-01", "2024-02-29", "2023-12-31 10:30:00", None]
VALUES = {
    "whole": st.sampled_from([-3, 0, 1, 2, 2**60, None]),
    "decimal": st.sampled_from([-1.5, 0.0, 0.1, 0.2, 0.3, 7.25, None]),
    "flag": st.sampled_from([True, False, None]),
    "day": st.sampled_from(DAYS),
    "name": st.sampled_from(["", "a", "ab", "Straße", None]),
}


def typed(values: dict[str, list], dtypes: dict[str, str] = DTYPES) -> pd.DataFrame:
    """Return columns of the dtypes of their names."""
    return pd.DataFrame({name: column(each, dtypes[name]) for name, each in values.items()})


def column(values: list, dtype: str) -> pd.Series:
    """Return a column of a dtype, with None for a missing value."""
    if dtype.startswith("datetime64"):
        return pd.Series(pd.to_datetime(pd.Series(values, dtype=object), format="ISO8601").astype(dtype))
    return pd.Series(pd.array(values, dtype=dtype))


@st.composite
def frames(draw: st.DrawFn, min_rows: int = 0, max_rows: int = 12) -> pd.DataFrame:
    """Draw a frame with a column of each dtype."""
    n_rows = draw(st.integers(min_rows, max_rows))
    return typed({name: draw(st.lists(values, min_size=n_rows, max_size=n_rows)) for name, values in VALUES.items()})


def with_gaps(values: pd.Series, share: float, rng: np.random.Generator) -> pd.Series:
    """Return a column with some values missing."""
    return values.mask(rng.random(len(values)) < share)


def check_rule(rule: Rule, frame: pd.DataFrame) -> pd.DataFrame:
    """Check what every rule promises, and return the repaired frame."""
    before = frame.copy(deep=True)
    repaired, kept = rule.repair(frame), rule.holds(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert kept.shape == (len(frame),) and kept.dtype == bool
    assert (repaired.dtypes == frame.dtypes).all() and list(repaired) == list(frame)
    pd.testing.assert_index_equal(repaired.index, frame.index)
    pd.testing.assert_frame_equal(repaired[kept], frame[kept])
    others = [name for name in frame if name != rule.repaired]
    pd.testing.assert_frame_equal(repaired[others], frame[others])
    assert rule.holds(repaired)[kept].all()
    copy = pickle.loads(pickle.dumps(rule))
    assert (copy.text, copy.columns, copy.repaired) == (rule.text, rule.columns, rule.repaired)
    np.testing.assert_array_equal(copy.holds(frame), kept)
    pieces = [frame[:3], frame[3:]]
    np.testing.assert_array_equal(np.concatenate([rule.holds(piece) for piece in pieces]), kept)
    pd.testing.assert_frame_equal(pd.concat([rule.repair(piece) for piece in pieces]), repaired)
    unrepaired = rule.without_repair()
    assert unrepaired.repaired is None and unrepaired.text == rule.text
    pd.testing.assert_frame_equal(unrepaired.repair(frame), frame)
    return repaired
