"""Something summed over the cells of every table: all columns, pairs and triples, in one pass and in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from postprocess.progress import Progress
from postprocess.tables import Layout, count_each
from postprocess.workers import Workers

Counts = list[np.ndarray]  # the same cells of each data set, flat, int64
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
    statistics: from counts to k arrays of the same length, of which each table gets the sums over its cells.
    keep(i, univariate, bivariate, trivariate): (k, n_tables) sums for the tables of column i alone, with each column j
    after it, and with each j and each k after that, the last column running fastest.
    """
    data = [codes.astype(np.intp) for codes in data]
    n_columns = len(sizes)
    layout = Layout(sizes, n_columns, n_columns)
    sizes, width = layout.sizes, layout.width(n_columns)

    def sums(counts: Counts, after: int) -> np.ndarray:
        """Of tables of some key with each column after one: their sums, a table after the other."""
        first_cells = layout.code_start[after + 1 : n_columns] - layout.code_start[after + 1]
        by_cell = [values.reshape(-1, width[after]).sum(axis=0) for values in statistics(counts)]
        return np.stack([np.add.reduceat(cells, first_cells) for cells in by_cell])

    def with_each(keys: list[np.ndarray], n_keys: int, after: int) -> np.ndarray:
        cells = n_keys * width[after]
        others = (layout.cells_among(codes, after + 1, n_columns) for codes in data)
        return sums([count_each(key, each, width[after], cells) for key, each in zip(keys, others, strict=True)], after)

    def tables_from(i: int) -> Kept:
        first = [codes[i] for codes in data]
        alone = statistics([np.bincount(key, minlength=sizes[i]) for key in first])
        univariate = np.array([[values.sum()] for values in alone])
        bivariate = with_each(first, sizes[i], i) if i < n_columns - 1 else univariate[:, :0]
        trivariate = [univariate[:, :0]]
        for j in range(i + 1, n_columns - 1):
            first_two = [codes[i] * sizes[j] + codes[j] for codes in data]
            trivariate.append(with_each(first_two, sizes[i] * sizes[j], j))
            task.advance()
        return keep(i, univariate, bivariate, np.concatenate(trivariate, axis=1))

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
