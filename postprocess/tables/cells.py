"""The cells of one table of some columns."""

from collections.abc import Sequence
from math import prod

import numpy as np
from numpy.typing import DTypeLike


def cells_of(
    codes: np.ndarray,
    n_codes: np.ndarray,
    columns: Sequence[int],
    *,
    out: np.ndarray | None = None,
    dtype: DTypeLike = np.intp,
) -> np.ndarray:
    """Return (n_rows,): the cell of each row in the flat table of these columns. The last column runs fastest.

    codes: (n_columns, n_rows) uint8. out: where to put the cells; None: a new array of the dtype.
    """
    if out is None:
        out = np.empty(codes.shape[1], dtype=dtype)
    out[...] = codes[columns[0]]
    for column in columns[1:]:
        out *= int(n_codes[column])
        out += codes[column]
    return out


def count_table(
    codes: np.ndarray, n_codes: np.ndarray, columns: Sequence[int], weights: np.ndarray | None = None
) -> np.ndarray:
    """Return (n_cells,) counts of one table, flat as in `cells_of`; codes (n_columns, n_rows) uint8.

    The counts are int64, or float64 with weights (n_rows,).
    """
    n_cells = prod(int(n_codes[column]) for column in columns)
    return np.bincount(cells_of(codes, n_codes, columns), weights, minlength=n_cells)
