"""Distances to the closest record (DCR): how near rows come to single training rows.

The distance of two rows is the number of columns in which their codes differ.
"""

import numpy as np

from postprocess.runtime.threads import Workers, chunks
from postprocess.tables.matches import ROWS_PER_COUNT, MatchCounter, standing

TRAINING_ROWS_PER_STEP = 5000  # of the progress


def dcr_to_training(
    codes: np.ndarray,
    training: np.ndarray,
    *,
    own_number: np.ndarray | None = None,
    workers: Workers,
    label: str,
) -> np.ndarray:
    """Return (n_rows,) integer: in how many columns each row differs from its closest training row.

    codes, training: (n_columns, n_rows) uint8, at least one training row. own_number: if the rows are training rows
    themselves, (n_rows,) their numbers; a row is not compared with itself.
    """
    n_columns, n_rows = codes.shape
    counter, others = MatchCounter(codes), standing(training)

    def compare(block: slice) -> np.ndarray:
        own = [] if own_number is None else own_number[block].tolist()
        row_at = {number: row for row, number in enumerate(own)}
        most = np.zeros(block.stop - block.start, dtype=counter.dtype)
        for piece in chunks(len(others), TRAINING_ROWS_PER_STEP):
            for start in range(piece.start, piece.stop, ROWS_PER_COUNT):
                counts = counter.count(block, others[start : min(start + ROWS_PER_COUNT, piece.stop)])
                for number in row_at.keys() & range(start, start + len(counts)):
                    counts[number - start, row_at[number]] = 0
                np.maximum(most, counts.max(axis=0), out=most)
            task.advance(len(most) * (piece.stop - piece.start))
        return most

    with workers.progress.task(label, total=n_rows * training.shape[1], unit="comparison") as task:
        return n_columns - np.concatenate(workers.map(compare, counter.blocks))


def dcr_among(codes: np.ndarray, *, workers: Workers, label: str) -> np.ndarray:
    """Return (n_rows,) integer: in how many columns each row differs from the nearest other row.

    codes: (n_columns, n_rows) uint8. Each pair of rows is compared once, for both rows.
    """
    n_columns, n_rows = codes.shape
    counter = MatchCounter(codes)
    others = standing(counter.codes)

    def compare(block: slice) -> np.ndarray:
        """Return the most matches of each row from the block on that a pair with a row of the block has."""
        most = np.zeros(n_rows - block.start, dtype=counter.dtype)
        of_block = most[: block.stop - block.start]
        for piece in chunks(len(most), TRAINING_ROWS_PER_STEP):
            for first in range(piece.start, piece.stop, ROWS_PER_COUNT):
                counts = counter.count(block, others[block.start :][first : min(first + ROWS_PER_COUNT, piece.stop)])
                if first < len(of_block):
                    np.fill_diagonal(counts[:, first:], 0)  # a row is not compared with itself
                some = most[first : first + len(counts)]
                np.maximum(some, counts.max(axis=1), out=some)
                np.maximum(of_block, counts.max(axis=0), out=of_block)
            task.advance(len(of_block) * (piece.stop - piece.start))
        return most

    matches = np.zeros(n_rows, dtype=counter.dtype)
    n_pairs = sum((block.stop - block.start) * (n_rows - block.start) for block in counter.blocks)
    with workers.progress.task(label, total=n_pairs, unit="comparison") as task:
        for block, most in zip(counter.blocks, workers.stream(compare, counter.blocks), strict=True):
            np.maximum(matches[block.start :], most, out=matches[block.start :])
    return n_columns - matches
