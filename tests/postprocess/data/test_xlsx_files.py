"""Tests that the first sheet of an Excel file is read as the text that a CSV export would have."""

import zipfile
from datetime import date, datetime, time

import numpy as np
import openpyxl
import pyarrow as pa
import pytest

from postprocess.data.binning import fit_binning
from postprocess.data.dialect import PLAIN
from postprocess.data.formats import Booleans, Dates, Decimals, Integers, Texts
from postprocess.data.result_csv import write_result
from postprocess.data.sources import open_source
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress


def save(folder, rows, *, sheets=("Data",), name="data.xlsx"):
    """Write an Excel file whose first sheet has these rows, and return its path."""
    workbook = openpyxl.Workbook()
    workbook.active.title = sheets[0]
    for sheet in sheets[1:]:
        workbook.create_sheet(sheet).append(["other"])
    for row in rows:
        workbook.active.append(row)
    workbook.save(folder / name)
    return folder / name


def read(source, columns=None, *, as_spelt=False):
    return pa.Table.from_batches(source.batches(columns, as_spelt=as_spelt)).to_pydict()


def test_cells_are_spelt_as_a_csv_export_spells_them(tmp_path):
    columns = {
        "whole": [5, 5.0, -3, None],
        "decimal": [2.5, 7, 0.1, 1e20],
        "day": [datetime(2024, 1, 31), date(2024, 2, 1), None, datetime(1999, 12, 31)],
        "moment": [datetime(2024, 1, 31, 12, 30), datetime(2024, 2, 1), None, datetime(2024, 2, 1, 0, 0, 1)],
        "exact": [datetime(2024, 1, 31, 12, 30, 0, 250_000), datetime(2024, 2, 1), None, None],
        "clock": [time(12, 30), time(0, 0, 1), None, time(1)],
        "truth": [True, False, None, True],
        "text": ["007", " a;b ", "NA", "two\nlines"],
        2024: ["x", None, "", "y"],
    }
    source = open_source(save(tmp_path, [list(columns), *zip(*columns.values(), strict=True)]), role="pool")
    assert read(source, as_spelt=True) == {
        "whole": ["5", "5", "-3", ""],
        "decimal": ["2.5", "7", "0.1", "1e+20"],
        "day": ["2024-01-31", "2024-02-01", "", "1999-12-31"],
        "moment": ["2024-01-31 12:30:00", "2024-02-01 00:00:00", "", "2024-02-01 00:00:01"],
        "exact": ["2024-01-31 12:30:00.250000", "2024-02-01 00:00:00.000000", "", ""],
        "clock": ["12:30:00", "00:00:01", "", "01:00:00"],
        "truth": ["True", "False", "", "True"],
        "text": ["007", " a;b ", "NA", "two\nlines"],
        "2024": ["x", "", "", "y"],
    }
    assert read(source, ["2024", "text"]) == {
        "2024": ["x", None, None, "y"],
        "text": ["007", " a;b ", None, "two\nlines"],
    }
    assert source.dialect == PLAIN and not source.typed and source.row_count() == 4
    assert [batch.num_rows for batch in source.batches(rows=3)] == [3, 1]


def test_short_rows_are_padded_and_empty_rows_are_skipped(tmp_path):
    rows = [[], [None, None], ["a", "b", "c", None], [1], [], [None, "", 2], [3, 4, 5, ""], [None, ""]]
    source = open_source(save(tmp_path, rows), role="pool")
    assert read(source) == {"a": ["1", None, "3"], "b": [None, None, "4"], "c": [None, "2", "5"]}


def test_only_the_first_sheet_is_read(tmp_path):
    source = open_source(save(tmp_path, [["a"], [1]], sheets=("First", "Second"), name="DATA.XLSX"), role="pool")
    assert source.columns == ("a",)
    assert (source.sheet.name, source.sheet.n_sheets) == ("First", 2)


def test_a_sheet_that_states_a_wrong_size_is_read_as_a_whole(tmp_path):
    path, other = save(tmp_path, [["a", "b"], [1, 2], [3, 4]]), tmp_path / "other.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            assert name != "xl/worksheets/sheet1.xml" or b'ref="A1:B3"' in content
            new.writestr(name, content.replace(b'ref="A1:B3"', b'ref="A1"'))
    assert read(open_source(other, role="pool")) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_columns_get_formats_and_the_result_is_a_plain_csv(tmp_path):
    day = datetime(2024, 1, 31)
    rows = [[1.0, 2.5, True, day, "x"], [2, 3, False, None, "y, z"]] * 50
    source = open_source(save(tmp_path, [["id", "amount", "done", "day", "note"], *rows]), role="training")
    binning = fit_binning(source, progress=Progress())
    formats = [column.format for column in binning.columns]
    assert formats == [Integers(), Decimals(0, 1), Booleans(), Dates(), Texts()]
    path = tmp_path / "result.csv"
    write_result(source, np.arange(2), binning, path, progress=Progress(), dialect=source.dialect)
    assert path.read_text() == 'id,amount,done,day,note\n1,2.5,True,2024-01-31,x\n2,3,False,,"y, z"\n'


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "the first sheet, 'Data', is empty"),
        ([["a", "b"]], "no rows, only a header"),
        ([["a", None, "c"], [1, 2, 3]], "column 2 has no name"),
        ([["a", "b"], [1, 2], [1, 2, 3]], "column 3 has no name"),
        ([["a", "a"], [1, 2]], "duplicate column names in the header: 'a'"),
        ([["a;b"], [1]], "the only column's name contains semicolons"),
    ],
)
def test_a_bad_sheet_gives_one_clear_line(tmp_path, rows, message):
    path = save(tmp_path, rows)
    with pytest.raises(InputError, match=message) as caught:
        open_source(path, role="pool")
    assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_a_broken_file_gives_one_clear_line(tmp_path):
    whole = save(tmp_path, [["a"], *([number] for number in range(1000))]).read_bytes()
    path = tmp_path / "broken.xlsx"
    damaged = (
        *(b"", b"a,b\n1,2\n", b"PK\x03\x04\x14\x00", b"\xd0\xcf\x11\xe0", whole[: len(whole) // 2]),
        *(whole[:-30], whole[:200] + b"\xff" * 300 + whole[500:]),
    )
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"not a whole \.xlsx file \(.+\); save it again") as caught:
            open_source(path, role="pool")
        assert str(caught.value).startswith(f"{path}: ") and "\n" not in str(caught.value)


def test_sheets_with_broken_or_missing_parts_give_one_clear_line(tmp_path):
    path, other = save(tmp_path, [["a"], [1]]), tmp_path / "other.xlsx"
    for part in ("xl/workbook.xml", "xl/worksheets/sheet1.xml", "[Content_Types].xml"):
        for content in (None, b"<a><b>", b"<a/>"):
            with zipfile.ZipFile(path) as old, zipfile.ZipFile(other, "w") as new:
                for name in old.namelist():
                    if name != part:
                        new.writestr(name, old.read(name))
                if content is not None:
                    new.writestr(part, content)
            with pytest.raises(InputError) as caught:
                open_source(other, role="pool")
            assert str(caught.value).startswith(f"{other}: ") and "\n" not in str(caught.value)


def test_running_out_of_memory_is_not_blamed_on_an_excel_file(tmp_path, monkeypatch):
    def run_out(*_arguments, **_options):
        raise MemoryError

    path = save(tmp_path, [["a"], [1]])
    monkeypatch.setattr("postprocess.data.xlsx_files.openpyxl.load_workbook", run_out)
    with pytest.raises(MemoryError):
        open_source(path, role="pool")
