"""Two numbers or two dates of which one is never greater than the other."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from postprocess.rules.evidence import MIN_EXPECTED, samples, some
from postprocess.rules.numbers import as_floats, is_date, is_number

MIN_SHARE = 0.02  # of the rows that would break an order if values were shuffled
Floats = dict[str, np.ndarray]


@dataclass(frozen=True)
class Ordered:
    """The lower column is at most the upper one, or less if `strict`. A row with a missing one keeps the rule."""

    lower: str
    upper: str
    strict: bool = False

    @property
    def text(self) -> str:
        """The rule as in `dep_time <= arr_time`."""
        return f"{self.lower} {'<' if self.strict else '<='} {self.upper}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The lower and the upper column."""
        return self.lower, self.upper

    @property
    def repaired(self) -> str | None:
        """None: either column may be wrong."""
        return None

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Return (n_rows,) bool: the rows that keep the rule."""
        lower, upper = as_floats(frame[self.lower]), as_floats(frame[self.upper])
        return ~(lower >= upper if self.strict else lower > upper)

    def repair(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame."""
        return frame

    def without_repair(self) -> "Ordered":
        """Return the same rule."""
        return self


def find_orders(frame: pd.DataFrame) -> tuple[Ordered, ...]:
    """Return the orders of any two columns of numbers and of any two columns of dates, without those that follow.

    An order is found if no row breaks it and at least MIN_EXPECTED rows would, and the share MIN_SHARE of them, if the
    values of one column were shuffled. So there is none between columns whose ranges do not overlap, or hardly do: any
    correlation keeps those in order. It is strict if at least MIN_EXPECTED shuffled rows would have equal values, and
    no row has.
    """
    found: list[Ordered] = []
    for same_kind in (is_number, is_date):
        floats = {name: as_floats(frame[name]) for name in frame if same_kind(frame[name])}
        orders = [order for pair in _candidates(floats, len(frame)) if (order := _order(floats, *pair)) is not None]
        found += _without_implied(orders, floats)
    return tuple(found)


def _candidates(floats: Floats, n_rows: int) -> list[tuple[str, str]]:
    """Return the pairs of columns, (lower, upper), that no row of a sample breaks and some row supports."""
    if not floats:
        return []
    names = list(floats)
    values = np.stack([floats[name][samples(n_rows)[:2][-1]] for name in names])
    pairs = []
    for lower, row in zip(names, values, strict=True):
        possible = ~(row > values).any(axis=1) & (row < values).any(axis=1)
        pairs += [(lower, names[place]) for place in np.flatnonzero(possible)]
    return pairs


def _order(floats: Floats, lower: str, upper: str) -> Ordered | None:
    both = ~np.isnan(floats[lower]) & ~np.isnan(floats[upper])
    low, high = floats[lower][both], floats[upper][both]
    if np.any(low > high):
        return None
    ranked = np.sort(some(high))
    drawn = np.sort(some(low))
    below, up_to = (np.searchsorted(ranked, drawn, side=side).mean() / len(ranked) for side in ("left", "right"))
    if len(low) * below < MIN_EXPECTED or below < MIN_SHARE:
        return None
    return Ordered(lower, upper, strict=len(low) * (up_to - below) >= MIN_EXPECTED and not np.any(low == high))


def _without_implied(orders: list[Ordered], floats: Floats) -> list[Ordered]:
    """Return the orders that do not follow from two others.

    a <= c follows from a <= b and b <= c only if b is never missing in a row that has a and c.
    """
    strict = {order.columns: order.strict for order in orders}
    present = {name: ~np.isnan(values) for name, values in floats.items()}

    def implied(order: Ordered) -> bool:
        return any(
            (order.lower, between) in strict
            and (between, order.upper) in strict
            and strict[order.lower, between] | strict[between, order.upper] >= order.strict
            and not np.any(present[order.lower] & present[order.upper] & ~present[between])
            for between in floats
        )

    return [order for order in orders if not implied(order)]
