"""Pairs of shares that are compared by bars, one pair a line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_PATTERN_NAMES = 12  # columns of a pattern that are named


@dataclass(frozen=True)
class Pair:
    """Two shares with one name. widths: of their bars, in percent of the longest bar."""

    name: str
    shares: tuple[float, float]
    widths: tuple[float, float]


def bars_of_column(table: Mapping) -> list[Pair]:
    """Return the bins of a column that any row has: the original's shares and the result's."""
    pairs = _pairs(table["bins"][0], shares_of(table["original"]), shares_of(table["synthetic"]))
    return [pair for pair in pairs if any(pair.shares)]


def bars_of_origin(origin: Mapping) -> list[Pair]:
    """Return the parts of the pool: their shares of the pool and of the result."""
    parts = origin["parts"]
    names = [f"{origin['parts_are']} {part['name']}" for part in parts]
    in_pool, chosen = ([part[key] for part in parts] for key in ("pool_rows", "chosen_rows"))
    return _pairs(names, shares_of(in_pool), shares_of(chosen))


def bars_of_missing(summary: Mapping) -> list[Pair]:
    """Return the most frequent patterns of missing values: their shares of the original and of the result."""
    patterns = summary["missing"]["most_frequent"]
    names = [_pattern_name(pattern["columns"]) for pattern in patterns]
    original, synthetic = (
        [pattern[side] / max(summary[role]["rows"], 1) for pattern in patterns]
        for side, role in (("original", "training"), ("synthetic", "result"))
    )
    return _pairs(names, original, synthetic)


def shares_of(counts: Sequence[float]) -> list[float]:
    """Return counts over their sum; zeros if the sum is zero."""
    total = sum(counts) or 1
    return [count / total for count in counts]


def _pattern_name(columns: Sequence[str]) -> str:
    if not columns:
        return "nothing missing"
    more = len(columns) - MAX_PATTERN_NAMES
    return ", ".join(columns[:MAX_PATTERN_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def _pairs(names: Sequence[str], first: Sequence[float], second: Sequence[float]) -> list[Pair]:
    longest = max(*first, *second) or 1
    return [
        Pair(name, (before, after), (round(100 * before / longest, 1), round(100 * after / longest, 1)))
        for name, before, after in zip(names, first, second, strict=True)
    ]
