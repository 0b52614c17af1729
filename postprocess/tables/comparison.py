"""A result against the training data, table by table: how far off each table is, which are worst, what would be
good."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from postprocess.runtime.threads import Workers
from postprocess.tables.accuracy import Accuracy, from_errors
from postprocess.tables.counts import design_effect
from postprocess.tables.table_pass import Counts, absolute_differences, error_scale, map_tables, number_of_tables

WEAKEST = 10  # tables of each order that are listed


@dataclass(frozen=True)
class TableError:
    """A table's columns by number, its error, and the error that a fresh sample has on average (shares, 0..1)."""

    columns: tuple[int, ...]
    error: float
    limit: float


@dataclass(frozen=True)
class Comparison:
    """What all tables say of a result.

    accuracy, limit, others: over all tables; of the result, of a fresh sample on average (`sampling_errors`), and of
    other rows that were compared at the same time. pairs: (n_columns, n_columns) float64, the error of each pair of
    columns; on the diagonal, of each column. weakest: for each order, the tables with the largest errors, the largest
    first. below_limit: (3,) number of tables of each order that are further off than a fresh sample is on average.
    """

    accuracy: Accuracy
    limit: Accuracy
    others: tuple[Accuracy, ...]
    pairs: np.ndarray
    weakest: tuple[tuple[TableError, ...], ...]
    below_limit: np.ndarray


def compare(
    training: np.ndarray,
    result: np.ndarray,
    n_codes: np.ndarray,
    *,
    others: Sequence[np.ndarray] = (),
    weights: np.ndarray | None = None,
    workers: Workers,
) -> Comparison:
    """Compare all tables in one pass.

    training, result: (n_columns, n_rows) uint8 codes; others: the same of more rows, whose accuracy alone is wanted.
    n_codes: (n_columns,) number of codes. weights: (n_rows,) of the training rows, with a sum of n_rows; None: each
    counts once.
    """
    parts = [result, *others]
    unions = [[number] for number in range(len(parts))]
    return compare_unions(training, parts, unions, n_codes, weights=weights, workers=workers)


def compare_unions(
    training: np.ndarray,
    parts: Sequence[np.ndarray],
    unions: Sequence[Sequence[int]],
    n_codes: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    workers: Workers,
) -> Comparison:
    """Compare sets of rows that have parts in common, of which each is counted once.

    parts: (n_columns, n_rows) uint8 codes of each part. unions: for each set, the numbers of its parts; the first set
    is the result. The other arguments: as `compare` takes them.
    """
    data, n_columns = [training, *parts], len(n_codes)
    rows = [training.shape[1], *(sum(parts[part].shape[1] for part in union) for union in unions)]
    differences, scale = absolute_differences(rows), error_scale(rows)

    def statistics(counts: Counts) -> Counts:
        target, *found = counts
        sets = [reduce(np.add, (found[part] for part in union)) for union in unions]
        return [sampling_errors(target, rows, design_effect(weights)), *differences([target, *sets])]

    def by_table(first: int, *order_sums: np.ndarray) -> tuple[np.ndarray, list[list[TableError]], np.ndarray]:
        orders = [sums / np.append(1.0, scale)[:, None] for sums in order_sums]
        worst = [_largest(_columns_of(first, order, n_columns), sums) for order, sums in enumerate(orders, start=1)]
        totals = np.array([[np.count_nonzero(sums[1] > sums[0]), *sums.sum(axis=1)] for sums in orders])
        return totals, worst, np.append(orders[0][1], orders[1][1])

    label = "Comparing all tables"
    reduced = map_tables(data, n_codes, statistics, by_table, weights=weights, workers=workers, label=label)
    totals = sum((sums for sums, _, _ in reduced), start=np.zeros((3, len(rows) + 1)))
    pairs = np.zeros((n_columns, n_columns))
    for first, (_, _, errors) in enumerate(reduced):
        pairs[first, first:] = pairs[first:, first] = errors
    n_tables = number_of_tables(n_columns)
    limit, accuracy, *more = (from_errors(errors, n_tables) for errors in totals.T[1:])
    return Comparison(
        accuracy=accuracy,
        limit=limit,
        others=tuple(more),
        pairs=pairs,
        weakest=tuple(_merged([worst[order] for _, worst, _ in reduced]) for order in range(3)),
        below_limit=totals[:, 0].astype(np.int64),
    )


def sampling_errors(counts: np.ndarray, rows: Sequence[int], effect: float = 1.0) -> np.ndarray:
    """Return what each cell adds, on average, to the error of a fresh sample: the sampling limit of accuracy.

    A fresh sample is one of rows[1] rows from the distribution of which the training data is itself a sample of
    rows[0]. A cell of share p then differs by about a normal variable of variance p (1 - p) (1 / rows[0] + 1 /
    rows[1]). Its mean absolute value is sqrt(2 / pi) times the root of that. p is the training data's share, as in
    mostlyai-qa's `accuracy_max`. Cells that the training data happens to lack are left out, which flatters the fresh
    sample a little: on halves of real data of 10,000 rows or more, by 0.0002 to 0.002 overall. effect: how many times
    as much a cell of the training data varies because its rows are weighted, `design_effect`.
    """
    n, m = rows[:2]
    spread = np.sqrt(counts * np.maximum(n - counts, 0).astype(np.float64))
    spread *= np.sqrt((effect / n + 1 / m) * 2 / np.pi) / (2 * n)  # half the L1, and shares instead of counts
    return spread


def _columns_of(first: int, order: int, n_columns: int) -> np.ndarray:
    """Return (n_tables, order): the columns of the tables of an order that begin with column `first`."""
    after = np.arange(first + 1, n_columns)
    if order == 1:
        return np.array([[first]])
    if order == 2:
        return np.stack([np.full(len(after), first), after], axis=1)
    second, third = np.triu_indices(len(after), 1)
    return np.stack([np.full(len(second), first), after[second], after[third]], axis=1)


def _largest(columns: np.ndarray, sums: np.ndarray) -> list[TableError]:
    limits, errors = sums[:2]
    worst = np.argsort(-errors, kind="stable")[:WEAKEST]
    return [TableError(tuple(columns[t].tolist()), float(errors[t]), float(limits[t])) for t in worst]


def _merged(lists: list[list[TableError]]) -> tuple[TableError, ...]:
    every = [table for tables in lists for table in tables]
    return tuple(sorted(every, key=lambda table: (-table.error, table.columns))[:WEAKEST])
