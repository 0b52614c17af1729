"""A result against the training data, table by table: how far off each is, which are worst, and what would be good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from postprocess.runtime.progress import Progress
from postprocess.runtime.threads import Workers
from postprocess.tables.accuracy import (
    Accuracy,
    Counts,
    absolute_differences,
    each_first_column,
    from_errors,
    number_of_tables,
    whole,
)

WEAKEST = 10  # tables of each level that are told one by one


@dataclass(frozen=True)
class TableError:
    """A table's columns by number, its error, and the error that a fresh sample has on average (shares, 0..1)."""

    columns: tuple[int, ...]
    error: float
    limit: float


@dataclass(frozen=True)
class Comparison:
    """accuracy, limit: over all tables; of the result, and of a fresh sample on average (`sampling_errors`).

    pairs: (n_columns, n_columns) float64, the error of each pair of columns; of each column itself on the diagonal.
    weakest: the columns, pairs and triples with the largest errors, the largest first. below_limit: (3,) number of
    columns, pairs and triples that are further off than a fresh sample is on average.
    """

    accuracy: Accuracy
    limit: Accuracy
    pairs: np.ndarray
    weakest: tuple[tuple[TableError, ...], ...]
    below_limit: np.ndarray


def compare(
    training: np.ndarray, result: np.ndarray, sizes: np.ndarray, *, workers: Workers, progress: Progress
) -> Comparison:
    """Compare all tables in one pass: codes (n_columns, n_rows) uint8; sizes (n_columns,) number of codes."""
    rows = (training.shape[1], result.shape[1])
    n_columns, whole_error = len(sizes), whole(rows)[0]
    differences = absolute_differences(rows)

    def statistics(counts: Counts) -> Counts:
        return [*differences(counts), sampling_errors(counts[0], rows)]

    def keep(first: int, *level_sums: np.ndarray) -> tuple[np.ndarray, list[list[TableError]], np.ndarray]:
        levels = [sums / [[whole_error], [1.0]] for sums in level_sums]
        worst = [_largest(_columns_of(first, level, n_columns), sums) for level, sums in enumerate(levels, start=1)]
        totals = np.array([[*sums.sum(axis=1), np.count_nonzero(sums[0] > sums[1])] for sums in levels])
        return totals, worst, np.append(levels[0][0], levels[1][0])

    kept = each_first_column(
        (training, result),
        sizes,
        statistics,
        keep,
        workers=workers,
        progress=progress,
        label="Comparing all tables",
    )
    totals = sum((sums for sums, _, _ in kept), start=np.zeros((3, 3)))
    pairs = np.zeros((n_columns, n_columns))
    for first, (_, _, errors) in enumerate(kept):
        pairs[first, first:] = pairs[first:, first] = errors
    n_tables = number_of_tables(n_columns)
    return Comparison(
        accuracy=from_errors(totals[:, 0], n_tables),
        limit=from_errors(totals[:, 1], n_tables),
        pairs=pairs,
        weakest=tuple(_merged([worst[level] for _, worst, _ in kept]) for level in range(3)),
        below_limit=totals[:, 2].astype(np.int64),
    )


def sampling_errors(counts: np.ndarray, rows: Sequence[int]) -> np.ndarray:
    """What each cell adds, on average, to the error of a fresh sample: the sampling limit of accuracy.

    A fresh sample is one of rows[1] rows from the distribution of which the training data is itself a sample of
    rows[0]. A cell of share p then differs by about a normal variable of variance
    p (1 - p) (1 / rows[0] + 1 / rows[1]), whose mean absolute value is sqrt(2 / pi) times its root; p is the training
    data's share, as in mostlyai-qa's `accuracy_max`. Cells that the training data happens to lack are left out, which
    flatters the fresh sample a little: on halves of real data of 10,000 rows or more, by 0.0002 to 0.002 overall.
    """
    n, m = rows
    spread = np.sqrt(counts * (n - counts).astype(np.float64))
    spread *= np.sqrt((1 / n + 1 / m) * 2 / np.pi) / (2 * n)  # half the L1, and shares instead of counts
    return spread


def _columns_of(first: int, level: int, n_columns: int) -> np.ndarray:
    """(n_tables, level) columns of the tables of a level that begin with a column."""
    after = np.arange(first + 1, n_columns)
    if level == 1:
        return np.array([[first]])
    if level == 2:
        return np.stack([np.full(len(after), first), after], axis=1)
    second, third = np.triu_indices(len(after), 1)
    return np.stack([np.full(len(second), first), after[second], after[third]], axis=1)


def _largest(columns: np.ndarray, sums: np.ndarray) -> list[TableError]:
    errors, limits = sums
    worst = np.argsort(-errors, kind="stable")[:WEAKEST]
    return [TableError(tuple(columns[t].tolist()), float(errors[t]), float(limits[t])) for t in worst]


def _merged(lists: list[list[TableError]]) -> tuple[TableError, ...]:
    every = [table for tables in lists for table in tables]
    return tuple(sorted(every, key=lambda table: (-table.error, table.columns))[:WEAKEST])
