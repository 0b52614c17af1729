"""How near rows come to single training rows, and which come too near.

The distance of two rows is the number of columns in which their codes differ. A pool row that comes nearer to a
training row than real rows come to each other tells about that one person rather than about the population, however
well it suits the tables.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from postprocess.runtime.progress import Progress
from postprocess.runtime.threads import Workers, chunks

CELLS_A_CHUNK = 1 << 18  # of rows that are compared with some training rows after the others: in the cache all the time
TRAINING_ROWS_AT_ONCE = 4  # few calls, as threads wait for each other between them, and yet results within the cache
TRAINING_ROWS_A_STEP = 5000  # between two looks at the progress
NEAR_COPY = 1  # columns: a row that differs in no more may be a training row with a disguise ...
NO_REACH = -1
COMMON_SHARE = 0.1  # ... unless more than this share of the training rows are that near to another one


@dataclass(frozen=True)
class Distances:
    """How near each row comes to the training rows.

    closest: (n_rows,) integer: columns in which the row differs from its closest training row. is_near: (n_rows,) bool:
    within the reach of its closest training row, or of one of those that are as close.
    """

    closest: np.ndarray
    is_near: np.ndarray


def distances(
    codes: np.ndarray,
    training: np.ndarray,
    *,
    reach: np.ndarray | None = None,
    own_number: np.ndarray | None = None,
    workers: Workers,
    progress: Progress,
    label: str,
) -> Distances:
    """Compare every row with every training row.

    codes, training: (n_columns, n_rows) uint8, at least one training row. reach: (n_training,) columns in which a row
    may differ from this training row to count as near; None: no row is near. own_number: (n_rows,) the training row
    that each row is, and with which it is not compared; None: they are others.
    """
    n_columns, n_rows = codes.shape
    count_dtype = np.uint8 if n_columns <= np.iinfo(np.uint8).max else np.uint16
    most = np.zeros(n_rows, dtype=count_dtype)  # columns that agree
    is_near = np.zeros(n_rows, dtype=bool)
    reach = np.full(training.shape[1], NO_REACH) if reach is None else reach
    by_reach = np.argsort(reach, kind="stable")
    alike = _of_one_reach(reach[by_reach])
    others = np.ascontiguousarray(training.T[by_reach])[:, :, None]
    place_of = np.argsort(by_reach)  # of each training row among the others

    def compare(part: slice) -> None:
        own = np.ascontiguousarray(codes[:, part])
        itself = {} if own_number is None else {t: row for row, t in enumerate(place_of[own_number[part]].tolist())}
        equal = np.empty((TRAINING_ROWS_AT_ONCE, *own.shape), dtype=bool)
        agreeing = np.empty((TRAINING_ROWS_AT_ONCE, own.shape[1]), dtype=count_dtype)
        of_number = [(equal[:k], equal[:k].view(np.uint8), agreeing[:k]) for k in range(TRAINING_ROWS_AT_ONCE + 1)]
        most_of_some, most_agreeing = np.empty((2, own.shape[1]), dtype=count_dtype)
        for of_reach, of_one_reach in alike:
            most_agreeing[...] = 0
            for start in range(of_one_reach.start, of_one_reach.stop, TRAINING_ROWS_AT_ONCE):
                some = others[start : min(start + TRAINING_ROWS_AT_ONCE, of_one_reach.stop)]
                is_equal, as_number, agree = of_number[len(some)]
                np.equal(own, some, out=is_equal)
                np.add.reduce(as_number, axis=1, dtype=count_dtype, out=agree)
                if itself:
                    for t in itself.keys() & range(start, start + len(some)):
                        agree[t - start, itself[t]] = 0
                np.maximum.reduce(agree, axis=0, out=most_of_some)
                np.maximum(most_agreeing, most_of_some, out=most_agreeing)
            near = most_agreeing >= n_columns - of_reach
            is_near[part] = np.where(most_agreeing > most[part], near, is_near[part])
            is_near[part] |= near & (most_agreeing == most[part])
            np.maximum(most[part], most_agreeing, out=most[part])
            task.advance((of_one_reach.stop - of_one_reach.start) * own.shape[1])

    with progress.task(label, total=n_rows * training.shape[1], unit="comparison") as task:
        workers.map(compare, chunks(n_rows, max(1, CELLS_A_CHUNK // n_columns)))
    return Distances(n_columns - most, is_near)


def _of_one_reach(reach: np.ndarray) -> list[tuple[int, slice]]:
    """Sorted reaches in pieces of one: within such a piece, the most agreeing row alone tells what is near."""
    pieces = []
    for of_reach, start, number in zip(*np.unique(reach, return_index=True, return_counts=True), strict=True):
        parts = chunks(int(number), TRAINING_ROWS_A_STEP)
        pieces += [(int(of_reach), slice(int(start) + part.start, int(start) + part.stop)) for part in parts]
    return pieces


def reach_of(own_closest: np.ndarray, share: float) -> np.ndarray:
    """(n_training,) int64: in how many columns a row may differ from this training row and still be near to it.

    own_closest: (n_training,) distance of each training row to the closest other one. share: of that distance; 0 keeps
    nothing away. A row is near when it stands nearer to its closest training row than this share of the distance that
    the training row keeps from all others: in a dense region, where real rows resemble each other, a row has to come
    nearer to be suspicious than one beside a person who stands alone. Besides, a row that differs in a single column
    is near to any training row, where that is rare (COMMON_SHARE) among the training rows themselves.
    """
    if share == 0:
        return np.full(len(own_closest), NO_REACH)
    reach = np.ceil(share * own_closest).astype(np.int64) - 1
    if np.mean(own_closest <= NEAR_COPY) <= COMMON_SHARE:
        reach = np.maximum(reach, NEAR_COPY)
    return reach
