"""Where mostlyai-qa cuts a column of numbers or dates into bins of about equal counts, step by step as it does."""

import numpy as np
import pandas as pd

BINS = 10
MAXIMUM_QUANTILES = 1000  # how finely qa looks for BINS + 1 distinct breaks
MAXIMUM_DECIMALS = 19  # how finely qa rounds breaks down
NO_NUMBERS = np.array([-1e10, 1e10])  # the breaks of a column without values
NO_DATES = np.array(["1700-01-01", "2200-01-01"], "datetime64[us]").astype(np.float64)
DAY = 24 * 3600 * 1e6  # in microseconds

_DATE_LABELS = ("%Y", "%Y-%b", "%Y-%b-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")


def number_breaks(values: np.ndarray) -> np.ndarray:
    """Increasing breaks for sorted float64 values: one before each bin, and one at the end of the last.

    The last break is the largest value itself (or one above it, where there is a bin for each distinct value).
    """
    distinct = np.unique(values)
    if len(distinct) == 0:
        return NO_NUMBERS
    few = len(distinct) <= BINS
    breaks = np.unique(np.append(distinct, distinct[-1] + 1)) if few else _quantile_breaks(values)
    for decimals in range(MAXIMUM_DECIMALS + 1):
        with np.errstate(over="ignore"):
            floors = np.floor(breaks * 10.0**decimals) / 10.0**decimals
        if len(np.unique(floors)) == len(breaks):
            return np.append(floors[:-1], breaks[-1])
    return breaks


def date_breaks(times: np.ndarray) -> np.ndarray:
    """As `number_breaks`, for sorted times in float64 microseconds since 1970."""
    if len(times) == 0:
        return NO_DATES
    if times[0] == times[-1]:
        return np.array([times[0], times[0] + DAY])
    return _quantile_breaks(times)


def _quantile_breaks(values: np.ndarray) -> np.ndarray:
    """The fewest equally spaced quantiles that hold more than BINS distinct values; the smallest and largest are in."""
    for count in range(BINS, max(BINS + 1, min(MAXIMUM_QUANTILES, len(values) + 1))):
        breaks = np.unique(values[np.linspace(0, len(values) - 1, count).astype(int)])
        if len(breaks) > BINS:
            break
    return breaks


def number_labels(breaks: np.ndarray) -> list[str]:
    """A label for each bin."""
    starts = [float(start) for start in breaks[:-1]]
    if all(start.is_integer() for start in starts):
        starts = [int(start) for start in starts]
    return [f"⪰ {start}" for start in starts]


def date_labels(breaks: np.ndarray) -> list[str]:
    """A label for each bin, as short as tells them apart."""
    times = pd.to_datetime(breaks.astype("datetime64[us]"))
    for pattern in _DATE_LABELS:
        labels = list(times.strftime(pattern))
        if len(set(labels)) == len(labels):
            break
    return [f"⪰ {label}" for label in labels[:-1]]
