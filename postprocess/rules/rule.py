"""What a rule is, and a sequence of rules whose repairs do not undo each other."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd


class Rule(Protocol):
    """Something that holds in every row of the training data. Frames are typed as `read_typed` returns them."""

    @property
    def text(self) -> str:
        """How the rule is shown, such as `dep_time <= arr_time`."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the rule speaks of."""

    @property
    def repaired(self) -> str | None:
        """The column that `repair` writes; None if the rule has no repair."""

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Return (n_rows,) bool: the rows that keep the rule. The frame may have more columns."""

    def repair(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with another value of the column `repaired` in the rows that break the rule.

        The frame itself stays as it is. A rule without a repair returns it.
        """

    def without_repair(self) -> "Rule":
        """Return the same rule without its repair."""


@dataclass(frozen=True)
class Rules:
    """A sequence of rules. Their repairs are applied in this order (see `in_repair_order`)."""

    rules: tuple[Rule, ...] = ()

    def __len__(self) -> int:
        return len(self.rules)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of the rules."""
        return tuple(rule.text for rule in self.rules)

    @property
    def repairing(self) -> tuple[str, ...]:
        """The texts of the rules that have a repair."""
        return tuple(rule.text for rule in self.rules if rule.repaired is not None)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that any rule speaks of, in the order of the rules."""
        return tuple(dict.fromkeys(column for rule in self.rules for column in rule.columns))

    def repair(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
        """Return the repaired frame, and for each rule with a repair, by its text, the rows that were broken before."""
        counts = {}
        for rule in self.rules:
            if rule.repaired is not None:
                counts[rule.text] = int(np.count_nonzero(~rule.holds(frame)))
                frame = rule.repair(frame)
        return frame, counts

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Return (n_rules, n_rows) bool: which row keeps which rule."""
        kept = np.ones((len(self), len(frame)), dtype=bool)
        for row, rule in zip(kept, self.rules, strict=True):
            row[:] = rule.holds(frame)
        return kept


def in_repair_order(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return all rules, ordered so that no repair changes a column that an earlier one has read.

    Rules that come first take precedence: a later rule loses its repair if it would write a column that has a repair
    already, or if the repairs would run in a circle. The rules without a repair come last.
    """
    writer: dict[str, Rule] = {}
    others = []
    for rule in rules:
        column = rule.repaired
        if column is None:
            others.append(rule)
        elif column in writer or column in _sources(rule, writer):
            others.append(rule.without_repair())
        else:
            writer[column] = rule
    ordered: dict[str, Rule] = {}
    while writer:
        free = [column for column, rule in writer.items() if not (set(rule.columns) - {column}) & writer.keys()]
        ordered |= {column: writer.pop(column) for column in free}
    return (*ordered.values(), *others)


def _sources(rule: Rule, writer: dict[str, Rule]) -> set[str]:
    """Return the columns that decide, directly or by other repairs, what the rule writes."""
    found: set[str] = set()
    waiting = [column for column in rule.columns if column != rule.repaired]
    while waiting:
        column = waiting.pop()
        if column not in found:
            found.add(column)
            if column in writer:
                waiting += [source for source in writer[column].columns if source != column]
    return found
