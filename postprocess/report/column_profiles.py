"""How the values of each column are spread, in the training data and in the result, as plain values."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from postprocess.data.binning import Binning
from postprocess.data.column_bins import Column, Kind
from postprocess.data.formats import Dates, is_number
from postprocess.report.bars import shares_of
from postprocess.report.findings import COUNT_DECIMALS, DECIMALS, readable
from postprocess.tables.cells import count_table

QUANTILES = (0.05, 0.5, 0.95)
DIGITS = 9  # significant, of a number: more would only make the files larger
BINNED_COLUMNS = 100  # whose bins are listed: the least accurate


def column_profiles(
    frames: Mapping[str, pd.DataFrame],
    codes: Mapping[str, np.ndarray],
    binning: Binning,
    weights: np.ndarray | None = None,
) -> list[dict[str, Any]]:
    """Return the figures of each column, in the training data's order, as plain values.

    frames: as `read_typed` returns them; codes: (n_columns, n_rows) uint8. Both have the roles "training" and "result".
    weights: (n_rows,) of the training rows, with a sum of n_rows; None: each counts once.

    training, result: the share of missing values, the number of distinct ones, and of numbers and dates, more, see
    `_spread`. accuracy: of the table of this column alone. bins, original, synthetic: the names of its bins and their
    counts in training data and result, for the BINNED_COLUMNS least accurate columns. lost: of a category, how many of
    the training data's values the result does not have.
    """
    profiles = []
    for place, column in enumerate(binning.columns):
        original = count_table(codes["training"], binning.n_codes, (place,), weights)
        synthetic = count_table(codes["result"], binning.n_codes, (place,))
        values = {role: frames[role][column.name] for role in ("training", "result")}
        profiles.append(
            {
                "column": column.name,
                "accuracy": round(accuracy(original, synthetic), DECIMALS),
                "training": _figures(values["training"], column, weights),
                "result": _figures(values["result"], column),
                "bins": readable(column.labels),
                "original": np.round(original, COUNT_DECIMALS).tolist(),
                "synthetic": synthetic.tolist(),
            }
            | ({"lost": _lost(**values)} if column.kind == Kind.CATEGORY else {})
        )
    for profile in sorted(profiles, key=lambda profile: profile["accuracy"])[BINNED_COLUMNS:]:
        del profile["bins"], profile["original"], profile["synthetic"]
    return profiles


def accuracy(original: np.ndarray, synthetic: np.ndarray) -> float:
    """Return the accuracy of a table: one minus half the sum of the differences of its shares."""
    differences = np.subtract(shares_of(original.tolist()), shares_of(synthetic.tolist()))
    return float(1 - np.abs(differences).sum() / 2)


def _lost(training: pd.Series, result: pd.Series) -> int:
    return len(set(training.dropna().unique()) - set(result.unique()))


def _figures(values: pd.Series, column: Column, weights: np.ndarray | None = None) -> dict[str, Any]:
    missing = values.isna().to_numpy(bool)
    figures = {
        "missing": round(float(np.average(missing, weights=weights)), DECIMALS),
        "distinct": int(values.nunique()),
    }
    if weights is not None:
        values, weights = values[weights > 0], weights[weights > 0]
    if is_number(column.format):
        return figures | _spread(values.to_numpy(np.float64, na_value=np.nan), weights)
    if isinstance(column.format, Dates):
        return figures | _spread_of_dates(values.to_numpy("M8[us]"), column.format, weights)
    return figures


def _spread(values: np.ndarray, weights: np.ndarray | None) -> dict[str, Any]:
    """Return mean, standard deviation and QUANTILES of the finite numbers, each a value that occurs; nothing if there
    are none."""
    finite = np.isfinite(values)
    values, weights = values[finite], None if weights is None else weights[finite]
    if not len(values):
        return {}
    scale = np.abs(values).max() or 1.0  # squares of very large numbers overflow
    mean = np.average(values / scale, weights=weights)
    deviation = np.sqrt(np.average((values / scale - mean) ** 2, weights=weights))
    quantiles = np.quantile(values, QUANTILES, method="inverted_cdf", weights=weights)
    numbers = [_short(value) for value in (mean * scale, deviation * scale, *quantiles)]
    return {"mean": numbers[0], "deviation": numbers[1], "quantiles": numbers[2:]}


def _spread_of_dates(values: np.ndarray, format: Dates, weights: np.ndarray | None) -> dict[str, Any]:
    """Return QUANTILES of the dates as text in their format; nothing if there are no dates."""
    present = ~np.isnat(values)
    ticks, weights = values[present].astype(np.int64), None if weights is None else weights[present]
    if not len(ticks):
        return {}
    quantiles = np.quantile(ticks, QUANTILES, method="inverted_cdf", weights=weights)
    return {"quantiles": format.write(pa.array(quantiles.astype("M8[us]"), format.type)).to_pylist()}


def _short(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
