"""The values that expressions are computed with, and how they are compared.

All of them know missing values. A comparison with a missing value is neither true nor false, as in SQL.
"""

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype

from postprocess.rules.expressions import RuleError
from postprocess.rules.numbers import NOISE, is_date, is_number, tolerance

NUMBER, TRUTH, TEXT, DATE = "a number", "true or false", "a text", "a date"
WHOLE_LIMIT = 2**63
Comparison = Callable[[Any, Any], Any]
COMPARISONS: dict[type[ast.cmpop], Comparison] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


@dataclass(frozen=True, eq=False)
class Value:
    """One value for each row, or one for all rows.

    data: of NUMBER, float64 (NaN if missing) or a masked array of Int64; of TRUTH, a masked array of booleans; of TEXT
    and DATE, a series. One value for all rows is a scalar. shown: what a message calls it. column: the column that the
    value is, if it is not computed.
    """

    kind: str
    data: Any
    shown: str
    column: str | None = None

    @property
    def is_scalar(self) -> bool:
        """Whether there is one value for all rows."""
        return bool(np.ndim(self.data) == 0)

    @property
    def is_whole(self) -> bool:
        """Whether the values are whole numbers of 64 bits."""
        return isinstance(self.data, int) if self.is_scalar else getattr(self.data, "dtype", None) == pd.Int64Dtype()

    def missing(self) -> np.ndarray:
        """Return where values are missing: (n_rows,) bool, or one for all rows."""
        return np.asarray(pd.isna(self.data))

    def floats(self) -> np.ndarray:
        """Return numbers as float64, NaN if missing."""
        if isinstance(self.data, pd.api.extensions.ExtensionArray):
            return self.data.to_numpy(np.float64, na_value=np.nan)
        return np.asarray(self.data, dtype=np.float64)

    def required(self, kind: str, purpose: str) -> "Value":
        """Return the value.

        Raises RuleError if it is of another kind.
        """
        if self.kind != kind:
            raise RuleError(f"{purpose} needs {kind}, and {self.shown} is {self.kind}")
        return self


def of_column(column: pd.Series, name: str) -> Value:
    """Return the values of a column."""
    shown = repr(name)
    if is_bool_dtype(column.dtype):
        return Value(TRUTH, column.array, shown, name)
    if is_date(column):
        return Value(DATE, column, shown, name)
    if is_number(column):
        return Value(NUMBER, column.array if column.dtype.kind == "i" else column.to_numpy(), shown, name)
    return Value(TEXT, column, shown, name)


def of_literal(literal: object) -> Value:
    """Return a value for all rows.

    Raises RuleError if it is not a number, a text, True or False, or if it is too large.
    """
    shown = repr(literal)
    if isinstance(literal, bool):
        return Value(TRUTH, literal, shown)
    if isinstance(literal, str):
        return Value(TEXT, literal, shown)
    if isinstance(literal, int | float):
        if abs(literal) >= WHOLE_LIMIT if isinstance(literal, int) else not np.isfinite(literal):
            raise RuleError("one of its numbers is too large; write numbers below 2 ** 63")
        return Value(NUMBER, literal, shown)
    if literal is None:
        raise RuleError("None is not allowed; write x.isna() for a missing value")
    raise RuleError(f"{shown[:40]} is not allowed; write numbers, texts in quotes, True or False")


def of_truth(true: Any, missing: np.ndarray, shown: str) -> Value:
    """Return true or false for each row, from bools and from where they are missing."""
    true, missing = np.broadcast_arrays(np.asarray(true, dtype=bool), missing)
    return Value(TRUTH, pd.arrays.BooleanArray(true.copy(), missing.copy()), shown)


def alike(left: Value, right: Value) -> tuple[Value, Value]:
    """Return both values as of one kind: a text in quotes beside a date is a date.

    Raises RuleError if they cannot be compared.
    """
    if left.kind == DATE and right.kind == TEXT and right.is_scalar:
        right = _date(right)
    if right.kind == DATE and left.kind == TEXT and left.is_scalar:
        left = _date(left)
    if left.kind != right.kind:
        hint = "; leave out the quotes" if NUMBER in (left.kind, right.kind) and _in_quotes(left, right) else ""
        raise RuleError(
            f"{left.shown} is {left.kind} and {right.shown} is {right.kind}, which cannot be compared{hint}"
        )
    return left, right


def compare(left: Value, operation: type[ast.cmpop], right: Value, decimals: int | None) -> Value:
    """Return whether the comparison is true for each row.

    Whole numbers are compared exactly, and others up to the noise of floats. A column that is compared with something
    computed is equal to it up to half a unit of the column's last decimal, as if both were rounded. decimals: of that
    column.

    Raises RuleError if the values cannot be compared.
    """
    left, right = alike(left, right)
    shown = "a comparison"
    if left.kind == TRUTH and operation not in (ast.Eq, ast.NotEq):
        raise RuleError(f"{left.shown} is true or false, which has no order; compare it by == or !=")
    missing = left.missing() | right.missing()
    compared = COMPARISONS[operation]
    if left.kind == NUMBER and not (left.is_whole and right.is_whole):
        return of_truth(_compare_floats(left, operation, right, decimals), missing, shown)
    return of_truth(compared(_filled(left), _filled(right)), missing, shown)


def _compare_floats(left: Value, operation: type[ast.cmpop], right: Value, decimals: int | None) -> np.ndarray:
    x, y = np.broadcast_arrays(left.floats(), right.floats())
    computed = (left.column is None) != (right.column is None) and not (left.is_scalar or right.is_scalar)
    if computed and operation in (ast.Eq, ast.NotEq):
        equal = np.abs(x - y) <= tolerance(decimals, x, y)
    else:
        equal = np.abs(x - y) <= NOISE * np.maximum(np.abs(x), np.abs(y))
    return COMPARISONS[operation](np.where(equal, 0, x - y), 0)


def _date(text: Value) -> Value:
    try:
        return Value(DATE, pd.Timestamp(datetime.fromisoformat(text.data).replace(tzinfo=None)), text.shown)
    except ValueError:
        raise RuleError(f"{text.shown} is not a date; write it as in '2024-12-31' or '2024-12-31 23:59'") from None


def _in_quotes(*values: Value) -> bool:
    return any(value.kind == TEXT and value.is_scalar for value in values)


def _filled(value: Value) -> Any:
    """Return the values in a form that compares at once; missing ones are anything."""
    if isinstance(value.data, pd.Series):
        return value.data.to_numpy() if value.kind == DATE else value.data
    if isinstance(value.data, pd.api.extensions.ExtensionArray):
        return value.data.to_numpy(value.data.dtype.numpy_dtype, na_value=0)
    return value.data.to_datetime64() if isinstance(value.data, pd.Timestamp) else value.data
