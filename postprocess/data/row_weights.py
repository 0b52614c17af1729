"""For how many rows each training row counts: a column of weights, shares that the values of columns should have."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.binning import Binning, faults_located
from postprocess.data.column_bins import Column
from postprocess.data.formats import Decimals, FormatError, Integers
from postprocess.data.sources import Source
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress

MAX_SWEEPS = 1000
TOLERANCE = 1e-9  # of a share

Shares = Mapping[str, Mapping[object, float]]


def training_weights(
    source: Source, binning: Binning, weight_column: str | None, shares: Shares, *, progress: Progress
) -> np.ndarray | None:
    """Return (n_rows,) float64 weights of the training rows with a sum of n_rows; None if each row counts once.

    weight_column: the column of the file that holds weights. shares: by column and value, the share of the rows. The
    weights are changed as little as possible so that the shares hold (IPF; Deming and Stephan, 1940). Rows of a value
    without a share count for nothing. The key None stands for missing values. Each value needs a bin of its own.

    Raises InputError if a weight is missing, negative or infinite, if all are 0, if a column or value of a share does
    not exist, or if the shares cannot hold together.
    """
    if weight_column is None and not shares:
        return None
    weights = np.ones(binning.n_rows) if weight_column is None else _read_weights(source, weight_column)
    if shares:
        weights = _with_shares(weights, [_shares_of(source, binning, column, shares[column]) for column in shares])
    weights = weights * (len(weights) / weights.sum())
    if np.ptp(weights) <= TOLERANCE:
        return None
    by = [repr(weight_column)] * (weight_column is not None) + [f"the shares of {column!r}" for column in shares]
    progress.log(
        f"training rows are weighted by {' and '.join(by)}: they are as precise as "
        f"{len(weights) / np.mean(weights**2):,.0f} unweighted rows; accuracy is measured against the weighted tables"
    )
    return weights


def _read_weights(source: Source, column: str) -> np.ndarray:
    pieces, n_rows = [], 0
    for batch in source.batches([column]):
        with faults_located(source, column, n_rows):
            pieces.append(Decimals().parse(batch.column(0)).to_numpy(zero_copy_only=False))
        n_rows += batch.num_rows
    weights = np.concatenate(pieces).astype(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if len(wrong):
        found = "missing" if np.isnan(weights[wrong[0]]) else f"{weights[wrong[0]]:g}"
        raise InputError(
            f"{source.path}: weight_column={column!r}: the weight of row {wrong[0] + 1} after the header is {found}; "
            "give each row a finite weight of at least 0"
        )
    if not weights.any():
        raise InputError(f"{source.path}: weight_column={column!r}: all weights are 0; give some rows a weight above 0")
    return weights / weights.max()  # their sum could be infinite


def _shares_of(
    source: Source, binning: Binning, name: str, shares: Mapping[object, float]
) -> tuple[str, np.ndarray, np.ndarray]:
    """Return the column's name, (n_rows,) int64 which of the values each row has (-1: none), and the share of each."""
    binning.required((name,), "target_shares")
    column = binning.columns[binning.names.index(name)]
    wanted = pa.concat_arrays([_parsed(column, value) for value in shares])
    if len(wanted.unique()) < len(wanted):
        raise InputError(f"target_shares: column {name!r} has a share for the same value twice; leave one out")
    pieces = [column.format.parse(batch.column(0)) for batch in source.batches([name])]
    values = pa.concat_arrays([piece.cast(wanted.type) for piece in pieces])
    places = pc.index_in(values, wanted).fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    found = np.bincount(places[places >= 0], minlength=len(shares))
    for value, share, number in zip(shares, shares.values(), found, strict=True):
        if share > 0 and not number:
            raise InputError(
                f"target_shares: no training row has the value {value!r} in column {name!r}; correct it or leave it out"
            )
    if np.any(np.isin(column.encode(values.filter(pa.array(places < 0))).codes, column.encode(wanted).codes)) or len(
        np.unique(column.encode(wanted).codes)
    ) < len(wanted):
        raise InputError(
            f"target_shares: the values of column {name!r} are matched in bins of several values; give shares for a "
            "column of at most ten values, or make a column of your groups of values"
        )
    return name, places, np.array(list(shares.values()), dtype=np.float64)


def _parsed(column: Column, value: object) -> pa.Array:
    is_broken = column.format.type == Integers.type and isinstance(value, float) and value % 1 > 0
    try:
        if is_broken:
            raise FormatError(0, str(value), "a whole number")
        return column.format.parse(pa.array([None if pd.isna(value) else str(value)], pa.string()))
    except FormatError as error:
        raise InputError(f"target_shares: column {column.name!r}: {error}, unlike the column's values") from None


def _with_shares(weights: np.ndarray, targets: list[tuple[str, np.ndarray, np.ndarray]]) -> np.ndarray:
    """Return the weights, changed until all shares hold."""
    for _ in range(MAX_SWEEPS):
        largest = 0.0
        for name, places, shares in targets:
            weights = np.where(places >= 0, weights, 0.0)
            current = np.bincount(places[places >= 0], weights[places >= 0], minlength=len(shares))
            if not current.sum() or np.any((current == 0) & (shares > TOLERANCE)):
                raise InputError(f"target_shares: the shares of {name!r} cannot hold beside the weights and the others")
            current = current / current.sum()
            largest = max(largest, float(np.abs(current - shares).max()))
            factors = np.divide(shares, current, out=np.zeros_like(shares), where=current > 0)
            weights = weights * factors[places]
            weights = weights / weights.sum()
        if largest <= TOLERANCE:
            return weights
    names = ", ".join(repr(name) for name, _, _ in targets)
    raise InputError(f"target_shares: the shares of {names} cannot hold together (still off by {largest:.2g})")
