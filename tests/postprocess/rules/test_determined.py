"""Columns that others decide."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postprocess.rules.determined import Determined
from postprocess.rules.levels import Levels
from postprocess.rules.numbers import decimals_of
from tests.postprocess.rules.frames import DTYPES, VALUES, check_rule, column, few_examples, frames, typed


@few_examples
@given(frames(min_rows=1), st.permutations(list(DTYPES)), st.integers(1, 2), st.data())
def test_a_repaired_row_keeps_the_rule_if_its_keys_are_known(training, names, n_keys, data):
    *keys, determined = names[: n_keys + 1]
    training = training.drop_duplicates(keys, ignore_index=True)
    rule = Determined.learnt(training, tuple(keys), determined)
    assert rule.holds(training).all()
    frame = data.draw(frames())
    frame["decimal"] = frame["decimal"].round(decimals_of(training["decimal"]))  # more make no other value
    repaired = check_rule(rule, frame)
    known = pd.MultiIndex.from_frame(training[keys].astype(object).fillna("missing"))
    rows = pd.MultiIndex.from_frame(frame[keys].astype(object).fillna("missing"))
    np.testing.assert_array_equal(rule.holds(repaired), rows.isin(known))


def test_missing_values_are_values():
    training = typed({"name": ["a", "b", None, "a"], "whole": [1, None, 3, 1]})
    rule = Determined.learnt(training, ("name",), "whole")
    frame = typed({"name": ["a", "a", "b", "b", None, None, "c"], "whole": [1, None, None, 1, 3, None, 1]})
    assert rule.holds(frame).tolist() == [True, False, True, False, True, False, False]
    expected = typed({"name": ["a", "a", "b", "b", None, None, "c"], "whole": [1, 1, None, None, 3, 3, 1]})
    pd.testing.assert_frame_equal(check_rule(rule, frame), expected)


def test_decimals_beyond_the_training_data_make_no_other_value():
    training = typed({"decimal": [0.3, 0.7], "name": ["a", "b"]})
    rule = Determined.learnt(training, ("decimal",), "name")
    assert rule.holds(typed({"decimal": [0.1 + 0.2, 0.31], "name": ["a", "a"]})).tolist() == [True, True]


def test_texts():
    training = typed({"name": ["a", "b"], "whole": [1, 2], "flag": [True, False]})
    assert Determined.learnt(training, ("name", "whole"), "flag").text == "name, whole -> flag"
    rule = Determined.learnt(training, ("name",), "flag", both_ways=True)
    assert (rule.text, rule.columns, rule.repaired) == ("name <-> flag", ("name", "flag"), "flag")


@pytest.mark.parametrize("name", DTYPES)
@few_examples
@given(data=st.data())
def test_levels_lead_back_to_their_values(name, data):
    drawn, other = (column(data.draw(st.lists(VALUES[name], max_size=12)), DTYPES[name]) for _ in range(2))
    levels = Levels.of(drawn)
    codes = levels.codes(drawn)
    assert codes.min(initial=0) >= 0
    pd.testing.assert_series_equal(pd.Series(levels.take(codes)), drawn, check_names=False)
    assert set(levels.codes(other)) <= set(range(-1, len(levels)))
