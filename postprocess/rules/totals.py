"""A column of numbers that is the sum of two others."""

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import pandas as pd

from postprocess.rules.evidence import MIN_EXPECTED, samples, some
from postprocess.rules.numbers import as_floats, decimals_of, half_unit, is_number, noise, tolerance, with_numbers

MIN_ROWS = 20  # that have all three numbers


@dataclass(frozen=True)
class Total:
    """The column `total` is the sum of `first` and `second`, with `decimals` (None: as many as it has).

    A row with a missing one keeps the rule. The same rule says that `first` is `total` less `second`.
    """

    total: str
    first: str
    second: str
    decimals: int | None
    repairs: bool = True

    @property
    def text(self) -> str:
        """The rule as in `total = price + tax`."""
        return f"{self.total} = {self.first} + {self.second}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The total and its two parts."""
        return self.total, self.first, self.second

    @property
    def repaired(self) -> str | None:
        """The total."""
        return self.total if self.repairs else None

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Return (n_rows,) bool: the rows that keep the rule."""
        total, first, second = (as_floats(frame[column]) for column in self.columns)
        return ~_broken(total, first, second, self.decimals)

    def repair(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with the sum in the rows that break the rule."""
        if not self.repairs:
            return frame
        broken = ~self.holds(frame)
        sums = as_floats(frame[self.first][broken]) + as_floats(frame[self.second][broken])
        return frame.assign(**{self.total: with_numbers(frame[self.total], broken, sums, self.decimals)})

    def without_repair(self) -> "Total":
        """Return the same rule without its repair."""
        return replace(self, repairs=False)


@np.errstate(over="ignore", invalid="ignore")  # infinite values break any rule
def find_totals(frame: pd.DataFrame) -> tuple[Total, ...]:
    """Return the sums of two columns that a third one has in all rows that have all three.

    At least MIN_ROWS rows need to have all three. If the values of any one of the three columns were shuffled, at least
    MIN_EXPECTED rows would break the rule. A column that is equal to its first part is no total.
    """
    names = [name for name in frame if is_number(frame[name])]
    if not names:
        return ()
    values = np.stack([as_floats(frame[name]) for name in names])
    decimals = [decimals_of(frame[name]) for name in names]
    possible = [(pair, np.arange(len(names))) for pair in combinations(range(len(names)), 2)]
    for rows in samples(len(frame))[:2]:
        possible = _unbroken(values[:, rows], decimals, possible)
    return tuple(
        Total(names[total], names[pair[0]], names[pair[1]], decimals[total])
        for pair, totals in possible
        for total in totals
        if _is_total(values[total], values[pair[0]], values[pair[1]], decimals[total])
    )


def _unbroken(
    values: np.ndarray, decimals: list[int | None], possible: list[tuple[tuple[int, int], np.ndarray]]
) -> list[tuple[tuple[int, int], np.ndarray]]:
    """Return the pairs of parts, each with the columns that may be their total after a look at some rows.

    values: (n_columns, n_rows). A row needs to have all three numbers.
    """
    left = []
    half_units = np.array([[half_unit(places)] for places in decimals])
    noises = np.array([[noise(places)] for places in decimals])
    for pair, totals in possible:
        totals = totals[~np.isin(totals, pair)]
        parts, wholes = values[list(pair)], values[totals]
        off = np.abs(wholes - parts.sum(axis=0))
        allowed = half_units[totals] + noises[totals] * np.maximum(np.abs(wholes), np.abs(parts).max(axis=0))
        kept = ~(off > allowed).any(axis=1) & (off <= allowed).any(axis=1)
        if kept.any():
            left.append((pair, totals[kept]))
    return left


def _is_total(total: np.ndarray, first: np.ndarray, second: np.ndarray, decimals: int | None) -> bool:
    """Return whether no row breaks the rule, and why not is more than chance."""
    complete = ~np.isnan(total + first + second)
    total, first, second = total[complete], first[complete], second[complete]
    if len(total) < MIN_ROWS or _broken(total, first, second, decimals).any():
        return False
    allowed = float(np.max(tolerance(decimals, total, first, second)))
    shuffles = ((total, first + second), (first, total - second), (second, total - first))
    return all(_expected(values, others, allowed) >= MIN_EXPECTED for values, others in shuffles)


@np.errstate(over="ignore")
def _broken(total: np.ndarray, first: np.ndarray, second: np.ndarray, decimals: int | None) -> np.ndarray:
    """Return (n_rows,) bool: the rows that have all three numbers, but not as a sum."""
    return np.abs(total - (first + second)) > tolerance(decimals, total, first, second)


def _expected(values: np.ndarray, others: np.ndarray, allowed: float) -> float:
    """Return how many rows would differ by more than allowed if the values were shuffled."""
    drawn, ranked = np.sort(some(values)), np.sort(some(others))
    up_to = np.searchsorted(ranked, drawn + allowed, side="right")
    below = np.searchsorted(ranked, drawn - allowed, side="left")
    return float(len(values) * (1 - (up_to - below).mean() / len(ranked)))
