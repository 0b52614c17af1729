"""Finds the columns that one or two others decide, in the rows of the training data.

A dependency between key columns and another column counts as a rule if no row breaks it and

- the keys repeat: they have at most MAX_KEY_SHARE as many combinations of values as there are rows. At most the share
  MAX_SINGLE_KEYS of the rows have a combination of their own. By Good and Turing, that is about the share of fresh rows
  whose combination the training data never has;
- at least MIN_EXPECTED rows would break it if the values of the determined column were shuffled among the rows whose
  combination repeats. Others test nothing. Such a row breaks it if its value differs from the value in the first row
  with its combination;
- for two keys, as many would break it if those values were shuffled only among the rows with the same first key, and
  only among those with the same second key. Both keys are then needed. Otherwise, a column with many values would make
  a dependency of any other that one key nearly decides: it tells the few rows apart that break it.

Nothing is listed that follows from the rest. Of columns that decide each other, the first stands for all.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from postprocess.rules.evidence import MIN_EXPECTED, samples

MAX_KEY_SHARE, MAX_SINGLE_KEYS = 0.2, 0.02
MAX_TABLE = 1 << 22  # combinations of two keys that may have a place in a table, whether they occur or not


@dataclass(frozen=True)
class Dependency:
    """Columns, by number, that decide another. n_keys: their combinations of values."""

    keys: tuple[int, ...]
    determined: int
    n_keys: int


@dataclass(frozen=True)
class Dependencies:
    """What decides what. names: of the columns. twins: for each column, the first that decides it and that it decides.

    needed: the dependencies between these first columns from which all others follow.
    """

    names: list[str]
    twins: list[int]
    needed: list[Dependency]

    def pairs(self) -> set[tuple[str, str]]:
        """Return the pairs (a, b) of columns of which a alone decides b."""
        singles = [dependency for dependency in self.needed if len(dependency.keys) == 1]
        closures = [_closure({twin}, singles) for twin in self.twins]
        return {
            (self.names[a], self.names[b])
            for a, closure in enumerate(closures)
            for b, twin in enumerate(self.twins)
            if a != b and twin in closure
        }


def find_dependencies(frame: pd.DataFrame) -> Dependencies:
    """Return the dependencies between the columns of a frame, as the module describes them."""
    coded = _Coded.of(frame)
    columns = [column for column in range(len(coded.names)) if coded.n_levels[column] > 1]
    found = []
    for key in columns:
        found += coded.dependencies((key,), [column for column in columns if column != key])
    singles = {(dependency.keys[0], dependency.determined) for dependency in found}
    twins = list(range(len(coded.names)))
    for a, b in sorted(singles):
        if a < b and (b, a) in singles:
            twins[b] = min(twins[b], a)
    firsts = [column for column in columns if twins[column] == column]
    found = [each for each in found if each.keys[0] in firsts and each.determined in firsts]
    for first, second in combinations([column for column in firsts if coded.repeats(column)], 2):
        if not singles & {(first, second), (second, first)}:
            decided = {b for a, b in singles if a in (first, second)}
            rest = [column for column in firsts if column not in decided and column not in (first, second)]
            found += coded.dependencies((first, second), rest)
    return Dependencies(coded.names, twins, _needed(found))


@dataclass(frozen=True, eq=False)
class _Coded:
    """The values of all columns as numbers from 0, missing ones included, in samples of rows and in all rows."""

    names: list[str]
    n_levels: list[int]
    steps: list[np.ndarray]

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "_Coded":
        codes = np.stack([pd.factorize(frame[name], use_na_sentinel=False)[0].astype(np.int32) for name in frame])
        n_levels = (codes.max(axis=1) + 1).tolist()
        return cls(list(frame), n_levels, [codes[:, rows] for rows in samples(len(frame))])

    def repeats(self, column: int) -> bool:
        """Return whether the column may be a key."""
        return _repeats(np.bincount(self.steps[-1][column]))

    def dependencies(self, keys: tuple[int, ...], columns: list[int]) -> list[Dependency]:
        """Return which of the columns depend on the keys together."""
        left = np.array(columns, dtype=np.int64)
        for codes in self.steps:
            if not left.size:
                return []
            key, n_keys = self._key(codes, keys)
            some_row = np.empty(n_keys, dtype=np.int32)
            some_row[key] = np.arange(len(key), dtype=np.int32)
            values = codes[left]
            left = left[(values.take(some_row[key], axis=1) == values).all(axis=1)]
        key, n_keys = _dense(key)
        if not left.size or not _repeats(np.bincount(key)):
            return []
        groups = [None] if len(keys) == 1 else [codes[each] for each in keys]
        return [
            Dependency(keys, int(column), n_keys)
            for column in left
            if all(_expected(key, codes[column], group) >= MIN_EXPECTED for group in groups)
        ]

    def _key(self, codes: np.ndarray, keys: tuple[int, ...]) -> tuple[np.ndarray, int]:
        """Return a number for each row's combination of the keys, and an upper limit of the numbers."""
        if len(keys) == 1:
            return codes[keys[0]], self.n_levels[keys[0]]
        first, second = keys
        n_keys = self.n_levels[first] * self.n_levels[second]
        key = codes[first] * np.int64(self.n_levels[second]) + codes[second]
        return (key, n_keys) if n_keys <= MAX_TABLE else _dense(key)


