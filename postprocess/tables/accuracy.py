"""Accuracy as mostlyai-qa defines it: one minus half the L1 distance of two tables of shares, averaged by order.

The order of a table is its number of columns: 1, 2 or 3. Errors are shares, 0..1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from postprocess.runtime.threads import Workers
from postprocess.tables.counts import Tables
from postprocess.tables.table_pass import absolute_differences, error_scale, map_tables, number_of_tables


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
    training: np.ndarray,
    samples: Sequence[np.ndarray],
    n_codes: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    workers: Workers,
    label: str,
) -> list[Accuracy]:
    """Return the accuracy of each sample against the training data, over all columns, pairs and triples of columns.

    training, samples: (n_columns, n_rows) uint8 codes, any number of rows; n_codes: (n_columns,) number of codes.
    weights: (n_rows,) of the training rows, with a sum of n_rows; None: each counts once. Each table is dropped once it
    is compared, so any number of columns fits in memory.
    """
    data = [training, *samples]
    rows = [codes.shape[1] for codes in data]
    reduced = map_tables(
        data,
        n_codes,
        absolute_differences(rows),
        lambda _, *orders: np.array([sums.sum(axis=1) for sums in orders]),
        weights=weights,
        workers=workers,
        label=label,
    )
    errors = sum(reduced) / error_scale(rows)
    return [from_errors(errors[:, s], number_of_tables(len(n_codes))) for s in range(len(samples))]
