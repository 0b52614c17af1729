"""Finds the rows that differ from another row in a few columns at most, without a comparison of all pairs of rows.

Cut the columns into groups. If two rows differ in r columns at most, then they are equal in all groups but r. So their
hashes over the other groups are equal for at least one choice of r groups to leave out. Each choice takes one pass over
the rows, and only the pairs of rows with equal hashes are compared (Norouzi, Punjani and Fleet, 2014, "Fast exact
search in Hamming space with multi-index hashing", IEEE TPAMI). Many small groups take many passes, and few large ones
leave many pairs. A few trials show which number of groups is the fastest.

All costs are in comparisons of one column of one pair, as `privacy.nearest` makes them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, islice
from math import comb
from typing import NamedTuple

import numpy as np

from postprocess.runtime.threads import Workers, chunks

COST_PER_ROW, COST_PER_PAIR = 700, 3000  # of a pass, and of each pair with equal hashes
MAX_SPARE_GROUPS = 8  # groups beyond those left out
TRIALS, TRIAL_ROWS = 2, 4096
ROWS_PER_STEP = 1 << 16  # whose hashes stay in the cache
PAIRS_PER_STEP = 1 << 18
SLOTS_PER_HASH, MAX_SLOT_BITS = 8, 24  # of the table that shows at once that most hashes have no equal
HASHES_SEED = 1  # of the random numbers that hashes are made of; the rows found do not depend on it

Groups = tuple[tuple[int, ...], ...]  # numbers of columns


class Rows:
    """Rows with a hash over each group of their columns. codes: (n_columns, n_rows) uint8."""

    def __init__(self, codes: np.ndarray) -> None:
        self.codes, self.by_row = codes, np.ascontiguousarray(codes.T)

    def __len__(self) -> int:
        return len(self.by_row)

    def take(self, rows: np.ndarray) -> "Rows":
        """Return these rows."""
        return Rows(self.codes.take(rows, axis=1))

    def hashed(self, groups: Groups) -> np.ndarray:
        """Return (n_groups, n_rows) uint64: the hashes over the columns of each group.

        The sum of the hashes of some groups is the hash over all of their columns.
        """
        of_codes = np.random.default_rng(HASHES_SEED).integers(0, 1 << 64, (len(self.codes), 256), dtype=np.uint64)
        hashes = np.zeros((len(groups), len(self)), dtype=np.uint64)
        for group, total in zip(groups, hashes, strict=True):
            for column in group:
                total += of_codes[column].take(self.codes[column])
        return hashes


@dataclass(frozen=True)
class Search:
    """How to find the rows that differ from one of the others in `distance` columns at most. `planned` makes one.

    groups: of columns. own_number: if the rows are some of the others, (n_rows,) their numbers; a row is not compared
    with itself. cost: about what the search takes.
    """

    rows: Rows
    others: Rows
    distance: int
    groups: Groups
    own_number: np.ndarray | None = None
    cost: float = 0.0

    @classmethod
    def planned(
        cls, rows: Rows, others: Rows, distance: int, own_number: np.ndarray | None = None, *, limit: float = np.inf
    ) -> "Search | None":
        """Return the cheapest search; None if none costs less than the limit.

        A trial counts the pairs that each number of groups leaves to be compared.
        """
        some = np.arange(0, len(rows), max(1, len(rows) // TRIAL_ROWS))
        tried = rows.take(some)
        best = None
        for groups in _groupings(rows, others, distance):
            passes = comb(len(groups), distance)
            cost = float(passes * COST_PER_ROW * (len(rows) + len(others)))
            if cost < (limit if best is None else best.cost):
                hashes = tried.hashed(groups), others.hashed(groups)
                left_out = islice(combinations(range(len(groups)), distance), 0, None, max(1, passes // TRIALS))
                pairs = [_equal(*hashes, choice, own_number is not None).number.sum() for choice in left_out]
                cost += passes * COST_PER_PAIR * float(np.mean(pairs)) * len(rows) / len(some)
                if cost < (limit if best is None else best.cost):
                    best = cls(rows, others, distance, groups, own_number, cost)
        return best

    def find(self, workers: Workers, advance: Callable[[float], None] = lambda _: None) -> np.ndarray:
        """Return (n_rows,) bool: which rows are near one of the others. `advance` is told each part of the cost."""
        found = np.zeros(len(self.rows), dtype=bool)
        if not len(self.rows):
            advance(self.cost)
            return found
        choices = list(combinations(range(len(self.groups)), self.distance))
        hashes = self.rows.hashed(self.groups), self.others.hashed(self.groups)

        def search(left_out: tuple[int, ...]) -> None:
            for row, other in _equal(*hashes, left_out, self.own_number is not None).pairs(found):
                differing = self.rows.by_row[row] != self.others.by_row[other]
                near = differing.sum(axis=1, dtype=np.uint16) <= self.distance
                if self.own_number is not None:
                    near &= self.own_number[row] != other
                found[row[near]] = True
            advance(self.cost / len(choices))

        workers.map(search, choices)
        return found


class _Equal(NamedTuple):
    """Pairs of rows with equal hashes: each row's others stand side by side in the order, from a first place on."""

    rows: np.ndarray
    first: np.ndarray
    number: np.ndarray
    order: np.ndarray

    def pairs(self, found: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield rows that are not found yet, and another row for each, some pairs at a time."""
        left = (self.number > 0) & ~found[self.rows]
        rows, first, number = self.rows[left], self.first[left], self.number[left]
        cuts = np.flatnonzero(np.diff(np.cumsum(number) // PAIRS_PER_STEP, prepend=0)).tolist()
        for part in map(slice, [0, *cuts], [*cuts, len(rows)]):
            count = number[part]
            place = np.arange(count.sum()) + np.repeat(first[part] - np.cumsum(count) + count, count)
            yield np.repeat(rows[part], count), self.order[place]


def _equal(rows: np.ndarray, others: np.ndarray, left_out: tuple[int, ...], own: bool) -> _Equal:
    """Return the pairs with equal hashes over all groups but those left out.

    rows, others: (n_groups, n) uint64. own: whether the rows are some of the others. Then a pair of a row with itself
    is of no use, and so is a hash that a single one of the others has.
    """
    kept = [group for group in range(len(rows)) if group not in left_out]
    known = others[kept].sum(axis=0, dtype=np.uint64)
    shift = np.uint64(64 - min(MAX_SLOT_BITS, (SLOTS_PER_HASH * len(known)).bit_length()))
    slots = known >> shift
    taken = _marked(_shared(slots, shift) if own else slots, shift)
    possible, wanted = [], []
    for step in chunks(rows.shape[1], ROWS_PER_STEP):
        hashes = rows[kept, step].sum(axis=0, dtype=np.uint64)
        some = np.flatnonzero(taken[hashes >> shift])
        possible.append(some + step.start)
        wanted.append(hashes[some])
    hashes = np.concatenate(wanted)
    order = np.flatnonzero(_marked(hashes >> shift, shift)[slots])
    order = order[np.argsort(known[order])]
    first = np.searchsorted(known[order], hashes)
    number = np.searchsorted(known[order], hashes, side="right") - first
    if own:
        number[number == 1] = 0
    return _Equal(np.concatenate(possible), first, number, order)


def _marked(slots: np.ndarray, shift: np.uint64) -> np.ndarray:
    """Return (n_slots,) bool: which slots occur."""
    marked = np.zeros(1 << (64 - int(shift)), dtype=bool)
    marked[slots] = True
    return marked


def _shared(slots: np.ndarray, shift: np.uint64) -> np.ndarray:
    """Return the slots that occur more than once."""
    numbers = np.arange(len(slots), dtype=np.int32)
    last = np.empty(1 << (64 - int(shift)), dtype=np.int32)  # only slots that occur are read
    last[slots] = numbers
    return slots[last[slots] != numbers]


def _groupings(rows: Rows, others: Rows, distance: int) -> Iterator[Groups]:
    """Yield groups of columns, more and more of them, that tell rows apart about equally well."""
    n_columns = len(rows.codes)
    matching = [
        np.bincount(column, minlength=256) / len(column) @ np.bincount(other, minlength=256) / len(other)
        for column, other in zip(rows.codes, others.codes, strict=True)
    ]
    told = -np.log(np.maximum(matching, 1e-9))
    for number in range(min(distance + 1, n_columns), min(distance + MAX_SPARE_GROUPS, n_columns) + 1):
        groups: list[list[int]] = [[] for _ in range(number)]
        weights = np.zeros(number)
        for column in np.argsort(-told, kind="stable"):
            lightest = int(np.argmin(weights))
            groups[lightest].append(int(column))
            weights[lightest] += told[column]
        yield tuple(map(tuple, groups))
