"""Which pool rows stand apart from every single training row, so that they may be selected."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from postprocess.runtime.threads import chunks

COMPARED_MULTIPLE = 2.0  # rows compared, as a multiple of those wanted: lighter ones are hardly ever chosen


def rows_apart(
    weights: np.ndarray, *, wanted: int, is_near: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, int]:
    """The rows that are left to choose from, those of little weight and those near a training row left out.

    weights: (n_rows,) how likely a row is to be chosen. wanted: rows that are to be left, at least. is_near: tells of
    rows (sorted numbers) which ones are too near to a training row, (len,) bool. Comparing the whole of a large pool
    would take too long: the heaviest rows are compared, and more of them, part by part, only while too few are left.
    Returns sorted row numbers, fewer than wanted where the near rows cannot be spared, and how many near rows it met.
    """
    order = np.argsort(-weights, kind="stable")
    apart, near = np.empty(0, dtype=order.dtype), 0
    for part in chunks(len(order), round(COMPARED_MULTIPLE * wanted)):
        rows = np.sort(order[part])
        found = is_near(rows)
        near += int(np.count_nonzero(found))
        apart = np.union1d(apart, rows[~found])
        if len(apart) >= wanted:
            break
    return apart, near
