"""Rules that the user gives as expressions, such as `total == price * quantity`."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pandas as pd

from postprocess.rules.evaluation import Evaluation
from postprocess.rules.expressions import Expression, RuleError, parse
from postprocess.rules.numbers import decimals_of, is_number, with_numbers
from postprocess.rules.values import NUMBER, alike, of_column
from postprocess.runtime.exits import InputError

SHOWN_LENGTH = 80  # characters of a rule that a message repeats


@dataclass(frozen=True)
class Given:
    """An expression of columns that is not false in any row; it may be missing, as in a CHECK of SQL.

    decimals: of the columns of numbers in the training data. repaired: the column that the expression says to be equal
    to something computed from other columns.
    """

    text: str
    decimals: tuple[tuple[str, int | None], ...] = ()
    repaired: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in the expression, from left to right."""
        expression = parse(self.text)
        return expression.columns_of(expression.tree)

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Return (n_rows,) bool: the rows in which the expression is not false."""
        expression = parse(self.text)
        with np.errstate(all="ignore"):
            truth = Evaluation(expression, frame, dict(self.decimals)).truth(expression.tree)
        return truth.to_numpy(bool, na_value=True)

    def repair(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with the computed value in the rows that break the rule.

        Missing values of the column stay missing, and nothing is written if the computed value is missing.
        """
        if self.repaired is None:
            return frame
        expression = parse(self.text)
        broken = ~self.holds(frame)
        column, rows = frame[self.repaired], frame[broken]
        decimals = dict(self.decimals)
        with np.errstate(all="ignore"):
            computed = Evaluation(expression, rows, decimals).value(_computed_side(expression, self.repaired))
        _, computed = alike(of_column(rows[self.repaired], self.repaired), computed)
        if computed.kind == NUMBER and not (column.dtype.kind == "i" and computed.is_whole):
            floats = np.broadcast_to(computed.floats(), len(rows))
            repaired = with_numbers(column, broken, floats, decimals[self.repaired])
        else:
            repaired = column.copy()
            values = computed.data
            repaired.iloc[np.flatnonzero(broken)] = values.array if isinstance(values, pd.Series) else values
        return frame.assign(**{self.repaired: repaired})

    def without_repair(self) -> "Given":
        """Return the same rule without its repair."""
        return replace(self, repaired=None)


def parse_rules(texts: Sequence[str], frame: pd.DataFrame) -> tuple[Given, ...]:
    """Return the rules of some texts, each once.

    frame: the training data, typed as `read_typed` returns it. Some of its rows may break a rule, but not all.

    Raises InputError, with the text and what to do, if one of them cannot be used.
    """
    if isinstance(texts, str):
        raise InputError(f"rules={_shown(texts)}: not a list of rules; write it in brackets, as in ['price >= amount']")
    return tuple(_parse_rule(text, frame) for text in dict.fromkeys(texts))


def _parse_rule(text: str, frame: pd.DataFrame) -> Given:
    if not isinstance(text, str):
        raise InputError(f"rules={_shown(text)}: not a text; write each rule in quotes, as in 'price >= amount'")
    try:
        expression = parse(text)
        names = [name for name in expression.columns_of(expression.tree) if name in frame]
        decimals = {name: decimals_of(frame[name]) for name in names if is_number(frame[name])}
        rule = Given(text.strip(), tuple(decimals.items()), _repaired(expression))
        kept = rule.holds(frame)
    except RuleError as error:
        raise InputError(f"rules={_shown(text)}: {error}") from None
    if len(kept) and not kept.any():
        raise InputError(f"rules={_shown(text)}: false in all rows of the training data; correct or remove the rule")
    return rule


def _repaired(expression: Expression) -> str | None:
    """Return the column that a rule `column == expression` gives in terms of other columns, the left one first."""
    match expression.tree:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            for side, other in ((left, right), (right, left)):
                column = expression.column(side)
                if column is not None and column not in expression.columns_of(other):
                    return column
    return None


def _computed_side(expression: Expression, repaired: str) -> ast.expr:
    """Return the other side of a rule `repaired == expression`."""
    comparison = cast(ast.Compare, expression.tree)
    right = comparison.comparators[0]
    return right if expression.column(comparison.left) == repaired else comparison.left


def _shown(text: object) -> str:
    """Return a text as a message repeats it, in one line."""
    shown = repr(text)
    return shown if len(shown) <= SHOWN_LENGTH else f"{shown[:SHOWN_LENGTH]}..."
