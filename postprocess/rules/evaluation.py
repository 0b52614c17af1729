"""Computes an expression for each row of a frame. It knows a short list of operations and refuses anything else.

Missing values make a part of the expression missing, and so does a division by zero. `and`, `or` and `not` follow the
three-valued logic of SQL: `missing or true` is true, and `missing and false` is false.
"""

import ast
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from postprocess.rules.expressions import Expression, RuleError
from postprocess.rules.numbers import rounded
from postprocess.rules.values import (
    COMPARISONS,
    DATE,
    NUMBER,
    TEXT,
    TRUTH,
    Value,
    compare,
    of_column,
    of_literal,
    of_truth,
)
from postprocess.runtime.suggestions import question

MAX_EXPONENT, MAX_PLACE, MAX_ROUNDED = 10, 10_000, 15
ARITHMETIC: dict[type[ast.operator], Any] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.mod,
    ast.Pow: np.power,
}
CHANGED_TEXTS = ("lower", "upper", "strip")
SEARCHED_TEXTS = ("startswith", "endswith", "contains")
DATE_PARTS = {name: name for name in ("year", "month", "day", "dayofweek", "hour", "minute")} | {
    "dayofweek": "day_of_week"
}
ALLOWED = (
    "allowed are columns, numbers, texts, + - * / // % **, comparisons, in, and, or, not, and x.isna(), notna(), "
    "isin([...]), between(a, b), abs(), round(n), "
    f"x.str.len(), {', '.join(f'{name}()' for name in (*CHANGED_TEXTS, *SEARCHED_TEXTS))}, slice(i, j), x.str[0], "
    f"x.dt.{', '.join((*DATE_PARTS, 'date'))}"
)


