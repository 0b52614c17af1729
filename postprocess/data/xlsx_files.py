"""Reads the first sheet of an Excel file as text, in the spelling that a CSV export would have."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pyarrow as pa
from openpyxl.worksheet._read_only import ReadOnlyWorksheet  # type: ignore[import-untyped]

from postprocess.data.csv_faults import one_line
from postprocess.data.formats import EXACT_WHOLE
from postprocess.data.missing import without_spelt_missing
from postprocess.runtime.exits import InputError

Row = tuple[object, ...]


@dataclass(frozen=True)
class Sheet:
    """The first sheet of an Excel file.

    columns: the names in its first row, "" for a cell without a name. table: the rows, as columns of text in this
    order; missing values are empty. n_sheets: the number of sheets in the file.
    """

    name: str
    n_sheets: int
    columns: tuple[str, ...]
    table: pa.Table

    def batches(self, names: list[str], rows: int, *, as_spelt: bool) -> Iterator[pa.RecordBatch]:
        """Yield the columns `names` of all rows, at most `rows` at a time.

        as_spelt: whether text that stands for a missing value stays text.
        """
        for batch in self.table.select(names).to_batches(rows):
            values = batch.columns if as_spelt else [without_spelt_missing(values) for values in batch.columns]
            yield pa.RecordBatch.from_arrays(values, names)


def read_sheet(path: Path) -> Sheet:
    """Read the first sheet of an .xlsx file. Its first row with cells is the header. Empty rows are left out.

    Raises InputError if the file is not a whole .xlsx file, has no sheet, or has an empty first sheet, and OSError if
    it cannot be opened.
    """
    with path.open("rb") as file:
        try:
            with warnings.catch_warnings(action="ignore"):  # openpyxl's, of styles and the like
                workbook = openpyxl.load_workbook(file, read_only=True, data_only=True)
                sheets = workbook.worksheets
                rows = _rows(sheets[0]) if sheets else []
        except MemoryError:
            raise
        except Exception as error:  # openpyxl lets the errors of its parsers through
            raise InputError(
                f"{path}: not a whole .xlsx file ({one_line(error) or type(error).__name__}); save it again"
            ) from error
    if not sheets:
        raise InputError(f"{path}: no sheet with cells; give a file whose first sheet has the data")
    if not rows:
        raise InputError(f"{path}: the first sheet, {sheets[0].title!r}, is empty; put the data there")
    return Sheet(sheets[0].title, len(sheets), *_as_text(rows))


def _rows(sheet: ReadOnlyWorksheet) -> list[Row]:
    """Return the rows that are not empty, without the empty cells at their ends."""
    sheet.reset_dimensions()  # some programs state wrong ones
    rows = (_without_empty_end(row) for row in sheet.iter_rows(values_only=True))
    return [row for row in rows if row]


def _without_empty_end(row: Row) -> Row:
    length = len(row)
    while length and (row[length - 1] is None or row[length - 1] == ""):
        length -= 1
    return row[:length]


def _as_text(rows: Sequence[Row]) -> tuple[tuple[str, ...], pa.Table]:
    width = max(map(len, rows))
    cells = [_spelt_column([row[place] if place < len(row) else None for row in rows[1:]]) for place in range(width)]
    header = [_spelt_column([name])[0] for name in rows[0]] + [""] * (width - len(rows[0]))
    return tuple(header), pa.Table.from_arrays([pa.array(texts, pa.string()) for texts in cells], header)


def _spelt_column(values: Sequence[object]) -> list[str]:
    """Return the values of a column as text. A column of dates without times of day shows the dates alone."""
    moments = [value for value in values if isinstance(value, datetime)]
    with_times = any(moment.time() != time() for moment in moments)
    precision = "microseconds" if any(moment.microsecond for moment in moments) else "seconds"
    return [_spelt(value, precision if with_times else "") for value in values]


def _spelt(value: object, precision: str) -> str:
    """Return a cell as text. precision: of dates with times, "" for dates alone."""
    match value:
        case None:
            return ""
        case datetime():
            return value.isoformat(" ", precision) if precision else value.date().isoformat()
        case date() | time():
            return value.isoformat()
        case float() if value.is_integer() and abs(value) < EXACT_WHOLE:
            return str(int(value))
        case float():
            return format(value, ".15g")  # the digits that Excel shows
        case _:
            return str(value)
