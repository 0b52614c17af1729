"""The endings on which whole numbers heap up: round amounts, prices that end in 99, clock times of whole hours."""

from dataclasses import dataclass

import numpy as np

BASE = 10
MAX_POWER = 12  # endings have at most this many digits
MIN_ROWS, MIN_SHARE = 20, 0.02  # an ending that fewer rows have, or a smaller share of them, is not kept apart
HEAP_FACTOR, HEAP_ERRORS = 1.5, 4.0  # as often as expected, and standard errors above that, at least
POINTS_PER_ENDING = 5  # an ending says nothing if fewer numbers within the column's range have it
LOOKED_AROUND, NEIGHBOURS = 100, 3  # the largest modulus, and residues on each side
MODULUS_OF_GAPS = 100  # clock times (HHMM) have no numbers from 60 to 99 at their end
ROWS_PER_GAP = 10  # an ending without rows is a gap only if chance would give it this many


@dataclass(frozen=True)
class Endings:
    """Endings by number: the whole numbers that are `residues[i]` modulo `moduli[i]`, and belong to no later ending.

    Ending 0 is any number at all. moduli, residues: (n_endings,) int64, moduli in increasing order.
    possible: (MODULUS_OF_GAPS,) bool, the residues that occur; None if all do.
    """

    moduli: np.ndarray
    residues: np.ndarray
    possible: np.ndarray | None = None

    def of(self, numbers: np.ndarray) -> np.ndarray:
        """Return the ending of each number, -1 for an ending that never occurs: (n,) int64."""
        found = np.zeros(len(numbers), np.int64)
        for modulus in np.unique(self.moduli[1:]):
            own = np.flatnonzero(self.moduli == modulus)
            residues = numbers % modulus
            place = np.searchsorted(self.residues[own], residues)
            place[place == len(own)] = 0
            found = np.where(self.residues[own][place] == residues, own[place], found)
        if self.possible is not None:
            found[~self.possible[numbers % MODULUS_OF_GAPS]] = -1
        return found


ANY = Endings(np.array([1]), np.array([0]))


def find_endings(numbers: np.ndarray) -> Endings:
    """Return the endings on which these whole numbers, (n,) int64 with n > 0, heap up.

    An ending has to be more frequent, by HEAP_FACTOR and HEAP_ERRORS, than a tenth of the numbers that share its last
    digits, all but the first one: 50 among those that end in 0. An ending of one or two digits has to exceed those
    below and above it as well, because within a narrow range, some endings are frequent together. Longer endings are
    looked for only among the numbers of a shorter one that they heap up on.
    """
    span = float(numbers.max()) - float(numbers.min())
    least = max(MIN_ROWS, MIN_SHARE * len(numbers))
    moduli, residues = [1], [0]
    parents = {0: len(numbers)}
    modulus = BASE
    while parents and modulus <= BASE**MAX_POWER and span >= POINTS_PER_ENDING * modulus:
        candidates, rows = np.unique(numbers % modulus, return_counts=True)
        expected = np.array([parents.get(residue, 0) for residue in (candidates % (modulus // BASE)).tolist()]) / BASE
        if modulus <= LOOKED_AROUND:
            expected = np.maximum(expected, _around(candidates, rows, modulus))
        heaped = (rows > HEAP_FACTOR * expected + HEAP_ERRORS * np.sqrt(expected)) & (expected > 0) & (rows >= least)
        residues += candidates[heaped].tolist()
        moduli += [modulus] * int(np.count_nonzero(heaped))
        followed = heaped | (modulus == BASE)
        parents = dict(zip(candidates[followed].tolist(), rows[followed].tolist(), strict=True))
        modulus *= BASE
    endings = Endings(np.array(moduli), np.array(residues), _possible(numbers, span))
    return _without_rare(endings, numbers, least)


def _around(residues: np.ndarray, rows: np.ndarray, modulus: int) -> np.ndarray:
    """Return the median rows of the residues just below or just above each residue, whichever is larger."""
    every = np.zeros(modulus)
    every[residues] = rows
    steps = np.arange(1, NEIGHBOURS + 1)
    below, above = (np.median([np.roll(every, step) for step in side], axis=0) for side in (steps, -steps))
    return np.maximum(below, above)[residues]


def _possible(numbers: np.ndarray, span: float) -> np.ndarray | None:
    if span < POINTS_PER_ENDING * MODULUS_OF_GAPS or len(numbers) < ROWS_PER_GAP * MODULUS_OF_GAPS:
        return None
    occurs = np.bincount(numbers % MODULUS_OF_GAPS, minlength=MODULUS_OF_GAPS) > 0
    return None if occurs.all() else occurs


def _without_rare(endings: Endings, numbers: np.ndarray, least: float) -> Endings:
    """Return the endings without those that are rare once the numbers of longer ones are taken out."""
    rows = np.bincount(endings.of(numbers) + 1, minlength=len(endings.moduli) + 1)[1:]
    kept = (rows >= least) & (rows > HEAP_FACTOR * rows[0] / endings.moduli)
    kept[0] = True
    return Endings(endings.moduli[kept], endings.residues[kept], endings.possible)
