"""Leaves out pool rows that are too close to a single training row.

Such a row gives away that one person rather than the population, however well it suits the tables.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import numpy as np

from postprocess.runtime.threads import chunks

# Rows compared at a time, as a multiple of those wanted. The selection gains from a larger choice, but for wide data
# the time grows with the square of the rows. For large data, the gain is small.
COMPARED_MULTIPLE, LEAST_MULTIPLE = 2.0, 1.25
MAX_COMPARISONS = 4e12  # of columns, with the larger multiple
NEAR_COPY = 1  # columns: a row that differs in no more may be a training row in disguise ...
COMMON_SHARE = 0.1  # ... unless more than this share of the training rows are that close to another training row


class Mode(StrEnum):
    """What the filter leaves out."""

    TOO_CLOSE = "too close"  # rows within the radius that `privacy_filter` gives
    NEAR_COPIES_ONLY = "near copies only"  # rows that differ from a training row in one column at most
    NOTHING = "nothing"


@dataclass(frozen=True)
class FilterResult:
    """rows: sorted numbers of the rows that may still be selected. mode: the strictest one that leaves enough rows.

    excluded: number of rows found too close in that mode. spared: number of rows that `privacy_filter` would leave out
    as well, but that are needed.
    """

    rows: np.ndarray
    mode: Mode
    excluded: int
    spared: int


def filter_rows(
    weights: np.ndarray,
    training_dcr: np.ndarray,
    *,
    share: float,
    wanted: int,
    needed: int,
    at_a_time: int,
    is_too_close: Callable[..., np.ndarray],
    rng: np.random.Generator,
) -> FilterResult:
    """Leave out the rows that are too close to a training row.

    If fewer rows than needed would be left, only near copies are left out. If that still leaves too few rows, none are.

    weights: (n_rows,) how likely each row is to be chosen; only some rows, drawn by weight, are compared, see
    `far_enough`. at_a_time: rows compared together. training_dcr, share: as `exclusion_radius` takes them.
    is_too_close: given row numbers and (n_training,) radii, returns (n_rows,) bool.
    """

    def passed(radius: np.ndarray) -> tuple[np.ndarray, int]:
        too_close = partial(is_too_close, radius=radius)
        return far_enough(weights, wanted=wanted, at_a_time=at_a_time, rng=rng, is_too_close=too_close)

    rows, close = passed(exclusion_radius(training_dcr, share, rng))
    if len(rows) >= needed:
        return FilterResult(rows, Mode.TOO_CLOSE, close, 0)
    rows, copies = passed(near_copy_radius(training_dcr))
    if len(rows) >= needed:
        return FilterResult(rows, Mode.NEAR_COPIES_ONLY, copies, close - copies)
    return FilterResult(np.arange(len(weights)), Mode.NOTHING, 0, close)


def rows_to_compare(wanted: int, n: int, n_columns: int) -> int:
    """Return how many rows to compare with n training rows at a time, so that about `wanted` or more of them pass."""
    many = COMPARED_MULTIPLE * wanted
    return round(many if many * n * n_columns <= MAX_COMPARISONS else LEAST_MULTIPLE * wanted)


def exclusion_radius(training_dcr: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return (n_training,) int64: the largest distance at which a row is too close to this training row.

    A row is too close if its distance to its closest training row is below `share` times the distance of that training
    row to the nearest other one. So the radius shrinks in dense regions and grows around outliers. In addition, near
    copies are too close, see `near_copy_radius`.

    A distance is a whole number of columns, and the share of one seldom is. It is rounded up or down at random, so that
    it is right on average. If it were always rounded up, the radius would be too wide where distances are small, and
    the rows missing there would show which rows are training rows.

    training_dcr: (n_training,) distance of each training row to the nearest other one. share: above 0.
    """
    least = np.floor(share * training_dcr + rng.random(len(training_dcr))).astype(np.int64)
    return np.maximum(least - 1, near_copy_radius(training_dcr))


def near_copy_radius(training_dcr: np.ndarray) -> np.ndarray:
    """Return (n_training,) int64: the largest distance at which a row is a near copy of this training row.

    A near copy differs from it in one column at most, or in none if such pairs are common (COMMON_SHARE) among the
    training rows. Equal codes count only if no other training row has them.
    """
    if np.mean(training_dcr <= NEAR_COPY) <= COMMON_SHARE:
        return np.full(len(training_dcr), NEAR_COPY, dtype=np.int64)
    return np.minimum(training_dcr, 1).astype(np.int64) - 1


def far_enough(
    weights: np.ndarray,
    *,
    wanted: int,
    at_a_time: int,
    rng: np.random.Generator,
    is_too_close: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, int]:
    """Return the sorted numbers of rows that may still be selected, and how many rows were found too close.

    Rows are drawn without replacement, with chances in proportion to their weights, and compared `at_a_time`, until
    `wanted` rows have passed. So the rows that pass have about the tables that the weights give the whole pool. The
    heaviest rows alone would not: the light ones together matter as much. The rows not drawn are not compared, because
    that would take too long, and they are not returned. If too many rows are too close, fewer than `wanted` are
    returned.

    The order of the draw is that of Efraimidis and Spirakis, 2006, "Weighted random sampling with a reservoir"
    (Information Processing Letters).
    """
    order = np.argsort(-weights / rng.exponential(size=len(weights)), kind="stable")
    passed, n_too_close = np.empty(0, dtype=order.dtype), 0
    for part in chunks(len(order), at_a_time):
        rows = np.sort(order[part])
        found = is_too_close(rows)
        n_too_close += int(np.count_nonzero(found))
        passed = np.union1d(passed, rows[~found])
        if len(passed) >= wanted:
            break
    return passed, n_too_close
