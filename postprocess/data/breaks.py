"""Breaks that cut a column of numbers or dates into bins of about equal counts, step by step as mostlyai-qa does it."""

import numpy as np
import pandas as pd

BINS = 10
MAX_QUANTILES = 1000  # qa tries at most this many quantiles to find BINS + 1 distinct breaks
MAX_DECIMALS = 19  # qa rounds breaks down to at most this many decimals
NO_NUMBERS = np.array([-1e10, 1e10])  # the breaks of a column without values
NO_DATES = np.array(["1700-01-01", "2200-01-01"], "datetime64[us]").astype(np.float64)
DAY = 24 * 3600 * 1e6  # in microseconds
LATEST = float(np.datetime64("9999-12-31T23:59:59").astype("datetime64[us]").astype(np.int64))  # that has a label

_DATE_LABELS = ("%Y", "%Y-%b", "%Y-%b-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")


def number_breaks(values: np.ndarray) -> np.ndarray:
    """Return increasing breaks for sorted float64 values: one at the start of each bin, and one at the end of the last.

    The last break is the largest value. If each distinct value has its own bin, it is the largest value plus one.
    """
    distinct = np.unique(values)
    if len(distinct) == 0:
        return NO_NUMBERS
    few = len(distinct) <= BINS
    breaks = np.unique(np.append(distinct, distinct[-1] + 1)) if few else _quantile_breaks(values)
    for decimals in range(MAX_DECIMALS + 1):
        with np.errstate(over="ignore"):
            floors = np.floor(breaks * 10.0**decimals) / 10.0**decimals
        if len(np.unique(floors)) == len(breaks):
            return np.append(floors[:-1], breaks[-1])
    return breaks


def date_breaks(times: np.ndarray) -> np.ndarray:
    """Return breaks as `number_breaks` does, for sorted times in float64 microseconds since 1970."""
    if len(times) == 0:
        return NO_DATES
    if times[0] == times[-1]:
        return np.array([times[0], times[0] + DAY])
    return _quantile_breaks(times)


def _quantile_breaks(values: np.ndarray) -> np.ndarray:
    """Return the distinct values among equally spaced quantiles, the smallest and the largest value included.

    The number of quantiles is the lowest one that gives more than BINS distinct values.
    """
    for count in range(BINS, max(BINS + 1, min(MAX_QUANTILES, len(values) + 1))):
        breaks = np.unique(values[np.linspace(0, len(values) - 1, count).astype(int)])
        if len(breaks) > BINS:
            break
    return breaks


def number_labels(breaks: np.ndarray) -> list[str]:
    """Return a label for each bin."""
    starts = [float(start) for start in breaks[:-1]]
    if all(start.is_integer() for start in starts):
        starts = [int(start) for start in starts]
    return [f"⪰ {start}" for start in starts]


def date_labels(breaks: np.ndarray) -> list[str]:
    """Return a label for each bin, in the shortest pattern that makes all labels differ."""
    times = pd.to_datetime(np.minimum(breaks, LATEST).astype("datetime64[us]"))
    for pattern in _DATE_LABELS:
        labels = list(times.strftime(pattern))
        if len(set(labels)) == len(labels):
            break
    return [f"⪰ {label}" for label in labels[:-1]]
