"""Numbers as classes that a generator can learn, and the way back to numbers that look like the original's.

A value that recurs is a class of its own, so it comes out as often as in the original. All other values share classes:
one for each range of values and each ending on which they heap up (`endings`). A number of such a class is drawn anew:
within the range, with this ending, and with no more decimals than the column has.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pool.generator.endings import ANY, Endings, find_endings

MIN_FREQUENT_ROWS = 10  # a generator does not show values of fewer than 5 to 7 rows
MAX_FREQUENT = 200  # values with a class of their own
MAX_DISCRETE = 100  # if a column has at most this many distinct values, each frequent one has a class of its own ...
SPIKE_FACTOR = 3.0  # ... otherwise those with this many times the rows that their neighbours would make likely
NEIGHBOURS = 10  # distinct values on each side
MIN_RANGES, MAX_RANGES, ROWS_PER_RANGE = 10, 100, 150  # a generator learns few ranges better from few rows
MIN_RANGE_ROWS, MIN_PIECE_ROWS = 20, 10  # a range is made of pieces, and numbers are uniform within one
PROTECTED = 5  # the smallest and the largest values of this many rows are not shown
MAX_DECIMALS, EXACT_WHOLE = 9, 2.0**53
MAX_DRAWS = 20  # of a number until it is neither a frequent one nor of another ending


@dataclass(frozen=True)
class Pieces:
    """Intervals of numbers, by class and in increasing order within a class.

    low, high: (n_pieces,) their ends, both included. ending: their numbers. rows: of training rows, cumulative, with a
    zero in front: (n_pieces + 1,). range_of: (n_pieces,) their range, numbered over all endings.
    """

    low: np.ndarray
    high: np.ndarray
    ending: np.ndarray
    rows: np.ndarray
    range_of: np.ndarray


@dataclass(frozen=True)
class NumberCodec:
    """The classes of a column: first its frequent values, then its ranges.

    decimals: of the column's values; None for whole numbers and for real numbers of any number of decimals.
    frequent: sorted. class_rows: (n_classes,) training rows of each class.
    """

    dtype: type
    decimals: int | None
    frequent: np.ndarray
    endings: Endings
    pieces: Pieces
    class_rows: np.ndarray
    kind: str = "category"

    @classmethod
    def of(cls, known: pd.Series) -> "NumberCodec":
        """Find the classes of values, none of which is missing."""
        whole = pd.api.types.is_bool_dtype(known) or pd.api.types.is_integer_dtype(known)
        dtype = np.int64 if whole else np.float64
        decimals = None if whole else _decimals(known.to_numpy(np.float64))
        points = np.sort(_points(known.to_numpy(dtype), decimals))
        frequent = _frequent(points)
        rest = points[~np.isin(points, frequent)]
        if len(rest) < MIN_RANGE_ROWS and len(frequent):
            rest = rest[:0]
        endings = find_endings(rest) if points.dtype == np.int64 and len(rest) else ANY
        pieces = _pieces(rest, endings, _shown(points))
        codec = cls(dtype, decimals, frequent, endings, pieces, np.ones(len(frequent) + _n_ranges(pieces)))
        rows = np.bincount(codec._classes(points), minlength=len(codec.class_rows))
        return cls(dtype, decimals, frequent, endings, pieces, rows)

    def encode(self, values: pd.Series) -> pd.Series:
        """Return the label of the class of each value; missing values stay missing."""
        present = values.notna().to_numpy()
        points = _points(values[present].to_numpy(self.dtype), self.decimals)
        coded = np.full(len(values), None, dtype=object)
        coded[present] = self._labels()[self._classes(points)]
        return pd.Series(coded, dtype="str")

    def decode(self, coded: pd.Series, rng: np.random.Generator) -> pd.Series:
        """Return numbers of these classes, Int64 or Float64. A class too rare to be shown becomes any other one."""
        classes = pd.Index(self._labels()).get_indexer(coded)
        present = coded.notna().to_numpy()
        unknown = np.flatnonzero(present & (classes < 0))
        classes[unknown] = rng.choice(len(self.class_rows), len(unknown), p=self.class_rows / self.class_rows.sum())
        points = np.zeros(len(coded), self.frequent.dtype)
        is_frequent = present & (classes < len(self.frequent))
        points[is_frequent] = self.frequent[classes[is_frequent]]
        drawn = np.flatnonzero(present & ~is_frequent)
        points[drawn] = self._draw(classes[drawn] - len(self.frequent), rng)
        numbers = points if self.decimals is None else points / 10.0**self.decimals
        return pd.Series(numbers, dtype="Int64" if self.dtype is np.int64 else "Float64").mask(~present)

    def _labels(self) -> np.ndarray:
        return np.array([f"v{number}" for number in range(len(self.class_rows))], dtype=object)

    def _classes(self, points: np.ndarray) -> np.ndarray:
        """Return the class of each point: (n,) int64."""
        place = np.searchsorted(self.frequent, points)
        place[place == len(self.frequent)] -= 1
        if not len(self.pieces.low):
            below = np.maximum(place - 1, 0)
            values, exact = self.frequent.astype(np.float64), points.astype(np.float64)  # differences fit no int64
            with np.errstate(invalid="ignore"):  # of infinite values, each has its own place
                return np.where(exact - values[below] < values[place] - exact, below, place)
        classes = np.empty(len(points), np.int64)
        endings = self._ending(points)
        known = np.unique(self.pieces.ending)
        endings[~np.isin(endings, known)] = known[0]
        for ending in known:
            own, pieces = endings == ending, np.flatnonzero(self.pieces.ending == ending)
            at = np.searchsorted(self.pieces.low[pieces], points[own], side="right") - 1
            classes[own] = len(self.frequent) + self.pieces.range_of[pieces[np.maximum(at, 0)]]
        if len(self.frequent):
            is_frequent = self.frequent[place] == points
            classes[is_frequent] = place[is_frequent]
        return classes

    def _ending(self, points: np.ndarray) -> np.ndarray:
        return self.endings.of(points) if points.dtype == np.int64 else np.zeros(len(points), np.int64)

    def _draw(self, ranges: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a point of each range: (n,). Its density is that of the training rows, piece by piece."""
        pieces, points = self.pieces, np.empty(len(ranges), self.frequent.dtype)
        first = np.searchsorted(pieces.range_of, ranges)
        after = np.searchsorted(pieces.range_of, ranges, side="right")
        left = np.arange(len(ranges))
        for _ in range(MAX_DRAWS):
            rows = rng.uniform(pieces.rows[first[left]], pieces.rows[after[left]])
            piece = np.clip(np.searchsorted(pieces.rows, rows, side="right") - 1, first[left], after[left] - 1)
            points[left] = self._within(piece, rng)
            misplaced = np.isin(points[left], self.frequent) | (self._ending(points[left]) != pieces.ending[piece])
            left = left[misplaced]
            if not len(left):
                break
        return points

    def _within(self, piece: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a point of each piece, drawn from all with the ending of the piece."""
        low, high, share = self.pieces.low[piece], self.pieces.high[piece], rng.random(len(piece))
        if low.dtype != np.int64:
            return low + share * (high - low)
        ending = self.pieces.ending[piece]
        modulus = self.endings.moduli[ending]
        first = (self.endings.residues[ending] - low) % modulus  # from `low` to the first point with the ending
        width = high.astype(np.float64) - low.astype(np.float64)  # it may be beyond 64 bits
        steps = np.floor(share * (np.maximum(np.floor((width - first) / modulus), 0) + 1))
        return low + first + modulus * steps.astype(np.uint64).astype(np.int64)


def _decimals(numbers: np.ndarray) -> int | None:
    """Return the fewest decimals that all finite numbers have; None if these are too many to be exact."""
    finite = numbers[np.isfinite(numbers)]
    for decimals in range(MAX_DECIMALS + 1):
        if not np.all(np.abs(finite) < EXACT_WHOLE / 10.0**decimals):
            return None
        if np.array_equal(np.round(finite, decimals), finite):
            return decimals
    return None


def _points(numbers: np.ndarray, decimals: int | None) -> np.ndarray:
    """Return numbers as whole multiples of their last decimal, or as they are. Infinite ones become the largest."""
    if numbers.dtype == np.int64:
        return numbers
    finite = numbers[np.isfinite(numbers)]
    if len(finite):
        numbers = np.clip(numbers, finite.min(), finite.max())
        if decimals is not None:
            return np.rint(numbers * 10.0**decimals).astype(np.int64)
    return numbers


def _frequent(points: np.ndarray) -> np.ndarray:
    """Return the values, sorted, that recur more often than their neighbours make likely. points: sorted."""
    distinct, rows = np.unique(points, return_counts=True)
    if not np.isfinite(distinct).all():
        return distinct
    recurs = rows >= MIN_FREQUENT_ROWS
    if len(distinct) > MAX_DISCRETE:
        recurs &= rows >= SPIKE_FACTOR * _expected_rows(distinct, rows)
    places = np.flatnonzero(recurs)
    most = places[np.argsort(-rows[places], kind="stable")][:MAX_FREQUENT]
    return distinct[np.sort(most)]


def _expected_rows(distinct: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the rows that each whole number would have if it were as frequent as the numbers around it."""
    if distinct.dtype != np.int64:
        return np.zeros(len(distinct))  # a real number is not expected twice
    cumulative = np.concatenate([[0], np.cumsum(rows)])
    place = np.arange(len(distinct))
    first, last = np.maximum(place - NEIGHBOURS, 0), np.minimum(place + NEIGHBOURS, len(distinct) - 1)
    numbers = distinct[last].astype(np.float64) - distinct[first].astype(np.float64)  # between them, without its own
    return (cumulative[last + 1] - cumulative[first] - rows) / numbers


def _shown(points: np.ndarray) -> tuple[float, float]:
    """Return the smallest and the largest point that may be shown. points: sorted."""
    hidden = min(PROTECTED, (len(points) - 1) // 2)
    return points[hidden], points[len(points) - 1 - hidden]


def _pieces(rest: np.ndarray, endings: Endings, shown: tuple[float, float]) -> Pieces:
    """Cut the values that are not frequent into pieces of about equal counts, and join them to ranges."""
    number = endings.of(rest) if rest.dtype == np.int64 else np.zeros(len(rest), np.int64)
    wanted = np.clip(len(rest) // ROWS_PER_RANGE, MIN_RANGES, MAX_RANGES)
    lows, highs, ending_of, rows_of, ranges = [rest[:0]], [rest[:0]], [], [], [np.zeros(0, np.int64)]
    for ending in np.unique(number[number >= 0]):
        own = np.clip(rest[number == ending], *shown)
        n_pieces = max(1, len(own) // MIN_PIECE_ROWS)
        n_ranges = max(1, min(round(wanted * len(own) / len(rest)), len(own) // MIN_RANGE_ROWS))
        low = np.unique(own[np.arange(n_pieces) * len(own) // n_pieces])
        starts = np.searchsorted(own, low)
        gap = 1 if own.dtype == np.int64 else 0
        lows.append(low)
        highs.append(np.append(low[1:] - gap, own[-1]))
        rows_of.append(np.diff(np.append(starts, len(own))))
        ending_of.append(np.full(len(low), ending))
        _, own_ranges = np.unique(starts * n_ranges // len(own), return_inverse=True)
        ranges.append(own_ranges + ranges[-1].max(initial=-1) + 1)
    rows = np.concatenate([[0], np.cumsum(np.concatenate([[], *rows_of]))])
    ending = np.concatenate([np.zeros(0, np.int64), *ending_of])
    return Pieces(np.concatenate(lows), np.concatenate(highs), ending, rows, np.concatenate(ranges))


def _n_ranges(pieces: Pieces) -> int:
    return int(pieces.range_of.max(initial=-1)) + 1
