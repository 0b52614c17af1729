"""A column that follows from one or two others: a functional dependency, with the mapping of the training data."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from postprocess.rules.levels import Levels

NO_CODE = -1


@dataclass(frozen=True, eq=False)
class Determined:
    """The values of one or two key columns, missing ones included, decide the value of another column.

    both_ways: whether this column decides the one key column as well. keys: their levels. known: (n_keys,) int64, the
    combinations of levels that the training data has, sorted. mapped: (n_keys,) int64, the level of each. The other
    fields are plain.
    """

    key_columns: tuple[str, ...]
    determined: str
    both_ways: bool
    keys: tuple[Levels, ...]
    values: Levels
    known: np.ndarray
    mapped: np.ndarray
    repairs: bool = True

    @classmethod
    def learnt(
        cls, frame: pd.DataFrame, key_columns: tuple[str, ...], determined: str, *, both_ways: bool = False
    ) -> "Determined":
        """Return the rule with the mapping of a frame in which no row breaks it."""
        keys, values = tuple(Levels.of(frame[column]) for column in key_columns), Levels.of(frame[determined])
        known, rows = np.unique(_combined(keys, key_columns, frame), return_index=True)
        mapped = values.codes(frame[determined].iloc[rows])
        return cls(key_columns, determined, both_ways, keys, values, known, mapped)

    @property
    def text(self) -> str:
        """The rule as in `origin, dest -> distance`."""
        return f"{', '.join(self.key_columns)} {'<->' if self.both_ways else '->'} {self.determined}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The key columns and the determined one."""
        return (*self.key_columns, self.determined)

    @property
    def repaired(self) -> str | None:
        """The determined column."""
        return self.determined if self.repairs else None

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Return (n_rows,) bool: whether the training data has the row's keys with the row's value."""
        expected = self._expected(frame)
        return (expected != NO_CODE) & (expected == self.values.codes(frame[self.determined]))

    def repair(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with the mapped values. Rows with keys that the training data never has stay broken."""
        if not self.repairs:
            return frame
        expected = self._expected(frame)
        broken = (expected != NO_CODE) & (expected != self.values.codes(frame[self.determined]))
        column = frame[self.determined].copy()
        column[broken] = self.values.take(expected[broken])
        return frame.assign(**{self.determined: column})

    def without_repair(self) -> "Determined":
        """Return the same rule without its repair."""
        return replace(self, repairs=False)

    def _expected(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the level that each row should have; NO_CODE if the training data never has its keys."""
        combined = _combined(self.keys, self.key_columns, frame)
        place = np.minimum(np.searchsorted(self.known, combined), len(self.known) - 1)
        return np.where(self.known[place] == combined, self.mapped[place], NO_CODE)


def _combined(keys: tuple[Levels, ...], columns: tuple[str, ...], frame: pd.DataFrame) -> np.ndarray:
    """Return a number for the levels of all keys together: (n_rows,) int64, NO_CODE if one has no level."""
    combined, known = np.zeros(len(frame), dtype=np.int64), np.ones(len(frame), dtype=bool)
    for levels, column in zip(keys, columns, strict=True):
        codes = levels.codes(frame[column])
        combined = combined * len(levels) + codes
        known &= codes != NO_CODE
    return np.where(known, combined, NO_CODE)
