"""Which pool rows stand apart from every single training row, so that they may be selected."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

COMPARED_MULTIPLE = 2.5  # rows compared, as a multiple of those wanted: lighter ones are hardly ever chosen


def rows_apart(
    weights: np.ndarray, *, n: int, wanted: int, is_near: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, int]:
    """The rows that are left to choose from, those of little weight and those near a training row left out.

    weights: (n_rows,) how likely a row is to be chosen. n: rows of the result; wanted: rows it is trimmed from.
    is_near: tells of rows (sorted numbers) which ones are too near to a training row, (len,) bool. Comparing the whole
    of a large pool would take too long: the heaviest rows alone are compared and left, all others only where too few
    are left. Returns sorted row numbers, fewer than n where the near rows cannot be spared, and how many rows are near.
    """
    order = np.argsort(-weights, kind="stable")
    apart, near = np.empty(0, dtype=order.dtype), 0
    for rows in np.split(order, [round(COMPARED_MULTIPLE * wanted)]):
        if len(apart) < max(n, wanted) and len(rows):
            rows = np.sort(rows)
            found = is_near(rows)
            near += int(np.count_nonzero(found))
            apart = np.union1d(apart, rows[~found])
    return apart, near
