"""The bins of all columns, fitted to the training data as mostlyai-qa fits them, and the way from values to codes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from postprocess.data.column_bins import Column
from postprocess.data.format_inference import infer_formats
from postprocess.data.formats import FormatError, Texts
from postprocess.data.given_kinds import require_kinds, with_kinds
from postprocess.data.parquet_files import decoded
from postprocess.data.sources import Source
from postprocess.data.tallies import NumberTally, TextTally
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress
from postprocess.runtime.suggestions import question

_DTYPES = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}


@dataclass(frozen=True)
class Binning:
    """The bins of all columns, in the training data's order, and the training data's number of rows."""

    columns: tuple[Column, ...]
    n_rows: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def n_codes(self) -> np.ndarray:
        """The number of codes of each column: (n_columns,) int64."""
        return np.array([len(column.labels) for column in self.columns])

    def column(self, name: str) -> Column:
        """Return the column of this name."""
        return self.columns[self.names.index(name)]

    def warnings(self) -> list[str]:
        """Return what the user should know about the columns.

        Text or whole numbers that hardly ever occur twice may identify people. Bins cannot tell such values apart, so
        nothing keeps a real one out of the result.
        """
        if not (names := [column.name for column in self.columns if column.identifying]):
            return []
        return [
            f"the values of {', '.join(map(repr, names))} hardly ever occur twice: if they identify people, leave them "
            "out of the training data, because real values can come out (rows are compared by bins, not by values)"
        ]

    def required(self, names: tuple[str, ...], parameter: str) -> tuple[str, ...]:
        """Return the names that a parameter gives.

        Raises InputError if one of them is no column of the training data.
        """
        for name in names:
            if name not in self.names:
                hint = question(name, self.names)
                raise InputError(f"{parameter}={names!r}: {name!r} is not a column of the training data{hint}")
        return names

    def encode(self, batch: pa.RecordBatch) -> np.ndarray:
        """Return the codes of a batch that has all columns, by name: (n_columns, n_rows) uint8.

        Raises FormatError if a value does not fit the format of its column.
        """
        codes = np.empty((len(self.columns), batch.num_rows), np.uint8)
        for row, column in zip(codes, self.columns, strict=True):
            row[:] = column.encode(batch.column(column.name)).codes
        return codes

    def to_text(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the values of a frame, of any dtypes, in the training data's formats: str, or None if missing.

        Raises InputError if a value does not fit the format of its column.
        """
        texts = {}
        for column in self.columns:
            try:
                values = column.format.parse(decoded(pa.array(frame[column.name], from_pandas=True)))
            except FormatError as error:
                raise InputError(f"column {column.name!r}: {error}, unlike the training data's values") from error
            texts[column.name] = column.format.write(values).to_numpy(zero_copy_only=False)
        return pd.DataFrame(texts, index=frame.index, dtype=object)


def fit_binning(source: Source, *, kinds: Mapping[str, str] = {}, progress: Progress) -> Binning:
    """Read the training data twice, in batches: once for the formats, once for the bins.

    kinds: by column, "number", "date", "category" or "text", for columns whose values suggest another kind. Keeps 8
    bytes for each value of a column of numbers, dates or booleans, and the distinct values of a text column.

    Raises InputError if the file breaks off, has a row of the wrong length, or has dates that text cannot show, and if
    a column of `kinds` does not exist or cannot be of its kind.
    """
    given = require_kinds(source, kinds)
    formats = with_kinds(infer_formats(source, progress=progress), given, source)
    tallies = {
        name: TextTally() if isinstance(format, Texts) else NumberTally(format) for name, format in formats.items()
    }
    n_rows = 0
    with progress.task("Binning the training data", total=source.row_count(), unit="row") as task:
        for batch in source.batches():
            for name, tally in tallies.items():
                with faults_located(source, name, n_rows):
                    tally.add(batch.column(name))
            n_rows += batch.num_rows
            task.advance(batch.num_rows)
    return Binning(tuple(tallies.pop(name).column(name, given.get(name)) for name in source.columns), n_rows)


def read_typed(source: Source, binning: Binning, rows: np.ndarray | None = None) -> pd.DataFrame:
    """Return rows of `source` as columns of Int64 (exact), float64, boolean, datetime64[us] and str.

    rows: their numbers, sorted; None: all.

    Raises InputError if a value does not fit the format of its column.
    """
    pieces: list[list[pa.Array]] = [[] for _ in binning.columns]
    n_rows = 0
    for batch in source.batches(binning.names):
        first, n_rows = n_rows, n_rows + batch.num_rows
        if rows is not None:
            batch = batch.take(pa.array(rows[np.searchsorted(rows, first) : np.searchsorted(rows, n_rows)] - first))
        for piece, column, values in zip(pieces, binning.columns, batch.columns, strict=True):
            with faults_located(source, column.name, first):
                piece.append(column.format.parse(values).cast(column.format.type))
    typed = {}
    for piece, column in zip(pieces, binning.columns, strict=True):
        typed[column.name] = _typed(pa.chunked_array(piece))
        piece.clear()
    pa.default_memory_pool().release_unused()  # else it keeps as much as the file takes, for later readers
    return pd.DataFrame(typed)


def typed_frame(batch: pa.RecordBatch, columns: Sequence[Column]) -> pd.DataFrame:
    """Return some columns of a batch that has them by name, with the dtypes of `read_typed`.

    Raises FormatError if a value does not fit the format of its column.
    """
    parsed = {column.name: column.format.parse(batch.column(column.name)) for column in columns}
    return pd.DataFrame({column.name: _typed(parsed[column.name].cast(column.format.type)) for column in columns})


def _typed(values: pa.Array | pa.ChunkedArray) -> pd.Series:
    return values.to_pandas(types_mapper=_DTYPES.get)


@contextmanager
def faults_located(source: Source, column: str, rows_before: int) -> Iterator[None]:
    """Turn a FormatError into an InputError that names the file, the column and the row.

    rows_before: the number of rows of the file before the batch that is parsed.
    """
    try:
        yield
    except FormatError as error:
        row = rows_before + error.index + 1
        unlike = "" if source.role == "training" else ", unlike the training data's values"
        raise InputError(
            f"{source.path}: column {column!r}, row {row} after the header: {error}{unlike}; correct or remove the row"
        ) from error
