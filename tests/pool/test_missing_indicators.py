import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pool.missing_indicators import Contradictions, add_indicators, drop_indicators

FRAME = pd.DataFrame(
    {
        "x": pd.Series([1.5, None, 2.5]),
        "flag": pd.Series([True, None, False], dtype="boolean"),
        "name": pd.Series(["a", "b", None], dtype="str"),
        "full": pd.Series([1, 2, 3], dtype="Int64"),
    }
)


def test_each_column_with_missing_values_gets_an_indicator():
    wide, indicators = add_indicators(FRAME)
    assert indicators == {"x_is_missing": "x", "flag_is_missing": "flag", "name_is_missing": "name"}
    assert wide["name_is_missing"].tolist() == [False, False, True]
    pd.testing.assert_frame_equal(wide[FRAME.columns], FRAME)


def test_an_indicator_never_takes_the_name_of_another_column():
    frame = pd.DataFrame({"x": [None, 1.0], "x_is_missing": [None, 2.0], "x_is_missing_": [3.0, 4.0]})
    wide, indicators = add_indicators(frame)
    assert indicators == {"x_is_missing__": "x", "x_is_missing_is_missing": "x_is_missing"}
    assert wide.columns.is_unique


def test_a_frame_without_missing_values_stays_as_it_is():
    wide, indicators = add_indicators(FRAME[["full"]])
    assert indicators == {}
    pd.testing.assert_frame_equal(wide, FRAME[["full"]])


def test_an_indicator_removes_values_and_invents_none():
    wide, indicators = add_indicators(FRAME[["x"]])
    wide["x_is_missing"] = pd.Series([True, False, None], dtype="boolean")
    real, contradictions = drop_indicators(wide, indicators)
    assert real["x"].isna().tolist() == [True, True, False]
    assert contradictions == Contradictions(blanked=1, unfilled=1)


pairs_of_values = st.lists(st.tuples(st.sampled_from([None, 1, 2]), st.sampled_from([None, "", "a"])), min_size=1)


@given(pairs_of_values)
def test_dropping_the_indicators_gives_the_same_frame_again(rows):
    frame = pd.DataFrame(
        {"x": pd.Series([x for x, _ in rows], dtype="Int64"), "y": pd.Series([y for _, y in rows], dtype="str")}
    )
    real, contradictions = drop_indicators(*add_indicators(frame))
    pd.testing.assert_frame_equal(real, frame)
    assert contradictions == Contradictions(0, 0)
