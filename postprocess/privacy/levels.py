"""Distances to the closest record, level by level: first equal rows, then rows that differ in one column, and so on.

A row is done with at the level at which it meets another row. If the rows lie close together, a few levels are enough
for most of them. The rows that are left are compared with all others, one pair after the other. The levels end as soon
as that is the faster way.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from postprocess.privacy.near_rows import Rows, Search
from postprocess.privacy.nearest import dcr_among, dcr_to_training
from postprocess.privacy.reach import SAMPLE_OTHERS, begin_with, most_matches_within, spread
from postprocess.runtime.threads import Workers

SAMPLE_ROWS = 250  # whose distances show how many rows each level leaves
DECISIVE_SHARE = 0.1  # of the comparisons: no level is tried if the one that saves as many does not pay by itself


def distances_among(codes: np.ndarray, *, workers: Workers, label: str) -> np.ndarray:
    """Return (n_rows,) integer: in how many columns each row differs from the nearest other row; needs two rows.

    codes: (n_columns, n_rows) uint8.
    """
    hashes = Rows(codes).hashed((tuple(range(len(codes))),))[0]
    _, first, which, number = np.unique(hashes, return_index=True, return_inverse=True, return_counts=True)
    rows = Rows(codes.take(first, axis=1))
    dcr, left = np.zeros(len(rows), dtype=np.int64), np.flatnonzero(number == 1)

    def rest(n_rows: float, _: int) -> float:
        return n_rows * (len(rows) - n_rows / 2) * len(codes)  # each pair of them once, and each with the others

    if len(left):
        own = _sample(left)
        sample = rows.codes.take(own, axis=1)
        sample_dcr = dcr_to_training(sample, rows.codes, own_number=own, workers=workers.unseen(), label=label)
        plan = _plan(rows.take(left), rows, 1, sample_dcr, rest, own_number=left)
        with _told(plan, workers, label) as advance:
            for search in plan:
                near = replace(search, rows=rows.take(left), own_number=left).find(workers, advance)
                dcr[left[near]] = search.distance
                left = left[~near]
    if len(left):
        done = np.setdiff1d(np.arange(len(rows)), left, assume_unique=True)
        some, others = (rows.codes.take(places, axis=1) for places in (left, done))
        dcr[left] = dcr_among(some, workers=workers, label=label)
        if len(done):
            to_others = dcr_to_training(some, others, workers=workers, label=label)
            dcr[left] = np.minimum(dcr[left], to_others)
    return dcr[which]


def within_radius(
    codes: np.ndarray, training: np.ndarray, radius: np.ndarray, *, workers: Workers, label: str
) -> np.ndarray:
    """Return (n_rows,) bool: whether a row lies within the radius of its closest training row, or of one as close.

    codes, training: (n_columns, n_rows) uint8, at least one training row. radius: (n_training,) largest distance at
    which a row is too close to this training row, below n_columns; -1: no row is.
    """
    n_columns, n_rows = codes.shape
    too_close, left = np.zeros(n_rows, dtype=bool), np.arange(n_rows)
    if n_rows == 0:
        return too_close

    def rest(n_rows: float, level: int) -> float:
        far = np.flatnonzero(radius >= level)
        some = far[spread(len(far), SAMPLE_OTHERS)]
        return n_rows * len(far) * begin_with(rows, others.take(some), n_columns - radius[some, None]).cost

    rows, others = Rows(codes), Rows(training)
    sample = codes.take(_sample(left), axis=1)
    sample_dcr = dcr_to_training(sample, training, workers=workers.unseen(), label=label)
    plan = _plan(rows, others, 0, sample_dcr, rest)
    with _told(plan, workers, label) as advance:
        for search in plan:
            near = replace(search, rows=rows.take(left)).find(workers, advance)
            met, reaching = left[near], radius >= search.distance
            if reaching.any():
                reaching_others = others.take(np.flatnonzero(reaching))
                too_close[met] = replace(search, rows=rows.take(met), others=reaching_others).find(workers)
            left = left[~near]
    far = np.flatnonzero(radius >= len(plan))
    if len(far) and len(left):
        within = n_columns - radius[far, None]
        most = most_matches_within(rows.take(left), others.take(far), within, workers=workers, label=label)
        doubtful, most = left[most > 0], most[most > 0]
        if len(doubtful):  # another training row may be closer
            closer = most_matches_within(rows.take(doubtful), others, most[None] + 1, workers=workers, label=label)
            too_close[doubtful] = closer == 0
    return too_close


def _plan(
    rows: Rows,
    others: Rows,
    first_level: int,
    sample: np.ndarray,
    rest: Callable[[float, int], float],
    *,
    own_number: np.ndarray | None = None,
) -> list[Search]:
    """Return a search for each level, as many as make the whole the cheapest.

    sample: distances of some rows to the closest other row. rest: what it costs to compare as many rows, which are left
    before a level, with all others.
    """
    levels = range(first_level, len(rows.codes))
    all_left = rest(len(rows), first_level)
    left = {level: rest(float(np.mean(sample > level)) * len(rows), level + 1) for level in levels}
    decisive = next((level for level in levels if left[level] <= (1 - DECISIVE_SHARE) * all_left), None)
    if decisive is None:
        return []
    if Search.planned(rows, others, decisive, own_number, limit=all_left - left[decisive]) is None:
        return []
    plan: list[Search] = []
    spent, cheapest, best = 0.0, all_left, 0
    for level in levels:
        share = float(np.mean(sample >= level))
        if spent >= cheapest or share == 0:
            break
        search = Search.planned(rows, others, level, own_number, limit=cheapest / share)
        if search is None:
            break
        plan.append(replace(search, cost=share * search.cost))
        spent += plan[-1].cost
        if spent + left[level] < cheapest:
            cheapest, best = spent + left[level], len(plan)
    return plan[:best]


def _sample(rows: np.ndarray) -> np.ndarray:
    return rows[:: max(1, len(rows) // SAMPLE_ROWS)]


@contextmanager
def _told(plan: list[Search], workers: Workers, label: str) -> Iterator[Callable[[float], None]]:
    """Open a task for the whole plan, and give what tells it of each part of the cost. It counts percents."""
    if not plan:
        yield lambda _: None
        return
    total = sum(search.cost for search in plan)
    with workers.progress.task(f"{label}, level by level", total=100, unit="") as task:
        yield lambda cost: task.advance(100 * cost / total)
        task.update(100)
