"""Pairs of rows that lie near each other, found without a comparison of all their columns.

Let two rows match in m columns. If r columns are left out, they still match in at least m - r of the others. So only
the columns that tell rows apart best are compared for all pairs. All columns are compared for the few pairs that may
still be near. A sample of the pairs shows how many columns to begin with.
"""

from typing import NamedTuple

import numpy as np

from postprocess.privacy.near_rows import COST_PER_PAIR, Rows
from postprocess.runtime.threads import Workers, chunks
from postprocess.tables.matches import ROWS_PER_COUNT, MatchCounter, standing

OTHERS_PER_STEP = 5000  # of the progress
PAIRS_PER_STEP = 1 << 16  # that are compared in all columns at a time
SAMPLE_ROWS, SAMPLE_OTHERS = 64, 1024  # whose pairs show how many columns to begin with


def most_matches_within(rows: Rows, others: Rows, needed: np.ndarray, *, workers: Workers, label: str) -> np.ndarray:
    """Return (n_rows,) integer: in how many columns each row matches the most similar of the others that are near.

    needed: (n_others, 1) or (1, n_rows) integer, at least 1: a row and one of the others are near if they match in as
    many columns. A row without any near it gets 0.
    """
    n_columns, n_rows = rows.codes.shape
    columns = begin_with(rows, others, needed).columns
    counter, standing_others = MatchCounter(rows.codes[columns]), standing(others.codes[columns])
    at_first = np.clip(needed - (n_columns - len(columns)), 0, None).astype(counter.dtype)
    at_first = np.broadcast_to(at_first, (len(others), n_rows))
    needed = np.broadcast_to(needed, at_first.shape)

    def search(block: slice) -> np.ndarray:
        most = np.zeros(block.stop - block.start, dtype=np.int64)
        doubtful, number = [], 0
        for piece in chunks(len(others), OTHERS_PER_STEP):
            for start in range(piece.start, piece.stop, ROWS_PER_COUNT):
                some = slice(start, min(start + ROWS_PER_COUNT, piece.stop))
                counts = counter.count(block, standing_others[some])
                near = counts >= at_first[some, block]
                if len(columns) == n_columns:
                    np.maximum(most, (counts * near).max(axis=0), out=most)
                    continue
                doubtful.append(np.flatnonzero(near) + start * len(most))
                number += len(doubtful[-1])
                if number >= PAIRS_PER_STEP:
                    look_at(np.concatenate(doubtful), block, most)
                    doubtful, number = [], 0
            task.advance(len(most) * (piece.stop - piece.start))
        if number:
            look_at(np.concatenate(doubtful), block, most)
        return most

    def look_at(pairs: np.ndarray, block: slice, most: np.ndarray) -> None:
        """Compare pairs in all columns. A pair is one number: of the other, times the block's rows, plus the place."""
        other, row = np.divmod(pairs, len(most))
        matches = (others.by_row[other] == rows.by_row[row + block.start]).sum(axis=1, dtype=np.int64)
        near = matches >= needed[other, row + block.start]
        np.maximum.at(most, row[near], matches[near])

    with workers.progress.task(label, total=len(others) * n_rows, unit="comparison") as task:
        return np.concatenate(workers.map(search, counter.blocks))


class Beginning(NamedTuple):
    """The columns to compare for all pairs, and what the search costs for each pair, in comparisons of one column."""

    columns: np.ndarray
    cost: float


def begin_with(rows: Rows, others: Rows, needed: np.ndarray) -> Beginning:
    """Return the columns to begin with that make the search the cheapest. The arguments: as for the search."""
    n_columns = len(rows.codes)
    if not len(others):
        return Beginning(np.arange(0), 0.0)
    row, other = spread(len(rows), SAMPLE_ROWS), spread(len(others), SAMPLE_OTHERS)
    equal = others.codes[:, other, None] == rows.codes[:, None, row]
    order = np.argsort(np.count_nonzero(equal, axis=(1, 2)), kind="stable")  # the most telling columns come first
    missing = np.broadcast_to(needed, (len(others), len(rows)))[np.ix_(other, row)].astype(np.int64)
    cheapest = Beginning(order, float(n_columns))
    for number, column in enumerate(order[:-1], start=1):
        missing -= equal[column]
        doubtful = float(np.mean(missing <= n_columns - number))
        if (cost := number + COST_PER_PAIR * doubtful) < cheapest.cost:
            cheapest = Beginning(order[:number], cost)
    return cheapest


def spread(n: int, most: int) -> np.ndarray:
    """Return at most so many of n places, evenly spread."""
    return np.arange(0, n, max(1, -(-n // most)))
