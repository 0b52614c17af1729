"""Reads .csv, .csv.gz and .parquet files in batches, and says in one line what is wrong with a bad one."""

import csv
import gzip
import hashlib
import io
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from postprocess.data.csv_faults import broken_gzip, find_csv_fault, not_utf8, one_line, open_bytes
from postprocess.data.formats import is_text
from postprocess.runtime.exits import InputError

MIN_ROWS = 100
BATCH_ROWS = 32_768
BLOCK_BYTES = 2 << 20  # of CSV text parsed at a time; no row may be longer
PEEK_BYTES = 1 << 16
csv.field_size_limit(BLOCK_BYTES)  # enough for any value; the csv module has one limit for all of its readers

# pandas.read_csv's default texts for a missing value
MISSING_TOKENS = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)

GZIP = b"\x1f\x8b"
OTHER_KINDS = {  # by the first bytes of a file: what it is, and what to do
    b"PK\x03\x04": "an Excel file or another zip archive; export the data as CSV in UTF-8",
    b"\xd0\xcf\x11\xe0": "an old Excel file; export the data as CSV in UTF-8",
    b"\xff\xfe": "in UTF-16; save the file as UTF-8",
    b"\xfe\xff": "in UTF-16; save the file as UTF-8",
    b"PAR1\x15": "a Parquet file; end its name in .parquet",
    GZIP: "a gzip file; end its name in .csv.gz",
}


