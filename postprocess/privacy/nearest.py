"""Distances to the closest record (DCR): how near rows come to single training rows.

The distance of two rows is the number of columns in which their codes differ.
"""

from dataclasses import dataclass

import numpy as np

from postprocess.runtime.threads import Workers, chunks

BYTES_PER_BLOCK = 1 << 18  # codes of the rows compared together: they stay in the cache while all training rows pass by
TRAINING_ROWS_PER_CALL = 4  # of NumPy: threads then wait less for the interpreter, and the buffers still fit the cache
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
    others = np.ascontiguousarray(training.T[by_radius])[:, :, None]
    place_of = np.argsort(by_radius)  # of each training row among the others
    matches = np.zeros(n_rows, dtype=np.uint8 if n_columns <= np.iinfo(np.uint8).max else np.uint16)
    too_close = np.zeros(n_rows, dtype=bool)

    def compare(part: slice) -> None:
        own_places = None if own_number is None else place_of[own_number[part]]
        block = _Block(codes[:, part], matches.dtype, own_places)
        for radius_of_piece, piece in pieces:
            found = block.most_matches(others, piece)
            within = found >= n_columns - radius_of_piece
            too_close[part] = np.where(found > matches[part], within, too_close[part])
            too_close[part] |= within & (found == matches[part])
            np.maximum(matches[part], found, out=matches[part])
            task.advance((piece.stop - piece.start) * len(found))

    with workers.progress.task(label, total=n_rows * training.shape[1], unit="comparison") as task:
        workers.map(compare, chunks(n_rows, max(1, BYTES_PER_BLOCK // n_columns)))
    return Nearest(n_columns - matches, too_close)


class _Block:
    """Some rows that stay in the cache while training rows pass by.

    own_places: (n_rows,) the place of each row among the training rows, if they are training rows themselves.
    """

    def __init__(self, codes: np.ndarray, count_dtype: np.dtype, own_places: np.ndarray | None) -> None:
        self._codes = np.ascontiguousarray(codes)
        self._row_at = {} if own_places is None else {place: row for row, place in enumerate(own_places.tolist())}
        n_columns, n_rows = codes.shape
        equal = np.empty((TRAINING_ROWS_PER_CALL, n_columns, n_rows), dtype=bool)
        counts = np.empty((TRAINING_ROWS_PER_CALL, n_rows), dtype=count_dtype)
        # The buffers for each number of training rows, made once: views cost time, and threads wait for each other.
        self._buffers = [(equal[:k], equal[:k].view(np.uint8), counts[:k]) for k in range(TRAINING_ROWS_PER_CALL + 1)]
        self._largest, self._most = np.empty((2, n_rows), dtype=count_dtype)

    def most_matches(self, others: np.ndarray, piece: slice) -> np.ndarray:
        """Return (n_rows,): in how many columns each row matches the most similar of these training rows.

        others: (n_training, n_columns, 1) uint8. The result is a buffer that the next call fills anew.
        """
        self._most[...] = 0
        for start in range(piece.start, piece.stop, TRAINING_ROWS_PER_CALL):
            some = others[start : min(start + TRAINING_ROWS_PER_CALL, piece.stop)]
            equal, as_number, counts = self._buffers[len(some)]
            np.equal(self._codes, some, out=equal)
            np.add.reduce(as_number, axis=1, dtype=counts.dtype, out=counts)
            if self._row_at:
                for place in self._row_at.keys() & range(start, start + len(some)):
                    counts[place - start, self._row_at[place]] = 0
            np.maximum.reduce(counts, axis=0, out=self._largest)
            np.maximum(self._most, self._largest, out=self._most)
        return self._most


def _pieces_of_one_radius(radius: np.ndarray) -> list[tuple[int, slice]]:
    """Cut sorted radii into pieces of one radius. The most similar row of such a piece decides for the whole piece."""
    pieces = []
    for value, start, number in zip(*np.unique(radius, return_index=True, return_counts=True), strict=True):
        parts = chunks(int(number), TRAINING_ROWS_PER_STEP)
        pieces += [(int(value), slice(int(start) + part.start, int(start) + part.stop)) for part in parts]
    return pieces