class Evaluation:
    """Computes parts of an expression for the rows of a frame. decimals: of the columns of numbers, as trained."""

    def __init__(self, expression: Expression, frame: pd.DataFrame, decimals: Mapping[str, int | None]) -> None:
        self.expression, self.decimals = expression, decimals
        self.frame = frame.reset_index(drop=True)

    def truth(self, node: ast.expr) -> pd.arrays.BooleanArray:
        """Return whether a part is true: (n_rows,), missing if that depends on missing values.

        Raises RuleError if the part is not true or false for each row, or if an operation is not allowed.
        """
        value = self.value(node)
        if value.kind != TRUTH or value.is_scalar:
            gives = "is the same for all rows" if value.is_scalar else f"gives {value.kind}"
            raise RuleError(f"{value.shown} {gives}, not true or false for each row; compare it, as in price >= 1")
        return value.data

    def value(self, node: ast.expr) -> Value:
        """Return the values of a part.

        Raises RuleError if it cannot be computed.
        """
        match node:
            case ast.Name():
                return self._column(node)
            case ast.Constant(value=literal):
                return of_literal(literal)
            case ast.BoolOp(op=op, values=parts):
                return self._joined(isinstance(op, ast.And), parts)
            case ast.BinOp(left=left, op=ast.BitAnd() | ast.BitOr() as op, right=right):
                return self._joined(isinstance(op, ast.BitAnd), [left, right])
            case ast.UnaryOp(op=ast.Not() | ast.Invert(), operand=operand):
                return Value(TRUTH, ~self._part_truth(operand), "a negation")
            case ast.UnaryOp(op=sign, operand=operand):
                return self._signed(sign, self.value(operand))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in ARITHMETIC:
                return self._computed(self.value(left), type(op), self.value(right))
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self._compared(self.value(left), ops, others)
            case ast.Call(func=ast.Attribute(value=ast.Attribute(value=of, attr="str"), attr=method), keywords=[]):
                return self._text_method(self._rows(of, TEXT, ".str"), method, node.args)
            case ast.Call(func=ast.Attribute(value=of, attr=method), keywords=[]):
                return self._method(of, method, node.args)
            case ast.Subscript(value=ast.Attribute(value=of, attr="str"), slice=place):
                return self._text_at(self._rows(of, TEXT, ".str"), place)
            case ast.Attribute(value=ast.Attribute(value=of, attr="dt"), attr=part):
                return self._date_part(self._rows(of, DATE, ".dt"), part)
        raise _refusal(node)

    def _column(self, node: ast.Name) -> Value:
        name = self.expression.columns.get(node.id, node.id)
        if name not in self.frame:
            raise RuleError(f"{name!r} is not a column of the training data{question(name, tuple(self.frame))}")
        return of_column(self.frame[name], name)

    def _rows(self, node: ast.expr, kind: str | None, purpose: str) -> Value:
        """Return the values of a part that differs from row to row."""
        value = self.value(node)
        if kind is not None:
            value.required(kind, purpose)
        if value.is_scalar:
            raise RuleError(f"{purpose} needs a column, and {value.shown} is the same for all rows")
        return value

    def _part_truth(self, node: ast.expr) -> pd.arrays.BooleanArray:
        purpose = "and, or, not, &, | and ~ join comparisons in parentheses, as in (a > 1) & (b < 2); each"
        return self._rows(node, TRUTH, purpose).data

    def _joined(self, every: bool, parts: list[ast.expr]) -> Value:
        joined, *others = map(self._part_truth, parts)
        for other in others:
            joined = joined & other if every else joined | other
        return Value(TRUTH, joined, "a condition")

    def _signed(self, sign: ast.unaryop, value: Value) -> Value:
        value.required(NUMBER, "a sign")
        if isinstance(sign, ast.UAdd):
            return Value(NUMBER, value.data, value.shown)
        if value.is_scalar:
            return Value(NUMBER, -value.data, f"-{value.shown}")
        return Value(NUMBER, -value.floats(), "a negative")

    def _computed(self, left: Value, op: type[ast.operator], right: Value) -> Value:
        purpose = "arithmetic"
        left, right = left.required(NUMBER, purpose), right.required(NUMBER, purpose)
        if op is ast.Pow and not (right.is_scalar and abs(right.data) <= MAX_EXPONENT):
            raise RuleError(f"after **, only a number from -{MAX_EXPONENT} to {MAX_EXPONENT} is allowed")
        numbers = ARITHMETIC[op](left.floats(), right.floats())
        numbers = np.where(np.isfinite(numbers), numbers, np.nan)
        return Value(NUMBER, float(numbers) if numbers.ndim == 0 else numbers, "a computed number")

    def _compared(self, left: Value, ops: list[ast.cmpop], others: list[ast.expr]) -> Value:
        """Return a comparison, or a chain of them. Each part is computed once: twice would double with each depth."""
        joined = None
        for place, (op, node) in enumerate(zip(ops, others, strict=True), start=1):
            if isinstance(op, ast.In | ast.NotIn):
                result = self._among(left, node)
                result = ~result if isinstance(op, ast.NotIn) else result
                left = left if place == len(ops) else self.value(node)
            elif type(op) in COMPARISONS:
                right = self.value(node)
                result, left = self._two_compared(left, type(op), right), right
            else:
                raise RuleError("'is' is not allowed; write == or x.isna()")
            joined = result if joined is None else joined & result
        return Value(TRUTH, joined, "a comparison")

    def _two_compared(self, left: Value, op: type[ast.cmpop], right: Value) -> pd.arrays.BooleanArray:
        if left.is_scalar and right.is_scalar:
            raise RuleError(f"{left.shown} and {right.shown} are the same for all rows; compare a column")
        column = right.column if left.column is None else left.column
        return compare(left, op, right, self.decimals.get(column or "")).data

    def _among(self, value: Value, node: ast.expr) -> pd.arrays.BooleanArray:
        """Return whether each value is one of a list."""
        if not isinstance(node, ast.List | ast.Tuple | ast.Set) or not node.elts:
            raise RuleError(
                "in and isin need a list of values, such as ['a', 'b']; for a part of a text, write x.str.contains('a')"
            )
        if value.is_scalar:
            raise RuleError(f"in and isin need a column, and {value.shown} is the same for all rows")
        listed = [self._scalar(element) for element in node.elts]
        found = [compare(value, ast.Eq, element, None).data for element in listed]
        joined = found[0]
        for other in found[1:]:
            joined = joined | other
        return joined

    def _scalar(self, node: ast.expr) -> Value:
        value = self.value(node)
        if not value.is_scalar:
            raise RuleError(f"{value.shown} is not the same for all rows; write a number or a text in quotes")
        return value

    def _method(self, of: ast.expr, method: str, arguments: list[ast.expr]) -> Value:
        match method, arguments:
            case "isna" | "notna", []:
                value = self._rows(of, None, f".{method}()")
                missing = value.missing()
                return of_truth(missing if method == "isna" else ~missing, np.zeros_like(missing), "a comparison")
            case "isin", [listed]:
                return Value(TRUTH, self._among(self.value(of), listed), "a comparison")
            case "between", [low, high]:
                return self._compared(self.value(low), [ast.LtE(), ast.LtE()], [of, high])
            case "abs", []:
                return Value(NUMBER, np.abs(self._rows(of, NUMBER, ".abs()").floats()), "a computed number")
            case "round", [] | [_]:
                decimals = self._whole(arguments[0], MAX_ROUNDED) if arguments else 0
                numbers = rounded(self._rows(of, NUMBER, ".round()").floats(), decimals)
                return Value(NUMBER, numbers, "a rounded number")
        raise RuleError(f".{method}() is not allowed like this; {ALLOWED}")

    def _text_method(self, text: Value, method: str, arguments: list[ast.expr]) -> Value:
        texts = text.data.str
        match method, arguments:
            case "len", []:
                return Value(NUMBER, texts.len().to_numpy(np.float64, na_value=np.nan), "a length")
            case "lower" | "upper" | "strip", []:
                return Value(TEXT, getattr(texts, method)(), "a computed text")
            case "startswith" | "endswith", [part]:
                found = getattr(texts, method)(self._scalar(part).required(TEXT, f".{method}()").data)
                return of_truth(found.fillna(False), text.missing(), "a comparison")
            case "contains", [part]:
                found = texts.contains(self._scalar(part).required(TEXT, ".contains()").data, regex=False)
                return of_truth(found.fillna(False), text.missing(), "a comparison")
            case "slice", [_] | [_, _]:
                return Value(TEXT, texts.slice(*(self._whole(place, MAX_PLACE) for place in arguments)), "a part")
        raise RuleError(f".str.{method}() is not allowed like this; {ALLOWED}")

    def _text_at(self, text: Value, place: ast.expr) -> Value:
        if not isinstance(place, ast.Slice):
            return Value(TEXT, text.data.str.get(self._whole(place, MAX_PLACE)), "a letter")
        if place.step is not None:
            raise RuleError("x.str[i:j] takes two numbers at most")
        ends = (None if end is None else self._whole(end, MAX_PLACE) for end in (place.lower, place.upper))
        return Value(TEXT, text.data.str.slice(*ends), "a part of a text")

    def _whole(self, node: ast.expr, limit: int) -> int:
        """Return a whole number that is written in the expression."""
        number = self._scalar(node).data
        if type(number) is not int or abs(number) > limit:
            raise RuleError(f"{ast.unparse(node)[:40]} is not a whole number up to {limit:,}")
        return number

    def _date_part(self, date: Value, part: str) -> Value:
        if part == "date":
            return Value(DATE, date.data.dt.normalize(), "a date")
        if part not in DATE_PARTS:
            raise RuleError(f".dt.{part} is not allowed; {ALLOWED}")
        return Value(NUMBER, getattr(date.data.dt, DATE_PARTS[part]).to_numpy(np.float64), f"the {part}")


def _refusal(node: ast.expr) -> RuleError:
    """Return why a part is refused that has no meaning here."""
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return RuleError("a list is only allowed after in and in isin(); compare a column with one value")
    shown = " ".join(ast.unparse(node).split())
    return RuleError(f"{shown if len(shown) <= 40 else shown[:40] + '...'} is not allowed; {ALLOWED}")
