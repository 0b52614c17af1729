"""Accuracy as mostlyai-qa defines it: one minus half the L1 distance of two tables of shares, averaged by level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from typing import TypeVar

import numpy as np

from postprocess.runtime.progress import Progress
from postprocess.runtime.threads import Workers
from postprocess.tables.counts import Tables, counts_from
from postprocess.tables.layout import Layout

Counts = list[np.ndarray]  # the same cells of each data set, int64, as `counts_from` yields them
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Accuracy:
    """Shares, 0..1; a level without tables (fewer than two or three columns) is None and left out of the overall."""

    univariate: float
    bivariate: float | None
    trivariate: float | None

    @property
    def overall(self) -> float:
        """The mean of the levels' means."""
        return float(np.mean([level for level in self.levels() if level is not None]))

    def levels(self) -> tuple[float, float | None, float | None]:
        """Univariate, bivariate, trivariate."""
        return self.univariate, self.bivariate, self.trivariate

    def as_dict(self) -> dict[str, float | None]:
        """The four figures by name."""
        return {
            "univariate": self.univariate,
            "bivariate": self.bivariate,
            "trivariate": self.trivariate,
            "overall": self.overall,
        }

    def __str__(self) -> str:
        levels = " / ".join("-" if level is None else f"{level:.5f}" for level in self.levels())
        return f"{self.overall:.5f} ({levels})"


def from_errors(error_sums: np.ndarray, n_tables: np.ndarray) -> Accuracy:
    """The accuracy where a level's tables have this sum of errors (shares, 0..1), (3,) each."""

    def mean(level: int) -> float:
        return 1.0 - float(error_sums[level]) / int(n_tables[level])

    return Accuracy(mean(0), *(mean(level) if n_tables[level] else None for level in (1, 2)))


def of_residuals(tables: Tables, n: int) -> Accuracy:
    """The accuracy of n selected rows over the tables whose residuals (against n target rows) these are."""
    return from_errors(tables.absolute_sums() / (2 * n), tables.layout.n_tables)


def measure(
    training: np.ndarray,
    samples: Sequence[np.ndarray],
    sizes: np.ndarray,
    *,
    workers: Workers,
    progress: Progress,
    label: str,
) -> list[Accuracy]:
    """The accuracy of each sample against the training data over all columns, pairs and triples of columns.

    training, samples: (n_columns, n_rows) uint8 codes, any number of rows; sizes: (n_columns,) number of codes. No
    table outlives its comparison, so any number of columns fits in memory.
    """
    data = [training, *samples]
    rows = [codes.shape[1] for codes in data]
    kept = each_first_column(
        data,
        sizes,
        absolute_differences(rows),
        lambda _, *levels: np.array([sums.sum(axis=1) for sums in levels]),
        workers=workers,
        progress=progress,
        label=label,
    )
    errors = sum(kept) / whole(rows)
    return [from_errors(errors[:, s], number_of_tables(len(sizes))) for s in range(len(samples))]


def number_of_tables(n_columns: int) -> np.ndarray:
    """(3,) number of columns, pairs and triples of columns."""
    return np.array([comb(n_columns, level) for level in (1, 2, 3)])


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
