"""Opens data files of all kinds, reads them in batches, and says in one line what is wrong with a bad one."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from postprocess.data.csv_faults import one_line
from postprocess.data.csv_files import csv_batches, csv_columns
from postprocess.data.dialect import PLAIN, SEPARATORS, Dialect
from postprocess.data.missing import MISSING_TOKENS
from postprocess.data.parquet_files import parquet_batches, parquet_columns
from postprocess.data.xlsx_files import Sheet, read_sheet
from postprocess.runtime.exits import InputError

MIN_ROWS = 100
BATCH_ROWS = 32_768
ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".xlsx")
KINDS = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"


@dataclass(frozen=True)
class Source:
    """A readable data file. in_file: its columns, at least one, in its order. role: see `open_source`.

    left_out: columns that are never read. dialect: how a CSV is written. sheet: the content of an Excel file.
    """

    path: Path
    in_file: tuple[str, ...]
    role: str = "input"
    left_out: tuple[str, ...] = ()
    dialect: Dialect = PLAIN
    sheet: Sheet | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_names(self.in_file, self.path)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in the file's order, without those left out."""
        return tuple(name for name in self.in_file if name not in self.left_out)

    @property
    def typed(self) -> bool:
        """Whether the columns have types (Parquet) or only text (CSV and Excel)."""
        return _is_parquet(self.path)

    @cached_property
    def sha256(self) -> str:
        """The checksum of the file, in hexadecimal digits."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @property
    def columns_sha256(self) -> str:
        """The checksum of the file, or if columns are left out, one of the file and their names."""
        if not self.left_out:
            return self.sha256
        return hashlib.sha256(repr((self.sha256, sorted(self.left_out))).encode()).hexdigest()

    def batches(
        self, columns: Sequence[str] | None = None, rows: int = BATCH_ROWS, *, as_spelt: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, at most `rows` at a time, with `columns` (None: all) in the given order.

        CSV and Excel columns are strings. Parquet columns keep their types, but dictionaries are decoded. Text that
        stands for a missing value becomes null, or with `as_spelt` stays that text.

        Raises InputError if the file breaks off, has a row of the wrong length, or is not UTF-8.
        """
        names = list(self.columns if columns is None else columns)
        if self.typed:
            return parquet_batches(self.path, names, rows, as_spelt=as_spelt)
        if self.sheet is not None:
            return self.sheet.batches(names, rows, as_spelt=as_spelt)
        missing = () if as_spelt else MISSING_TOKENS
        return csv_batches(self.path, self.in_file, names, rows, separator=self.dialect.separator, missing=missing)

    def row_count(self) -> int | None:
        """Return the number of rows if it is known (Parquet and Excel), else None."""
        if self.sheet is not None:
            return self.sheet.table.num_rows
        return pq.read_metadata(self.path).num_rows if self.typed else None


def open_source(path: str | Path, *, role: str) -> Source:
    """Check the name, the header and the first rows of a file, and read no further. An Excel file is read as a whole.

    path: its name ends in one of ENDINGS, in lower or upper case. role: "training", "pool", "holdout" or "result".
    Error messages name the file by it. Training data needs MIN_ROWS rows.

    Raises InputError if the file is missing, unreadable, of another kind, empty, or broken at its start.
    """
    path = Path(path)
    try:
        exists = path.exists()
    except OSError as error:  # a name that is too long
        raise InputError(f"{path}: {error.strerror}; give the path of the {role} data") from error
    if not exists:
        raise InputError(f"{path}: no such file; give the path of the {role} data")
    if not path.is_file():
        raise InputError(f"{path}: not a file; give the path of one {KINDS} file as {role} data")
    if not path.name.lower().endswith(ENDINGS):
        raise InputError(f"{path}: unsupported file type; the {role} data must be {KINDS}")
    try:
        source = _opened(path, role)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({one_line(error)}); check the file and its permissions") from error
    require_plain_only_name(source)
    _check_rows(source, at_least=MIN_ROWS if role == "training" else 1)
    return source


def _opened(path: Path, role: str) -> Source:
    if _is_parquet(path):
        return Source(path, parquet_columns(path), role)
    if path.name.lower().endswith(".xlsx"):
        sheet = read_sheet(path)
        return Source(path, sheet.columns, role, sheet=sheet)
    columns, dialect = csv_columns(path)
    return Source(path, columns, role, dialect=dialect)


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith(".parquet")


def _check_rows(source: Source, *, at_least: int) -> None:
    rows = 0
    for batch in source.batches(source.columns[:1], rows=at_least):
        rows += batch.num_rows
        if rows >= at_least:
            return
    if rows == 0:
        raise InputError(f"{source.path}: no rows, only a header; give {source.role} data with rows")
    raise InputError(f"{source.path}: only {rows} rows; the {source.role} data needs at least {at_least}")


def _check_names(columns: Sequence[str], path: Path) -> None:
    if not columns:
        raise InputError(f"{path}: no columns; the first line must name the columns")
    for place, name in enumerate(columns, start=1):
        if not name.strip():
            raise InputError(f"{path}: column {place} has no name; name it in the header, or remove the column")
    if twice := sorted(name for name, count in Counter(columns).items() if count > 1):
        names = ", ".join(map(repr, twice))
        raise InputError(f"{path}: duplicate column names in the header: {names}; rename them, so that each is unique")


def require_plain_only_name(source: Source) -> None:
    """Raise InputError if the name of an only column would divide the header of a CSV, such as the pool's.

    Writers of CSVs with commas put no quotes around the other separators.
    """
    if len(source.columns) > 1:
        return
    for separator, marks in SEPARATORS.items():
        if separator != "," and separator in source.columns[0]:
            raise InputError(
                f"{source.path}: the only column's name contains {marks}, which would divide a CSV's header; rename it"
            )