@dataclass(frozen=True)
class Source:
    """A readable data file. in_file: its columns, at least one, in its order. role: see `open_source`.

    left_out: columns that are never read.
    """

    path: Path
    in_file: tuple[str, ...]
    role: str = "input"
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_names(self.in_file, self.path)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in the file's order, without those left out."""
        return tuple(name for name in self.in_file if name not in self.left_out)

    @property
    def typed(self) -> bool:
        """Whether the columns have types (Parquet) or only text (CSV)."""
        return _is_parquet(self.path)

    @cached_property
    def sha256(self) -> str:
        """The checksum of the file, in hexadecimal digits."""
        with self.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def batches(
        self, columns: Sequence[str] | None = None, rows: int = BATCH_ROWS, *, as_spelt: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows in order, at most `rows` at a time, with `columns` (None: all) in the given order.

        CSV columns are strings. Parquet columns keep their types, but dictionaries are decoded. Text that stands for a
        missing value becomes null, or with `as_spelt` stays that text.

        Raises InputError if the file breaks off, has a row of the wrong length, or is not UTF-8.
        """
        names = list(self.columns if columns is None else columns)
        if self.typed:
            return _parquet_batches(self.path, names, rows, as_spelt=as_spelt)
        return _csv_batches(self.path, self.in_file, names, rows, missing=() if as_spelt else MISSING_TOKENS)

    def row_count(self) -> int | None:
        """Return the number of rows if the file states it (Parquet), else None."""
        return pq.read_metadata(self.path).num_rows if self.typed else None


def open_source(path: str | Path, *, role: str) -> Source:
    """Check the name, the header and the first rows of a .csv, .csv.gz or .parquet file, and read no further.

    role: "training", "pool", "holdout" or "result". Error messages name the file by it. Training data needs MIN_ROWS
    rows.

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
        raise InputError(f"{path}: not a file; give the path of one .csv, .csv.gz or .parquet file as {role} data")
    if not path.name.lower().endswith((".csv", ".csv.gz", ".parquet")):
        raise InputError(f"{path}: unsupported file type; the {role} data must be .csv, .csv.gz or .parquet")
    try:
        columns = _parquet_columns(path) if _is_parquet(path) else _csv_columns(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({one_line(error)}); check the file and its permissions") from error
    source = Source(path, columns, role)
    _check_rows(source, at_least=MIN_ROWS if role == "training" else 1)
    return source


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


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith(".parquet")


# Parquet


def _parquet_columns(path: Path) -> tuple[str, ...]:
    if path.stat().st_size == 0:
        raise InputError(f"{path}: empty file; write the Parquet file again")
    try:
        schema = pq.read_schema(path)
    except pa.ArrowException as error:
        raise InputError(f"{path}: not a whole Parquet file ({one_line(error)}); write it again") from error
    _check_names(schema.names, path)
    if (marks := _separators(schema.names)) is not None:
        raise InputError(
            f"{path}: the only column's name contains {marks}, which would divide a CSV's header; rename it"
        )
    for field in schema:
        if not _is_supported(field.type):
            raise InputError(
                f"{path}: column {field.name!r} has the type {field.type}; cast it to text, or leave it out"
            )
    return tuple(schema.names)


def _is_supported(type: pa.DataType) -> bool:
    if pa.types.is_dictionary(type):
        return _is_supported(type.value_type)
    known = (pa.types.is_null, pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    more = (pa.types.is_string, pa.types.is_large_string, pa.types.is_date, pa.types.is_time, pa.types.is_timestamp)
    return any(check(type) for check in known + more)


def _parquet_batches(path: Path, names: list[str], rows: int, *, as_spelt: bool) -> Iterator[pa.RecordBatch]:
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=PEEK_BYTES) as file:
            for batch in file.iter_batches(rows, columns=names):
                columns = [decoded(batch.column(name)) for name in names]
                if not as_spelt:
                    columns = [_without_spelt_missing(values) for values in columns]
                yield pa.RecordBatch.from_arrays(columns, names)
    except MemoryError:  # Arrow's own is also an ArrowException
        raise
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: broken Parquet file ({one_line(error)}); write it again") from error


def decoded(values: pa.Array) -> pa.Array:
    """Return the values of a dictionary array, and any other array as it is."""
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _without_spelt_missing(values: pa.Array) -> pa.Array:
    return pc.if_else(spell_missing(values), None, values) if is_text(values) else values


def spell_missing(texts: pa.Array) -> pa.Array:
    """Return which texts stand for a missing value."""
    return pc.is_in(texts, pa.array(MISSING_TOKENS, texts.type))


# CSV


def _csv_columns(path: Path) -> tuple[str, ...]:
    try:
        with open_bytes(path) as stream:
            start = stream.read(max(map(len, OTHER_KINDS)))
        for mark, kind in OTHER_KINDS.items():
            if start.startswith(mark):
                twice = mark == GZIP and path.name.lower().endswith(".gz")
                raise InputError(
                    f"{path}: not a CSV file in UTF-8 but {'compressed twice; decompress it once' if twice else kind}"
                )
        with open_bytes(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", newline="") as text:
            header = next((row for row in csv.reader(text) if row), None)
    except UnicodeDecodeError:
        raise not_utf8(path) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise broken_gzip(path, error) from error
    except csv.Error as error:
        raise InputError(f"{path}: the header cannot be read ({error}); correct it") from error
    if header is None:
        raise InputError(f"{path}: empty file; the first line must name the columns")
    if (marks := _separators(header)) is not None:
        raise InputError(f"{path}: the header is separated by {marks}; save the file with commas instead")
    return tuple(header)


def _separators(names: Sequence[str]) -> str | None:
    """Return, in words, the separators that the name of an only column contains. Return None if there are none."""
    if len(names) > 1:
        return None
    return next((marks for mark, marks in ((";", "semicolons"), ("\t", "tabs")) if mark in names[0]), None)


def _csv_batches(
    path: Path, columns: Sequence[str], names: list[str], rows: int, *, missing: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    last_value = None
    try:
        with _open_csv(path, columns, names, missing) as reader:
            for batch in reader:
                if not batch.num_rows:  # a block of blank lines
                    continue
                last_value = batch.column(columns[-1])[-1].as_py()
                chosen = batch.select(names)
                for start in range(0, batch.num_rows, rows):
                    yield chosen.slice(start, rows)
    except MemoryError:  # Arrow's own is also an ArrowException
        raise
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        too_long = "straddling" in str(error)  # Arrow's word for a row that does not end within its block
        reason = f"a row is longer than {BLOCK_BYTES >> 20} MiB" if too_long else one_line(error)
        unknown = InputError(f"{path}: not a readable CSV file ({reason}); check its values, quotes and line ends")
        raise (find_csv_fault(path, columns) or unknown) from error
    # If a quote is still open at the end of the file, Arrow closes it, even if its value holds many lines.
    if last_value and ("\n" in last_value or "\r" in last_value) and (fault := find_csv_fault(path, columns)):
        raise fault


@contextmanager
def _open_csv(
    path: Path, columns: Sequence[str], names: list[str], missing: Sequence[str]
) -> Iterator[pa_csv.CSVStreamingReader]:
    """Open a CSV file whose batches have at least the columns `names` and the last one. `missing` texts become null."""
    convert = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(columns, pa.string()),
        include_columns=list(dict.fromkeys([*names, columns[-1]])),
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        null_values=list(missing),
    )
    with (
        pa.input_stream(path, compression="gzip" if path.name.lower().endswith(".gz") else None) as stream,
        pa_csv.open_csv(
            stream,
            read_options=pa_csv.ReadOptions(block_size=BLOCK_BYTES),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=convert,
        ) as reader,
    ):
        yield reader
