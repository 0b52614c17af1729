"""One pass over all univariate, bivariate and trivariate tables, which sums a statistic over the cells of each."""

from collections.abc import Callable, Sequence
from math import comb
from typing import TypeVar

import numpy as np

from postprocess.runtime.threads import Workers
from postprocess.tables.counts import count_tables_starting_at
from postprocess.tables.crossing import KeyedRows
from postprocess.tables.layout import Layout

Counts = list[np.ndarray]  # the same cells of each data set, as `count_tables_starting_at` yields them
Reduced = TypeVar("Reduced")


def map_tables(
    data: Sequence[np.ndarray],
    n_codes: np.ndarray,
    cell_statistics: Callable[[Counts], Counts],
    reduce: Callable[[int, np.ndarray, np.ndarray, np.ndarray], Reduced],
    *,
    weights: np.ndarray | None = None,
    workers: Workers,
    label: str,
) -> list[Reduced]:
    """Sum a statistic over the cells of every table, one first column at a time, so that memory stays bounded.

    data: (n_columns, n_rows) uint8 codes of each data set, any number of rows; n_codes: (n_columns,) number of codes.
    weights: (n_rows,) float64 of the rows of the first data set; None: each counts once.
    cell_statistics: from the counts of some cells to k arrays of the same shape. They are summed over each table.
    reduce(i, univariate, bivariate, trivariate): makes one value of the sums, (k, n_tables) each, of the tables that
    begin with column i: its own, those with each column j after it, and those with each j and each k after that, the
    last column running fastest. Returns the values of all columns, in order.
    """
    n_columns = len(n_codes)
    layout = Layout(n_codes, n_columns, n_columns)
    keyed = [KeyedRows(codes, layout) for codes in data]
    row_weights = [weights, *[None] * (len(data) - 1)]

    def tables_from(i: int) -> Reduced:
        orders: list[list[np.ndarray]] = [[], [], []]
        for order, after, counts in count_tables_starting_at(layout, i, keyed, row_weights):
            by_cell = [values.sum(axis=0) for values in cell_statistics(counts)]
            offsets = layout.block_offsets(order, after)
            orders[order - 1].append(np.stack([np.add.reduceat(cells, offsets) for cells in by_cell]))
        none = orders[0][0][:, :0]
        return reduce(i, *(np.concatenate([none, *sums], axis=1) for sums in orders))

    n_tables, reduced = number_of_tables(n_columns).sum(), []
    lookups = n_tables * sum(codes.shape[1] for codes in data)
    with workers.progress.task(label, total=n_tables, unit="table") as task:
        for i, value in enumerate(workers.apart(tables_from, range(n_columns), lookups=lookups)):
            reduced.append(value)
            task.advance(comb(n_columns - i - 1, 2) + n_columns - i)
    return reduced


def absolute_differences(rows: Sequence[int]) -> Callable[[Counts], Counts]:
    """Return cell statistics for `map_tables`: each data set but the first against the first one.

    rows: number of rows of each data set. The sum over a table, divided by `error_scale`, is the error of the table.
    """
    n = rows[0]

    def statistics(counts: Counts) -> Counts:
        target, *others = counts
        differences = []
        for count, m in zip(others, rows[1:], strict=True):
            # exact in whole numbers if no rows are weighted; n m / 2 is below 2**63 for up to four thousand million
            # rows
            difference = count - target if m == n else count * n - target * m
            differences.append(np.abs(difference, out=difference))
        return differences

    return statistics


def error_scale(rows: Sequence[int]) -> np.ndarray:
    """Return (n_data - 1,): the divisors that make errors of the sums of `absolute_differences`."""
    return np.array([2 * rows[0] if m == rows[0] else 2 * rows[0] * m for m in rows[1:]], dtype=np.float64)


def number_of_tables(n_columns: int) -> np.ndarray:
    """Return (3,): the number of columns, of pairs and of triples of columns."""
    return np.array([comb(n_columns, order) for order in (1, 2, 3)])
