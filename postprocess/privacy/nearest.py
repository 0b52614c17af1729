"""Distances to the closest record (DCR): how near rows come to single training rows.

The distance of two rows is the number of columns in which their codes differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from postprocess.runtime.threads import Workers, chunks
from postprocess.tables.matches import ROWS_PER_CALL, MatchCounter, standing

TRAINING_ROWS_PER_STEP = 5000  # of the progress
NOWHERE = -1  # a radius that no row comes within


@dataclass(frozen=True)
class Nearest:
    """What the comparison with the training rows has found.

    dcr: (n_rows,) integer: number of columns in which the row differs from its closest training row. too_close:
    (n_rows,) bool: whether the row lies within the radius of its closest training row, or of one of several that are as
    close.
    """

    dcr: np.ndarray
    too_close: np.ndarray


def compare_with_training(
    codes: np.ndarray,
    training: np.ndarray,
    *,
    radius: np.ndarray | None = None,
    own_number: np.ndarray | None = None,
    workers: Workers,
    label: str,
) -> Nearest:
    """Compare every row with every training row.

    codes, training: (n_columns, n_rows) uint8, at least one training row. radius: (n_training,) largest distance at
    which a row is too close to this training row; None: no row is too close. own_number: if the rows are training rows
    themselves, (n_rows,) their numbers; a row is not compared with itself.
    """
    n_columns, n_rows = codes.shape
    radius = np.full(training.shape[1], NOWHERE) if radius is None else radius
    by_radius = np.argsort(radius, kind="stable")
    pieces = _pieces_of_one_radius(radius[by_radius])
    others = standing(training.take(by_radius, axis=1))
    place_of = np.argsort(by_radius)  # of each training row among the others
    counter = MatchCounter(codes)
    matches = np.zeros(n_rows, dtype=counter.dtype)
    too_close = np.zeros(n_rows, dtype=bool)

    def compare(block: slice) -> None:
        own = [] if own_number is None else place_of[own_number[block]].tolist()
        row_at = {place: row for row, place in enumerate(own)}
        for radius_of_piece, piece in pieces:
            found = _most_matches(counter, block, others, piece, row_at)
            within = found >= n_columns - radius_of_piece
            too_close[block] = np.where(found > matches[block], within, too_close[block])
            too_close[block] |= within & (found == matches[block])
            np.maximum(matches[block], found, out=matches[block])
            task.advance((piece.stop - piece.start) * len(found))

    with workers.progress.task(label, total=n_rows * training.shape[1], unit="comparison") as task:
        workers.map(compare, counter.blocks)
    return Nearest(n_columns - matches, too_close)


def compare_among(codes: np.ndarray, *, workers: Workers, label: str) -> np.ndarray:
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
            for first in range(piece.start, piece.stop, ROWS_PER_CALL):
                counts = counter.count(block, others[block.start :][first : min(first + ROWS_PER_CALL, piece.stop)])
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


def _most_matches(
    counter: MatchCounter, block: slice, others: np.ndarray, piece: slice, row_at: Mapping[int, int]
) -> np.ndarray:
    """Return (rows of the block,): in how many columns each row matches the most similar training row of the piece.

    others: (n_training, n_columns, 1) uint8. row_at: which row of the block is the training row at a place; it is not
    compared with itself.
    """
    most, largest = np.zeros((2, block.stop - block.start), dtype=counter.dtype)
    for start in range(piece.start, piece.stop, ROWS_PER_CALL):
        counts = counter.count(block, others[start : min(start + ROWS_PER_CALL, piece.stop)])
        if row_at:
            for place in row_at.keys() & range(start, start + len(counts)):
                counts[place - start, row_at[place]] = 0
        np.maximum.reduce(counts, axis=0, out=largest)
        np.maximum(most, largest, out=most)
    return most


def _pieces_of_one_radius(radius: np.ndarray) -> list[tuple[int, slice]]:
    """Cut sorted radii into pieces of one radius. The most similar row of such a piece decides for the whole piece."""
    pieces = []
    for value, start, number in zip(*np.unique(radius, return_index=True, return_counts=True), strict=True):
        parts = chunks(int(number), TRAINING_ROWS_PER_STEP)
        pieces += [(int(value), slice(int(start) + part.start, int(start) + part.stop)) for part in parts]
    return pieces
