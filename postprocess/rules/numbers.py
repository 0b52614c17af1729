"""Numbers and dates as floats, the decimals that numbers have, and numbers that are equal but for rounding."""

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

MAX_DECIMALS = 9  # numbers with more are taken as they are
NOISE = 1e-12  # of floats, as a share of the larger one
NOISE_OF_SUMS = 1e-9  # of numbers with any decimals
HALF_A_UNIT = 0.5 + 1e-6  # of the last decimal
WHOLE_END = 2.0**63
EXACT_WHOLE = 2.0**53  # floats of this size and more are whole


def is_number(column: pd.Series) -> bool:
    """Return whether the column has numbers."""
    return is_numeric_dtype(column.dtype) and not is_bool_dtype(column.dtype)


def is_date(column: pd.Series) -> bool:
    """Return whether the column has dates."""
    return is_datetime64_any_dtype(column.dtype)


def as_floats(column: pd.Series) -> np.ndarray:
    """Return numbers, or dates as microseconds: (n_rows,) float64, NaN if missing."""
    if is_date(column):
        ticks = column.to_numpy("datetime64[us]").view(np.int64)
        return np.where(column.isna().to_numpy(), np.nan, ticks)
    return column.to_numpy(np.float64, na_value=np.nan)


def decimals_of(column: pd.Series) -> int | None:
    """Return the decimals that the numbers of a column have; None if they are more than MAX_DECIMALS."""
    if column.dtype.kind in "iu":
        return 0
    floats = as_floats(column)
    floats = floats[np.isfinite(floats)]
    for decimals in range(MAX_DECIMALS + 1):
        if np.array_equal(rounded(floats, decimals), floats):
            return decimals
    return None


def rounded(floats: np.ndarray, decimals: int | None) -> np.ndarray:
    """Return the numbers with these decimals; None: as they are. Numbers too large to have decimals stay, too."""
    if decimals is None:
        return floats
    roundable = np.abs(floats) < EXACT_WHOLE / 10.0**decimals
    return np.where(roundable, np.round(np.where(roundable, floats, 0.0), decimals), floats)


def half_unit(decimals: int | None) -> float:
    """Return half a unit of the last decimal; 0 if the numbers have any decimals."""
    return 0.0 if decimals is None else HALF_A_UNIT * 10.0**-decimals


def noise(decimals: int | None) -> float:
    """Return the share of its size by which a computed number may differ, beside half a unit."""
    return NOISE_OF_SUMS if decimals is None else NOISE


def tolerance(decimals: int | None, *floats: np.ndarray) -> np.ndarray:
    """Return by how much a number with these decimals may differ from a computed one: (n_rows,) float64.

    floats: the numbers, (n_rows,) each. They say how much noise there is.
    """
    return half_unit(decimals) + noise(decimals) * np.max([np.abs(each) for each in floats], axis=0)


def with_numbers(column: pd.Series, rows: np.ndarray, floats: np.ndarray, decimals: int | None) -> pd.Series:
    """Return a column with other numbers in some rows. Numbers that whole numbers of 64 bits cannot hold are left out.

    rows: (n_rows,) bool. floats: (n_set,) float64.
    """
    numbers = rounded(floats, decimals)
    column = column.copy()
    if column.dtype.kind == "i":
        fits = np.abs(numbers) < WHOLE_END
        column.iloc[np.flatnonzero(rows)[fits]] = pd.array(numbers[fits].astype(np.int64), dtype=column.dtype)
    else:
        column.iloc[np.flatnonzero(rows)] = numbers
    return column
