"""Brings the counts of a few columns to their targets exactly, by swaps that cost the other tables least.

Refinement weighs all tables against each other, so each of them stays a few rows off. The shares that the user has
asked for are to hold exactly, as far as the pool has the rows.
"""

from collections.abc import Sequence

import numpy as np

from postprocess.runtime.stages import Deadline
from postprocess.selection.kernel import MatchKernel, OrderWeights
from postprocess.tables.counts import Tables


def hold_shares(
    residuals: Tables, codes: np.ndarray, selected: np.ndarray, columns: Sequence[int], deadline: Deadline
) -> tuple[np.ndarray, int, int]:
    """Swap rows until the counts of these columns are their targets, each rounded to whole rows.

    residuals: of the selected rows; kept up to date. codes: (n_columns, n_rows) uint8 of all candidate rows; selected:
    (n_rows,) bool. A swap for one column leaves the columns before it as they are. If there is no row to swap with, the
    counts stay as close as they are, and so they do if time runs out. Returns the new selection, the number of swaps,
    and how many rows still have a code too many.
    """
    selected, swaps, left = selected.copy(), 0, 0
    kernel = MatchKernel(codes, residuals.layout, residuals.workers)
    gradient = OrderWeights.of(residuals.layout).combine(residuals.row_sums(codes))
    for place, column in enumerate(columns):
        surplus = _surplus(residuals, codes[column, selected], column)
        while surplus.any() and not deadline.passed():
            pair = _best_swap(kernel, gradient, selected, columns[:place], column, surplus)
            if pair is None:
                break
            both, signs = codes.take(pair, axis=1), np.array([-1.0, 1.0])
            residuals.add(both, signs)
            kernel.add(gradient, both, signs)
            selected[pair] = False, True
            np.add.at(surplus, both[column].astype(np.intp), signs.astype(np.int64))
            swaps += 1
        left += int(surplus[surplus > 0].sum())
    return selected, swaps, left


def _surplus(residuals: Tables, codes: np.ndarray, column: int) -> np.ndarray:
    """Return (n_codes,) int64: how many rows too many each code has; codes (n_selected,) of the selected rows."""
    start = residuals.layout.code_start
    counts = np.bincount(codes, minlength=start[column + 1] - start[column])
    targets = counts - residuals.orders()[0][start[column] : start[column + 1]].astype(np.float64)
    wanted = np.floor(targets).astype(np.int64)
    largest_rest = np.argsort(wanted - targets, kind="stable")
    wanted[largest_rest[: len(codes) - wanted.sum()]] += 1
    return counts - wanted


def _best_swap(
    kernel: MatchKernel,
    gradient: np.ndarray,
    selected: np.ndarray,
    held: Sequence[int],
    column: int,
    surplus: np.ndarray,
) -> np.ndarray | None:
    """Return the row to take out and the one to take in, of which the tables suffer least; None if there is none."""
    codes = kernel.codes
    lacking = ~selected & (surplus[codes[column]] < 0)
    if not lacking.any():
        return None
    leaving = np.flatnonzero(selected & (surplus[codes[column]] > 0))
    for out_row in leaving[np.argsort(-gradient[leaving], kind="stable")]:
        entering = np.flatnonzero(lacking & np.all(codes[list(held)] == codes[list(held), out_row, None], axis=0))
        if len(entering):
            change = gradient[entering] - kernel.row(int(out_row))[entering]
            return np.array([out_row, entering[np.argmin(change)]])
    return None
