"""Something summed over the cells of every table: all columns, pairs and triples, in one pass and in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from postprocess.layout import Layout
from postprocess.progress import Progress
from postprocess.tables import counts_from
from postprocess.workers import Workers

Counts = list[np.ndarray]  # the same cells of each data set, int64, as `counts_from` yields them
Kept = TypeVar("Kept")


def each_first_column(
    data: Sequence[np.ndarray],
    sizes: np.ndarray,
    statistics: Callable[[Counts], Counts],
    keep: Callable[[int, np.ndarray, np.ndarray, np.ndarray], Kept],
    *,
    workers: Workers,
    progress: Progress,
    label: str,
) -> list[Kept]:
    """What `keep` makes of the tables that begin with each column, in the columns' order.

    data: (n_columns, n_rows) uint8 codes of each data set, any number of rows; sizes: (n_columns,) number of codes.
    statistics: from counts to k arrays of the same shape, of which each table gets the sums over its cells.
    keep(i, univariate, bivariate, trivariate): (k, n_tables) sums for the tables of column i alone, with each column j
    after it, and with each j and each k after that, the last column running fastest.
    """
    data = [codes.astype(np.intp) for codes in data]
    n_columns = len(sizes)
    layout = Layout(sizes, n_columns, n_columns)

    def tables_from(i: int) -> Kept:
        levels: list[list[np.ndarray]] = [[], [], []]
        for level, after, counts in counts_from(layout, i, data):
            by_cell = [values.sum(axis=0) for values in statistics(counts)]
            levels[level].append(np.stack([np.add.reduceat(cells, layout.begins(level, after)) for cells in by_cell]))
            task.advance(1 if level == 2 else 0)
        none = levels[0][0][:, :0]
        return keep(i, *(np.concatenate([none, *found], axis=1) for found in levels))

    with progress.task(label, total=(n_columns - 1) * (n_columns - 2) / 2, unit="step") as task:
        return workers.map(tables_from, range(n_columns))


def absolute_differences(rows: Sequence[int]) -> Callable[[Counts], Counts]:
    """Statistics whose sum, divided by `whole`, is the error of a table: of each data set but the first, against it."""
    n = rows[0]

    def statistics(counts: Counts) -> Counts:
        target, *found = counts
        differences = []
        for count, m in zip(found, rows[1:], strict=True):
            # exact in whole numbers; n m / 2 is below 2**63 for up to four thousand million rows
            difference = count - target if m == n else count * n - target * m
            differences.append(np.abs(difference, out=difference))
        return differences

    return statistics


def whole(rows: Sequence[int]) -> np.ndarray:
    """(n_data - 1,) what the sums of `absolute_differences` are divided by."""
    return np.array([2 * rows[0] if m == rows[0] else 2 * rows[0] * m for m in rows[1:]], dtype=np.float64)
