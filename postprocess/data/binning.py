"""The bins of all columns, fitted to the training data as mostlyai-qa would, and the way from cells to codes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from postprocess.data.column_bins import Column, NumberTally, TextTally
from postprocess.data.format_inference import infer_formats
from postprocess.data.formats import CellError, Texts
from postprocess.data.sources import Source, decoded
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress


@dataclass(frozen=True)
class Binning:
    """The bins of all columns, in the training data's order, and its number of rows."""

    columns: tuple[Column, ...]
    n_rows: int

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.name for column in self.columns)

    @property
    def sizes(self) -> np.ndarray:
        """Number of codes of each column (int64)."""
        return np.array([len(column.labels) for column in self.columns])

    def identifying(self) -> list[str]:
        """Columns of text or whole numbers whose training values hardly ever occur twice: bins cannot tell one from
        the other, so nothing keeps a real one out of the result."""
        return [column.name for column in self.columns if column.identifying]

    def encode(self, batch: pa.RecordBatch) -> np.ndarray:
        """Codes of a batch that has all columns, by name: (n_columns, n_rows) uint8.

        Raises:
            CellError: A cell does not fit its column's format.
        """
        codes = np.empty((len(self.columns), batch.num_rows), np.uint8)
        for line, column in zip(codes, self.columns, strict=True):
            line[:] = column.encode(batch.column(column.name)).codes
        return codes

    def to_text(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame's values, of any dtypes, in the training data's formats: str, or None where missing.

        Raises:
            InputError: A value does not fit its column's format.
        """
        texts = {}
        for column in self.columns:
            try:
                values = column.format.parse(decoded(pa.array(frame[column.name], from_pandas=True)))
            except CellError as error:
                raise InputError(f"column {column.name!r}: {error}, as in the training data") from error
            texts[column.name] = column.format.write(values).to_numpy(zero_copy_only=False)
        return pd.DataFrame(texts, index=frame.index, dtype=object)


def fit(source: Source, *, progress: Progress) -> Binning:
    """Reads the training data twice, in pieces: for the formats, then for the bins.

    Keeps 8 bytes for each cell of numeric columns, and the distinct values of text columns.

    Raises:
        InputError: The file breaks off, has rows of the wrong length, or dates that no text can show.
    """
    formats = infer_formats(source, progress=progress)
    tallies = {
        name: TextTally() if isinstance(format, Texts) else NumberTally(format) for name, format in formats.items()
    }
    n_rows = 0
    with progress.task("Binning the training data", total=source.row_count(), unit="row") as task:
        for batch in source.batches():
            for name, tally in tallies.items():
                try:
                    tally.add(batch.column(name))
                except CellError as error:
                    error.column = name
                    raise cell_fault(source, n_rows, error, of_training=True) from error
            n_rows += batch.num_rows
            task.advance(batch.num_rows)
    return Binning(tuple(tallies.pop(name).column(name) for name in source.columns), n_rows)


def read_typed(source: Source, binning: Binning) -> pd.DataFrame:
    """All rows of `source` as Int64 (exact), float64, boolean, datetime64[us] and str columns.

    Raises:
        InputError: A cell does not fit its column's format.
    """
    dtypes = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    pieces: list[list[pa.Array]] = [[] for _ in binning.columns]
    n_rows = 0
    for batch in source.batches(binning.names):
        for piece, column, cells in zip(pieces, binning.columns, batch.columns, strict=True):
            try:
                piece.append(column.format.parse(cells).cast(column.format.type))
            except CellError as error:
                error.column = column.name
                raise cell_fault(source, n_rows, error) from error
        n_rows += batch.num_rows
    typed = {}
    for piece, column in zip(pieces, binning.columns, strict=True):
        typed[column.name] = pa.chunked_array(piece).to_pandas(types_mapper=dtypes.get)
        piece.clear()
    return pd.DataFrame(typed)


def cell_fault(source: Source, rows_before: int, error: CellError, *, of_training: bool = False) -> InputError:
    """What a cell that does not fit its column's format comes to, with file, column and row."""
    row = rows_before + error.index + 1
    others = "" if of_training else ", as the training data's values are"
    return InputError(
        f"{source.path}: column {error.column!r}, row {row} after the header: {error.value!r} is not {error.expected}"
        f"{others}; correct or remove the row"
    )
