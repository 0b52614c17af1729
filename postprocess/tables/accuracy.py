"""Accuracy as mostlyai-qa defines it: one minus half the L1 distance of two tables of shares, averaged by order.

The order of a table is its number of columns: 1, 2 or 3. Errors are shares, 0..1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from typing import TypeVar

import numpy as np

from postprocess.runtime.threads import Workers
from postprocess.tables.counts import Tables, count_tables_starting_at
from postprocess.tables.layout import Layout

Counts = list[np.ndarray]  # the same cells of each data set, int64, as `count_tables_starting_at` yields them
Reduced = TypeVar("Reduced")


@dataclass(frozen=True)
class Accuracy:
    """The mean accuracy of each order, 0..1. An order without tables (too few columns) is None and not averaged."""

    univariate: float
    bivariate: float | None
    trivariate: float | None

    @property
    def overall(self) -> float:
        """The mean of the orders' means."""
        return float(np.mean([order for order in self.orders() if order is not None]))

    def orders(self) -> tuple[float, float | None, float | None]:
        """Return the univariate, bivariate and trivariate accuracy."""
        return self.univariate, self.bivariate, self.trivariate

    def as_dict(self) -> dict[str, float | None]:
        """Return the four figures by name."""
        return {
            "univariate": self.univariate,
            "bivariate": self.bivariate,
            "trivariate": self.trivariate,
            "overall": self.overall,
        }

    def __str__(self) -> str:
        orders = " / ".join("-" if order is None else f"{order:.5f}" for order in self.orders())
        return f"{self.overall:.5f} ({orders})"


def from_errors(error_sums: np.ndarray, n_tables: np.ndarray) -> Accuracy:
    """Return the accuracy from the sum of the errors and the number of tables of each order, (3,) each."""

    def mean(order: int) -> float:
        return 1.0 - float(error_sums[order - 1]) / int(n_tables[order - 1])

    return Accuracy(mean(1), *(mean(order) if n_tables[order - 1] else None for order in (2, 3)))


def of_residuals(residuals: Tables, n: int) -> Accuracy:
    """Return the accuracy of n selected rows against n target rows from their residuals, over the matched tables."""
    return from_errors(residuals.absolute_sums() / (2 * n), residuals.layout.n_tables)


def measure(
    training: np.ndarray, samples: Sequence[np.ndarray], n_codes: np.ndarray, *, workers: Workers, label: str
) -> list[Accuracy]:
    """Return the accuracy of each sample against the training data, over all columns, pairs and triples of columns.

    training, samples: (n_columns, n_rows) uint8 codes, any number of rows; n_codes: (n_columns,) number of codes. Each
    table is dropped once it is compared, so any number of columns fits in memory.
    """
    data = [training, *samples]
    rows = [codes.shape[1] for codes in data]
    reduced = map_tables(
        data,
        n_codes,
        absolute_differences(rows),
        lambda _, *orders: np.array([sums.sum(axis=1) for sums in orders]),
        workers=workers,
        label=label,
    )
    errors = sum(reduced) / error_scale(rows)
    return [from_errors(errors[:, s], number_of_tables(len(n_codes))) for s in range(len(samples))]


def number_of_tables(n_columns: int) -> np.ndarray:
    """Return (3,): the number of columns, of pairs and of triples of columns."""
    return np.array([comb(n_columns, order) for order in (1, 2, 3)])


def map_tables(
    data: Sequence[np.ndarray],
    n_codes: np.ndarray,
    cell_statistics: Callable[[Counts], Counts],
    reduce: Callable[[int, np.ndarray, np.ndarray, np.ndarray], Reduced],
    *,
    workers: Workers,
    label: str,
) -> list[Reduced]:
    """Sum a statistic over the cells of every table, one first column at a time, so that memory stays bounded.

    data: (n_columns, n_rows) uint8 codes of each data set, any number of rows; n_codes: (n_columns,) number of codes.
    cell_statistics: from the counts of some cells to k arrays of the same shape. They are summed over each table.
    reduce(i, univariate, bivariate, trivariate): makes one value of the sums, (k, n_tables) each, of the tables that
    begin with column i: its own, those with each column j after it, and those with each j and each k after that, the
    last column running fastest. Returns the values of all columns, in order.
    """
    data = [codes.astype(np.intp) for codes in data]
    n_columns = len(n_codes)
    layout = Layout(n_codes, n_columns, n_columns)

    def tables_from(i: int) -> Reduced:
        orders: list[list[np.ndarray]] = [[], [], []]
        for order, after, counts in count_tables_starting_at(layout, i, data):
            by_cell = [values.sum(axis=0) for values in cell_statistics(counts)]
            offsets = layout.block_offsets(order, after)
            orders[order - 1].append(np.stack([np.add.reduceat(cells, offsets) for cells in by_cell]))
            task.advance(1 if order == 3 else 0)
        none = orders[0][0][:, :0]
        return reduce(i, *(np.concatenate([none, *sums], axis=1) for sums in orders))

    with workers.progress.task(label, total=(n_columns - 1) * (n_columns - 2) / 2, unit="step") as task:
        return workers.map(tables_from, range(n_columns))


def absolute_differences(rows: Sequence[int]) -> Callable[[Counts], Counts]:
    """Return cell statistics for `map_tables`: each data set but the first against the first one.

    rows: number of rows of each data set. The sum over a table, divided by `error_scale`, is the error of the table.
    """
    n = rows[0]

    def statistics(counts: Counts) -> Counts:
        target, *others = counts
        differences = []
        for count, m in zip(others, rows[1:], strict=True):
            # exact in whole numbers; n m / 2 is below 2**63 for up to four thousand million rows
            difference = count - target if m == n else count * n - target * m
            differences.append(np.abs(difference, out=difference))
        return differences

    return statistics


def error_scale(rows: Sequence[int]) -> np.ndarray:
    """Return (n_data - 1,): the divisors that make errors of the sums of `absolute_differences`."""
    return np.array([2 * rows[0] if m == rows[0] else 2 * rows[0] * m for m in rows[1:]], dtype=np.float64)
