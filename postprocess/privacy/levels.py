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
from postprocess.privacy.nearest import Nearest, compare_among, compare_with_training
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
        sample_dcr = compare_with_training(
            sample, rows.codes, own_number=own, workers=workers.unseen(), label=label
        ).dcr
        plan = _plan(rows.take(left), rows, 1, sample_dcr, rest, own_number=left)
        with _told(plan, workers, label) as advance:
            for search in plan:
                near = replace(search, rows=rows.take(left), own_number=left).find(workers, advance)
                dcr[left[near]] = search.distance
                left = left[~near]
    if len(left):
        done = np.setdiff1d(np.arange(len(rows)), left, assume_unique=True)
        some, others = (rows.codes.take(places, axis=1) for places in (left, done))
        dcr[left] = compare_among(some, workers=workers, label=label)
        if len(done):
            to_others = compare_with_training(some, others, workers=workers, label=label).dcr
            dcr[left] = np.minimum(dcr[left], to_others)
    return dcr[which]


def within_radius(
    codes: np.ndarray, training: np.ndarray, radius: np.ndarray, *, workers: Workers, label: str
) -> np.ndarray:
    """Return (n_rows,) bool: whether a row lies within the radius of its closest training row, or of one as close.

    This is `too_close` of `compare_with_training`, which takes the same arguments. It is faster if most radii are
    small.
    """
    n_columns, n_rows = codes.shape
    too_close, left, every = np.zeros(n_rows, dtype=bool), np.arange(n_rows), np.ones(len(radius), dtype=bool)
    if n_rows == 0:
        return too_close

    def compare(some: np.ndarray, to: np.ndarray, workers: Workers) -> Nearest:
        rows, others = codes.take(some, axis=1), training.compress(to, axis=1)
        return compare_with_training(rows, others, radius=radius[to], workers=workers, label=label)

    def rest(n_rows: float, level: int) -> float:
        return n_rows * np.count_nonzero(radius >= level) * n_columns

    sample = compare(_sample(left), every, workers.unseen()).dcr
    plan = _plan(Rows(codes), Rows(training), 0, sample, rest)
    with _told(plan, workers, label) as advance:
        for search in plan:
            near = replace(search, rows=Rows(codes.take(left, axis=1))).find(workers, advance)
            met, reaching = left[near], radius >= search.distance
            if reaching.any():
                rows, others = Rows(codes.take(met, axis=1)), Rows(training.compress(reaching, axis=1))
                too_close[met] = replace(search, rows=rows, others=others).find(workers)
            left = left[~near]
    far = radius >= len(plan)
    if far.any() and len(left):
        doubtful = left[compare(left, far, workers).too_close]  # another training row may be closer
        too_close[doubtful] = compare(doubtful, every, workers).too_close
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
