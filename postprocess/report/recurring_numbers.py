"""Numbers as people write them: values that recur, round numbers and endings such as .99, which bins do not see."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from postprocess.data.formats import EXACT_WHOLE
from postprocess.rules.numbers import is_number

DECIMALS = 6  # of the figures
MAX_DECIMALS = 6  # of a number; a number with more of them has no ending
FEW_VALUES = 20  # a column of so few distinct values is seen value by value in the tables
RECURS = 0.02  # the share of the rows from which on a value recurs
MIN_RECURRENCES = 10  # in small data, 2 % is chance
TOP_VALUES = 5  # that are looked at together
STEPS = sorted({int(lead * 10**power) for lead in (1, 2, 2.5, 5) for power in range(1, 13)} | {2, 5})
ENDINGS = (10, 100)  # steps of which each remainder counts: the last digit, the last two digits
OVER_CHANCE = 2  # an ending recurs if it is so many times as frequent as by chance,
SIGMAS = 5  # by so many standard deviations,
MIN_NUMBERS = 5  # in so many distinct numbers; else it is these numbers that recur
MAX_COLUMNS = 20  # that are listed


def in_units(values: pd.Series, decimals: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the digits of numbers that are written with so many decimals: 1.5 with two decimals is 150.

    values: Int64 (then decimals is 0) or float64. Returns (n,) int64 digits without the sign, and (n,) bool: which
    numbers need no more decimals. The digits of the others, and of missing values, mean nothing.
    """
    if pd.api.types.is_integer_dtype(values.dtype):
        whole = values.fillna(0).to_numpy(np.int64)
        return np.abs(np.maximum(whole, -np.iinfo(np.int64).max)), values.notna().to_numpy()
    numbers = np.abs(values.to_numpy(np.float64))
    writable = numbers < EXACT_WHOLE / 10**decimals
    numbers = np.where(writable, numbers, 0)
    units = np.rint(numbers * 10**decimals)
    return units.astype(np.int64), writable & (units / 10**decimals == numbers)


def decimals_of(values: pd.Series) -> int:
    """Return the fewest decimals that suffice to write all finite numbers, but at most MAX_DECIMALS."""
    if pd.api.types.is_integer_dtype(values.dtype):
        return 0
    finite = values[np.isfinite(values)]
    return next((n for n in range(MAX_DECIMALS) if in_units(finite, n)[1].all()), MAX_DECIMALS)


@dataclass(frozen=True)
class _Values:
    """The most frequent values of a column."""

    values: pd.Index

    def __str__(self) -> str:
        return "the most frequent value" if len(self.values) == 1 else f"the {len(self.values)} most frequent values"

    def holds(self, numbers: pd.Series) -> np.ndarray:
        return numbers.isin(self.values).to_numpy(bool)


@dataclass(frozen=True)
class _Ending:
    """The numbers whose digits, with so many decimals, leave this remainder if they are divided by `step`."""

    decimals: int
    step: int
    remainder: int

    def __str__(self) -> str:
        if not self.remainder:
            step = Decimal(self.step).scaleb(-self.decimals)
            return "whole numbers" if step == 1 else f"multiples of {step.normalize():f}"
        digits = str(self.remainder).zfill(len(str(self.step)) - 1)
        if self.decimals > len(digits):
            return f"ends in {digits}, of {self.decimals} decimals"
        point = len(digits) - self.decimals
        return f"ends in {digits[:point]}.{digits[point:]}" if self.decimals else f"ends in {digits}"

    def holds(self, numbers: pd.Series) -> np.ndarray:
        units, exact = in_units(numbers, self.decimals)
        return exact & (units % self.step == self.remainder)


def recurring(training: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Return which numbers or endings recur in the training data, and their shares in all frames, as plain values.

    Of each column, it is the most frequent values or the most frequent ending, whichever the result misses most. The
    shares are those of the cells that are not missing. others: "result" and any other frames with the same columns.
    """
    rows = []
    for name, values in training.items():
        found = _patterns(values.dropna()) if is_number(values) else []
        frames = {"training": training} | dict(others)
        of_column = [
            {"column": name, "description": str(each)}
            | {role: _share(each.holds(frame[name].dropna())) for role, frame in frames.items()}
            for each in found
        ]
        rows += sorted(of_column, key=_difference)[-1:]
    rows.sort(key=_difference, reverse=True)
    return {
        "largest_difference": round(_difference(rows[0]), DECIMALS) if rows else 0.0,
        "columns": rows[:MAX_COLUMNS],
    }


def _difference(row: Mapping[str, Any]) -> float:
    return float(abs(row["training"] - row["result"]))


def _share(held: np.ndarray) -> float:
    return round(float(held.mean()), DECIMALS) if len(held) else 0.0


def _patterns(numbers: pd.Series) -> list[_Values | _Ending]:
    """Return the values and the ending that recur in the numbers of a column, none of which is missing."""
    counts = numbers.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    if len(counts) <= FEW_VALUES:
        return []
    frequent = counts.index[counts >= max(RECURS * len(numbers), MIN_RECURRENCES)][:TOP_VALUES]
    ending = _ending(counts, decimals_of(counts.index.to_series()))
    return ([_Values(frequent)] if len(frequent) else []) + ([ending] if ending else [])


def _ending(counts: pd.Series, decimals: int) -> _Ending | None:
    """Return the ending that exceeds chance by the largest share of the numbers; counts: of the distinct numbers.

    Its most frequent number does not count, so that a single number is no ending. Chance is the standard deviation of
    distinct numbers that each have an ending at random and come as often as they do.
    """
    units, exact = in_units(counts.index.to_series(), decimals)
    total, weights = int(counts.sum()), counts.to_numpy(np.float64)
    units, squares, weights = units[exact], float(np.square(weights).sum()), weights[exact]
    best, largest = None, 0.0
    for step in STEPS:
        remainders = units % step
        for remainder in range(step) if step in ENDINGS else (0,):
            own = weights[remainders == remainder]
            if len(own) < MIN_NUMBERS:
                continue
            first, expected = own.max(), (total - own.max()) / step
            spread = np.sqrt((squares - first**2) / step)
            if own.sum() - first < max(OVER_CHANCE * expected, expected + SIGMAS * spread, MIN_RECURRENCES):
                continue
            excess = own.sum() / total - 1 / step
            if excess > largest:
                best, largest = _Ending(decimals, step, remainder), excess
    return best
