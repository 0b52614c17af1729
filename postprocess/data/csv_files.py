"""Reads the header and the rows of CSV files in any dialect."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv

from postprocess.data.csv_faults import broken_gzip, find_csv_fault, not_utf8, one_line
from postprocess.data.dialect import Dialect, find_dialect
from postprocess.data.opening import BLOCK_BYTES, open_bytes, open_text
from postprocess.runtime.exits import InputError

GZIP = b"\x1f\x8b"
OTHER_KINDS = {  # by the first bytes of a file: what it is, and what to do
    b"PK\x03\x04": "an Excel file or another zip archive; end an Excel file's name in .xlsx, or export CSV in UTF-8",
    b"\xd0\xcf\x11\xe0": "an old Excel file; export the data as CSV in UTF-8",
    b"\xff\xfe": "in UTF-16; save the file as UTF-8",
    b"\xfe\xff": "in UTF-16; save the file as UTF-8",
    b"PAR1\x15": "a Parquet file; end its name in .parquet",
    GZIP: "a gzip file; end its name in .csv.gz",
}


def csv_columns(path: Path) -> tuple[tuple[str, ...], Dialect]:
    """Return the names of the columns, and the dialect of the file.

    Raises InputError if the file is of another kind, empty, not UTF-8, or has a header that cannot be read.
    """
    try:
        _require_text(path)
        dialect = find_dialect(path)
        with open_text(path) as text:
            header = next((row for row in csv.reader(text, delimiter=dialect.separator) if row), None)
    except UnicodeDecodeError:
        raise not_utf8(path) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise broken_gzip(path, error) from error
    except csv.Error as error:
        raise InputError(f"{path}: the header cannot be read ({error}); correct it") from error
    if header is None:
        raise InputError(f"{path}: empty file; the first line must name the columns")
    return tuple(header), dialect


def _require_text(path: Path) -> None:
    with open_bytes(path) as stream:
        start = stream.read(max(map(len, OTHER_KINDS)))
    for mark, kind in OTHER_KINDS.items():
        if start.startswith(mark):
            twice = mark == GZIP and path.name.lower().endswith(".gz")
            raise InputError(
                f"{path}: not a CSV file in UTF-8 but {'compressed twice; decompress it once' if twice else kind}"
            )


def csv_batches(
    path: Path, columns: Sequence[str], names: list[str], rows: int, *, separator: str, missing: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Yield the columns `names` of all rows as strings, at most `rows` at a time. `missing` texts become null.

    columns: all columns of the file, in its order.

    Raises InputError if the file breaks off, has a row of the wrong length, or is not UTF-8.
    """
    last_value = None
    try:
        with _open_csv(path, columns, names, separator, missing) as reader:
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
        raise (find_csv_fault(path, columns, separator) or unknown) from error
    # If a quote is still open at the end of the file, Arrow closes it, even if its value holds many lines.
    if last_value and ("\n" in last_value or "\r" in last_value):
        fault = find_csv_fault(path, columns, separator)
        if fault:
            raise fault


@contextmanager
def _open_csv(
    path: Path, columns: Sequence[str], names: list[str], separator: str, missing: Sequence[str]
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
            parse_options=pa_csv.ParseOptions(delimiter=separator, newlines_in_values=True),
            convert_options=convert,
        ) as reader,
    ):
        yield reader
