"""What expressions are, row by row. The oracle is SQLite, whose CHECK has the same three-valued logic."""

import sqlite3

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postprocess.rules.given import Given, parse_rules
from tests.postprocess.rules.frames import few_examples, frames, typed

# those that are spelt alike in both languages, up to the signs of comparisons
NUMBERS = st.recursive(
    st.sampled_from(["decimal", "1", "2.5", "0", "small"]),
    lambda parts: st.builds("({} {} {})".format, parts, st.sampled_from("+-*/"), parts),
    max_leaves=4,
)
COMPARISONS = st.one_of(
    st.builds("({} {} {})".format, st.sampled_from(["decimal", "small"]), st.sampled_from(["<", ">=", "=="]), NUMBERS),
    st.builds("(name {} {})".format, st.sampled_from(["<", "<=", "!="]), st.sampled_from(["'a'", "'b'", "name"])),
    st.sampled_from(["(name in ('a', 'ab'))", "(small not in (1, 2))", "flag"]),
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda parts: (
        st.builds("({} {} {})".format, parts, st.sampled_from(["and", "or"]), parts)
        | st.builds("(not {})".format, parts)
    ),
    max_leaves=6,
)


def _sqlite(condition: str, frame: pd.DataFrame) -> list[bool]:
    """Return the rows that a CHECK with the condition lets pass. Numbers have no decimals that a column would round."""
    with sqlite3.connect(":memory:") as base:
        base.execute("CREATE TABLE t (decimal REAL, name TEXT, flag INT, small REAL)")
        columns = [
            [None if pd.isna(value) else value for value in frame[name].astype(object)]
            for name in ("decimal", "name", "flag", "small")
        ]
        base.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", list(zip(*columns, strict=True)))
        return [bool(kept) for (kept,) in base.execute(f"SELECT coalesce({condition}, 1) FROM t ORDER BY rowid")]


@few_examples
@given(frames(min_rows=1), CONDITIONS)
def test_three_valued_logic_is_that_of_sql(frame, condition):
    frame["small"] = frame["whole"].mask(frame["whole"] > 9)
    # many decimals: a comparison with something computed is then exact
    rule = Given(condition, (("decimal", None), ("small", None)))
    assert rule.holds(frame).tolist() == _sqlite(condition, frame)


FRAME = typed(
    {
        "whole": [2, 5, None, -3],
        "decimal": [0.3, 2.5, 1.0, None],
        "flag": [True, False, None, True],
        "day": ["2024-01-31", None, "2023-12-24 18:30", "2024-02-29"],
        "name": ["abc", " Ab", None, ""],
    }
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("1 < whole < 5", [1, 0, 1, 0]),
        ("whole % 2 == 0", [1, 0, 1, 0]),
        ("whole // 2 == -2", [0, 0, 1, 1]),
        ("whole ** 2 <= 9", [1, 0, 1, 1]),
        ("2 ** -1 > decimal", [1, 0, 0, 1]),
        ("-whole > 0", [0, 0, 1, 1]),
        ("+whole > 0", [1, 1, 1, 0]),
        ("whole / (whole - 2) > 2", [1, 0, 1, 0]),
        ("decimal == 0.1 + 0.2", [1, 0, 0, 1]),
        ("decimal * 10 >= 3", [1, 1, 1, 1]),
        ("decimal in [0.3, 1]", [1, 0, 1, 1]),
        ("whole not in {2, 5}", [0, 0, 1, 1]),
        ("whole.isin([-3])", [0, 0, 1, 1]),
        ("whole.isna()", [0, 0, 1, 0]),
        ("(whole + decimal).notna()", [1, 1, 0, 0]),
        ("whole.abs() == 3", [0, 0, 1, 1]),
        ("(decimal / 3).round(1) == 0.1", [1, 0, 0, 1]),
        ("decimal.round() == decimal", [0, 0, 1, 1]),
        ("whole.between(0, decimal * 8)", [1, 1, 1, 0]),
        ("flag", [1, 0, 1, 1]),
        ("flag == False", [0, 1, 1, 0]),
        ("~flag | (whole > 0)", [1, 1, 1, 0]),
        ("(flag == True) & (whole > 0)", [1, 0, 1, 0]),
        ("not flag", [0, 1, 1, 0]),
        ("name.str.len() == 3", [1, 1, 1, 0]),
        ("name.str.strip().str.lower() == 'ab'", [0, 1, 1, 0]),
        ("name.str.upper().str.startswith('A')", [1, 0, 1, 0]),
        ("name.str.endswith('c')", [1, 0, 1, 0]),
        ("name.str.contains('.')", [0, 0, 1, 0]),
        ("name.str[0] == 'a'", [1, 0, 1, 1]),
        ("name.str[-1] == 'b'", [0, 1, 1, 1]),
        ("name.str[1:] == 'bc'", [1, 0, 1, 0]),
        ("name.str.slice(0, 2) == 'ab'", [1, 0, 1, 0]),
        ("name >= 'a'", [1, 0, 1, 0]),
        ("day > '2024-01-01'", [1, 1, 0, 1]),
        ("'2024-02-01' > day", [1, 1, 1, 0]),
        ("day in ['2024-02-29', '2024-01-31 00:00']", [1, 1, 0, 1]),
        ("day.between('2024-01-01', '2024-02-01')", [1, 1, 0, 0]),
        ("day.dt.date == '2023-12-24'", [0, 1, 1, 0]),
        ("day.dt.year == 2023 and day.dt.month == 12 and day.dt.day == 24", [0, 1, 1, 0]),
        ("day.dt.hour * 60 + day.dt.minute == 1110", [0, 1, 1, 0]),
        ("day.dt.dayofweek == 6", [0, 1, 1, 0]),
    ],
)
def test_operations(text, kept):
    (rule,) = parse_rules([text], FRAME)
    assert rule.holds(FRAME).astype(int).tolist() == kept
    assert rule.holds(FRAME[:0]).shape == (0,)


def test_large_whole_numbers_are_compared_exactly():
    frame = typed({"whole": [2**60, 2**60 + 1], "other": [2**60, 2**60]}, {"whole": "Int64", "other": "Int64"})
    assert Given("whole == other").holds(frame).tolist() == [True, False]
    assert Given(f"whole > {2**60}").holds(frame).tolist() == [False, True]


def test_nested_chains_take_no_time():
    text = "flag"
    while len(text) < 900:
        text = f"flag == ({text}) == flag"
    assert Given(text).holds(FRAME).shape == (4,)


def test_rows_of_any_index():
    frame = FRAME.set_index(np.array([7, 7, 3, 1]))
    assert Given("whole > decimal").holds(frame).tolist() == [True, True, True, True]
