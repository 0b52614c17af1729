"""Reads a table into integer codes, once, in pieces: what all of the selection works on."""

import difflib
from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
import pyarrow as pa

from postprocess.data.binning import Binning, cell_fault
from postprocess.data.codes import Codes
from postprocess.data.formats import CellError
from postprocess.data.sources import MISSING_TOKENS, Source
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress
from postprocess.runtime.threads import open_workers


def read_codes(
    source: Source, binning: Binning, *, progress: Progress, threads: int | None = None, at_least: int = 0
) -> Codes:
    """Reads all rows of `source`, whose columns may stand in any order; surplus ones are ignored, with a log line.

    Needs memory for twice the result and a few batches. threads: None for all cores; does not change the result.
    at_least: rows that the source must have.

    Raises:
        InputError: Columns are missing, a cell does not fit its column, there are too few rows, or the file cannot be
            read.
    """
    require_columns(source, binning.names)
    surplus = [name for name in source.columns if name not in binning.names]
    if surplus:
        progress.log(f"{source.path}: ignoring {_named(surplus)}, not in the training data")
    pieces: list[Codes] = []
    n_rows = 0
    with (
        open_workers(threads) as workers,
        progress.task(f"Reading the {source.role} data", total=source.row_count(), unit="row") as task,
    ):
        shares = [range(first, len(binning.columns), workers.threads) for first in range(workers.threads)]
        for batch in source.batches(binning.names):
            piece = _blank(len(binning.columns), batch.num_rows)
            try:
                for fingerprints, rare in workers.map(partial(_encode_share, batch, binning, piece.codes), shares):
                    np.add(piece.fingerprints, fingerprints, out=piece.fingerprints)
                    np.logical_or(piece.rare, rare, out=piece.rare)
            except CellError as error:
                raise cell_fault(source, n_rows, error) from error
            pieces.append(piece)
            n_rows += batch.num_rows
            task.advance(batch.num_rows)
    if n_rows < at_least:
        raise InputError(
            f"{source.path}: only {n_rows:,} rows; the {source.role} data needs at least the training data's "
            f"{at_least:,}, and better many times as many"
        )
    return Codes(
        np.concatenate([piece.codes for piece in pieces], axis=1),
        np.concatenate([piece.fingerprints for piece in pieces]),
        np.concatenate([piece.rare for piece in pieces]),
    )


def require_columns(source: Source, names: Sequence[str]) -> None:
    """Raises InputError where `source` lacks a column of the training data, which has those `names`."""
    missing = [name for name in names if name not in source.columns]
    if missing:
        by_folded = {name.casefold().strip(): name for name in source.columns if name not in names}
        like = difflib.get_close_matches(missing[0].casefold().strip(), by_folded, n=1)
        hint = f" ({by_folded[like[0]]!r} is not {missing[0]!r})" if like else ""
        raise InputError(
            f"{source.path}: missing {_named(missing)}{hint}; the {source.role} data needs all training columns"
        )


def _named(columns: Sequence[str]) -> str:
    return f"column{'s' * (len(columns) > 1)} {', '.join(repr(name) for name in columns)}"


def _blank(n_columns: int, n_rows: int) -> Codes:
    return Codes(np.empty((n_columns, n_rows), np.uint8), np.zeros(n_rows, np.uint64), np.zeros(n_rows, bool))


def _encode_share(
    batch: pa.RecordBatch, binning: Binning, codes: np.ndarray, share: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Fills the share's columns of `codes`; returns their part of the fingerprints (to be added) and of `rare`."""
    part = _blank(0, batch.num_rows)
    for place in share:
        try:
            encoded = binning.columns[place].encode(batch.column(place), salt=place + 1)
        except CellError as error:
            error.column = binning.columns[place].name
            raise
        codes[place] = encoded.codes
        np.add(part.fingerprints, encoded.hashes, out=part.fingerprints)
        if encoded.rare is not None:
            np.logical_or(part.rare, encoded.rare, out=part.rare)
    return part.fingerprints, part.rare


def encode_frame(frame: pd.DataFrame, binning: Binning) -> np.ndarray:
    """Codes of a typed frame with all columns, as they are once it is written to a CSV: (n_columns, n_rows) uint8.

    Raises:
        InputError: A value does not fit its column's format.
    """
    text = binning.to_text(frame)
    text = text.mask(text.isin(MISSING_TOKENS), None)
    return binning.encode(
        pa.RecordBatch.from_pydict({name: pa.array(text[name], pa.string()) for name in binning.names})
    )
