"""Sequences of rules, and the order of their repairs."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from postprocess.rules.rule import Rules, in_repair_order
from tests.postprocess.rules.frames import typed


@dataclass(frozen=True)
class _Follows:
    """The column is one more than its source."""

    column: str
    source: str
    repairs: bool = True

    @property
    def text(self) -> str:
        return f"{self.column} = {self.source} + 1"

    @property
    def columns(self) -> tuple[str, ...]:
        return self.column, self.source

    @property
    def repaired(self) -> str | None:
        return self.column if self.repairs else None

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        return (frame[self.column] == frame[self.source] + 1).to_numpy()

    def repair(self, frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(**{self.column: frame[self.source] + 1})

    def without_repair(self) -> "_Follows":
        return replace(self, repairs=False)


def test_repairs_follow_each_other_and_count_the_broken_rows():
    frame = pd.DataFrame({"a": [1, 1, 1], "b": [2, 5, 2], "c": [3, 3, 4]})
    rules = Rules(in_repair_order([_Follows("c", "b"), _Follows("b", "a")]))
    assert [rule.text for rule in rules.rules] == ["b = a + 1", "c = b + 1"]
    repaired, counts = rules.repair(frame)
    assert counts == {"b = a + 1": 1, "c = b + 1": 1}
    assert repaired.to_numpy().tolist() == [[1, 2, 3]] * 3
    assert rules.holds(frame).tolist() == [[True, False, True], [True, False, False]]
    assert rules.holds(repaired).all()
    assert frame["b"].tolist() == [2, 5, 2]


def test_a_column_is_written_by_one_rule_and_never_in_a_circle():
    rules = in_repair_order([_Follows("b", "a"), _Follows("c", "b"), _Follows("a", "c"), _Follows("c", "x")])
    assert [(rule.text, rule.repaired) for rule in rules] == [
        ("b = a + 1", "b"),
        ("c = b + 1", "c"),
        ("a = c + 1", None),
        ("c = x + 1", None),
    ]


def test_a_longer_circle_is_open_as_well():
    chain = [_Follows(b, a) for a, b in zip("abcd", "bcde", strict=True)]
    rules = in_repair_order([*reversed(chain), _Follows("a", "e")])
    assert [rule.repaired for rule in rules] == ["b", "c", "d", "e", None]


def test_no_rules():
    frame = typed({"whole": [1, None]})
    assert not Rules() and Rules().columns == ()
    assert Rules().holds(frame).shape == (0, 2)
    repaired, counts = Rules().repair(frame)
    assert repaired is frame and counts == {}


def test_columns_come_in_the_order_of_the_rules():
    assert Rules((_Follows("c", "b"), _Follows("b", "a"))).columns == ("c", "b", "a")