def _dense(key: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the same numbers without gaps, and how many there are."""
    numbers, distinct = pd.factorize(key)
    return numbers, len(distinct)


def _repeats(counts: np.ndarray) -> bool:
    """Return whether keys with these counts of rows repeat enough to decide another column."""
    n_rows = counts.sum()
    few = np.count_nonzero(counts) <= MAX_KEY_SHARE * n_rows
    return bool(few and np.count_nonzero(counts == 1) <= MAX_SINGLE_KEYS * n_rows)


def _expected(key: np.ndarray, values: np.ndarray, group: np.ndarray | None) -> float:
    """Return how many rows would break the rule if the values were shuffled within the groups (None: among all rows).

    Each key lies in one group. A row tests the rule if it is not the first one with its key. Two rows of a group that
    are drawn without replacement differ by a probability that the counts of its values tell.
    """
    repeated = np.bincount(key)[key] > 1
    key, values = key[repeated], values[repeated]
    group = np.zeros_like(key) if group is None else group[repeated]
    n_groups, n_values = int(group.max(initial=0)) + 1, int(values.max(initial=0)) + 1
    rows = np.bincount(group, minlength=n_groups)
    first_rows = np.unique(key, return_index=True)[1]
    tests = rows - np.bincount(group[first_rows], minlength=n_groups)
    cells, counts = np.unique(group * np.int64(n_values) + values, return_counts=True)
    alike = np.bincount(cells // n_values, weights=counts * (counts - 1.0), minlength=n_groups)
    pairs = np.maximum(rows * (rows - 1.0), 1)
    return float(np.sum(tests * (1 - alike / pairs)))


def _needed(found: list[Dependency]) -> list[Dependency]:
    """Return the dependencies from which the others follow. Two keys give way before one, and many before few."""
    needed = sorted(found, key=lambda each: (len(each.keys), each.n_keys, each.keys, each.determined))
    for dependency in reversed(needed[:]):
        rest = [each for each in needed if each is not dependency]
        if dependency.determined in _closure(set(dependency.keys), rest):
            needed = rest
    return needed


def _closure(columns: set[int], dependencies: list[Dependency]) -> set[int]:
    """Return the columns that these columns decide, directly or not, and the columns themselves."""
    grown = True
    while grown:
        more = {each.determined for each in dependencies if columns.issuperset(each.keys)} - columns
        grown = bool(more)
        columns = columns | more
    return columns
