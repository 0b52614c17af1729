"""Tests that odd files of all types, also in other types as pool and holdout, give a sound result or one clear line.

FUZZ_EXAMPLES=1000 tests/run.sh -k fuzz tries 1,000 random files, other ones each time, and prints how the runs ended.
"""

import pyarrow as pa
import pytest
from hypothesis import strategies as st

from tests.fuzz.checks import MAX_TEST_SECONDS, Files, try_files
from tests.fuzz.files import DataFile, text_table
from tests.fuzz.odd_csv import odd_csv_files, odd_tables
from tests.fuzz.odd_parquet import odd_arrow_tables, odd_parquet_files, retyped
from tests.fuzz.odd_xlsx import xlsx_files

pytestmark = pytest.mark.slow


@st.composite
def odd_calls(draw: st.DrawFn) -> Files:
    """Draw training data; a pool or None; a holdout or None."""
    match draw(st.sampled_from(["csv", "csv", "csv", "parquet", "parquet", "xlsx"])):
        case "xlsx":
            return draw(_excel_calls())
        case "parquet":
            table = draw(odd_arrow_tables())
            training = draw(odd_parquet_files(table))
        case _:
            names, rows = draw(odd_tables())
            table = text_table(names, rows)
            training = draw(odd_csv_files(names, rows))
    pool = draw(_others(table, times=draw(st.sampled_from([2.5, 2.5, 2.5, 0.5])))) if draw(st.booleans()) else None
    if draw(st.integers(0, 5)):
        return training, pool, None
    return training, pool, draw(_others(table, times=draw(st.sampled_from([0.3, 0.05, 1]))))


@st.composite
def _others(draw: st.DrawFn, table: pa.Table, times: float) -> DataFile:
    """Draw a file of the values of this table, in other types or as text."""
    others = draw(retyped(table, times=times))
    if draw(st.integers(0, 2)):
        return draw(odd_parquet_files(others, odd=draw(st.sampled_from([0, 0, 0, 10]))))
    try:
        texts = [[("" if value is None else str(value)) for value in column.to_pylist()] for column in others.columns]
    except (ValueError, OverflowError, KeyError):  # times that Python cannot hold
        return draw(odd_parquet_files(others))
    rows = [list(row) for row in zip(*texts, strict=True)]
    return draw(odd_csv_files(others.column_names, rows, odd=draw(st.sampled_from([0, 0, 0, 5]))))


@st.composite
def _excel_calls(draw: st.DrawFn) -> Files:
    """Draw an Excel file, alone or with others of the same columns."""
    names = draw(st.sampled_from([None, ["a", "b"], ["a"]]))
    training = draw(xlsx_files(names=names))
    if names is None:
        return training, None, None
    if draw(st.booleans()):
        return training, draw(xlsx_files(250, names=names, odd=0)), None
    rows = [list(row) for row in zip(*(["1", "2", "x", "2024-01-01", ""] * 50 for _ in names), strict=True)]
    return training, draw(odd_csv_files(names, rows, odd=0)), draw(st.sampled_from([None, training]))


@pytest.mark.timeout(MAX_TEST_SECONDS)
@pytest.mark.usefixtures("_small")
def test_odd_files_give_a_sound_result_or_one_line(capsys):
    endings = try_files(odd_calls(), 100, capsys)
    assert endings["sound"] > endings.total() / 8 and len(endings) > 10
