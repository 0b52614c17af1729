"""Reads the columns and the rows of Parquet files."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from postprocess.data.csv_faults import one_line
from postprocess.data.missing import without_spelt_missing
from postprocess.runtime.exits import InputError

BUFFER_BYTES = 1 << 16


def parquet_columns(path: Path) -> tuple[str, ...]:
    """Return the names of the columns.

    Raises InputError if the file is empty or not Parquet, or a column has a type that text cannot show.
    """
    if path.stat().st_size == 0:
        raise InputError(f"{path}: empty file; write the Parquet file again")
    try:
        schema = pq.read_schema(path)
        names = tuple(schema.names)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a whole Parquet file ({one_line(error)}); write it again") from error
    for field in schema:
        if not _is_supported(field.type):
            raise InputError(
                f"{path}: column {field.name!r} has the type {field.type}; cast it to text, or leave it out"
            )
    return names


def _is_supported(type: pa.DataType) -> bool:
    if pa.types.is_dictionary(type):
        return _is_supported(type.value_type)
    known = (pa.types.is_null, pa.types.is_boolean, pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
    more = (pa.types.is_string, pa.types.is_large_string, pa.types.is_date, pa.types.is_time, pa.types.is_timestamp)
    return any(check(type) for check in known + more)


def parquet_batches(path: Path, names: list[str], rows: int, *, as_spelt: bool) -> Iterator[pa.RecordBatch]:
    """Yield the columns `names` of all rows, at most `rows` at a time. Dictionaries are decoded.

    as_spelt: whether text that stands for a missing value stays text.

    Raises InputError if the file is broken.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=BUFFER_BYTES) as file:
            for batch in file.iter_batches(rows, columns=names):
                columns = [decoded(batch.column(name)) for name in names]
                for values in columns:
                    values.validate(full=True)  # Arrow reads text that is not UTF-8
                if not as_spelt:
                    columns = [without_spelt_missing(values) for values in columns]
                yield pa.RecordBatch.from_arrays(columns, names)
    except MemoryError:  # Arrow's own is also an ArrowException
        raise
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: broken Parquet file ({one_line(error)}); write it again") from error


def decoded(values: pa.Array) -> pa.Array:
    """Return the values of a dictionary array, and any other array as it is."""
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
