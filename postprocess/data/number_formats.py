"""The formats of numbers: whole ones, and those with decimals."""

import re
from dataclasses import dataclass
from decimal import Decimal
from math import isfinite
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.format_values import as_text, is_text, parse_each

MAX_DIGITS = 76  # of Arrow's widest decimal type
EXACT_WHOLE = 2.0**53  # whole numbers below this are exact in float64
NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)", re.IGNORECASE | re.ASCII)

DECIMAL_COMMA = r"(?i)^\s*[+-]?(\d+,\d*|,\d+)(e[+-]?\d+)?\s*$"

_CANONICAL_WHOLE = r"^(0|-?[1-9]\d{0,17})$"
_ANY_WHOLE = r"^\s*[+-]?(0|[1-9]\d{0,17})\s*$"


@dataclass(frozen=True)
class Integers:
    """Whole numbers, exact within 64 bits. Other numbers are rounded. Infinite and larger numbers count as missing."""

    canonical: bool = True  # the training data has no plus signs, and no blanks around its numbers
    type: ClassVar[pa.DataType] = pa.int64()
    decimal_mark: ClassVar[str] = "."  # of other numbers, before they are rounded

    def parse(self, values: pa.Array) -> pa.Array:
        """Return int64 numbers, null if missing or `_RARE_`.

        Raises FormatError if a value is not a number.
        """
        is_hexadecimal = is_text(values) and pc.any(pc.match_substring(values, "x", ignore_case=True)).as_py()
        if (is_text(values) or pa.types.is_integer(values.type)) and not is_hexadecimal:  # Arrow reads 0x1F as 31
            try:
                return values.cast(self.type)
            except pa.ArrowInvalid:
                pass
        floats = _parse_floats(values).to_numpy(zero_copy_only=False)
        present = ~np.isnan(floats)
        if not np.all(np.abs(floats[present]) < EXACT_WHOLE):
            return parse_each(as_text(values), _parse_whole, self.type, "a number")
        return pa.array(np.rint(np.where(present, floats, 0)).astype(np.int64), mask=~present)

    def write(self, numbers: pa.Array) -> pa.Array:
        """Return int64 numbers as text, null if missing."""
        return numbers.cast(pa.string())

    def conforms(self, texts: pa.Array) -> pa.Array:
        """Return which texts are whole numbers, and canonical ones if the training data's are canonical."""
        return pc.match_substring_regex(texts, _CANONICAL_WHOLE if self.canonical else _ANY_WHOLE)


@dataclass(frozen=True)
class Decimals:
    """Numbers with at least `min_decimals` decimals and at most `max_decimals` (None: all that the value needs).

    decimal_mark: a point or a comma.
    """

    min_decimals: int = 0
    max_decimals: int | None = None
    decimal_mark: str = "."
    type: ClassVar[pa.DataType] = pa.float64()

    def parse(self, values: pa.Array) -> pa.Array:
        """Return float64 numbers, null if missing or `_RARE_`.

        Typed values are rounded to `max_decimals`, as they will be written. Text keeps all of its decimals. If the
        decimal mark is a comma, text with a point is a number as well.

        Raises FormatError if a value is not a number.
        """
        decimals = self.max_decimals
        if self.decimal_mark == "," and is_text(values):
            values = with_points(values)
        if pa.types.is_decimal(values.type) and decimals is not None and values.type.scale > decimals:
            values = pc.round(widest(values), ndigits=decimals, round_mode="half_to_even")
        numbers = _parse_floats(values)
        if decimals is None or not pa.types.is_floating(values.type):
            return numbers
        floats = numbers.to_numpy(zero_copy_only=False)
        roundable = np.abs(floats) < EXACT_WHOLE / 10**decimals
        rounded = np.round(np.where(roundable, floats, 0), decimals)
        return pa.array(np.where(roundable, rounded, floats), from_pandas=True)

    def write(self, numbers: pa.Array) -> pa.Array:
        """Return numbers, floats or Arrow's decimals, as text, null if missing."""
        distinct = numbers.dictionary_encode()
        texts = pa.array([self._text(number) for number in distinct.dictionary.to_pylist()], pa.string())
        return texts.take(distinct.indices)

    def conforms(self, texts: pa.Array) -> pa.Array:
        """Return which texts have enough decimals. Exponents and infinities conform as well."""
        mark = f"[{self.decimal_mark}]"
        any_number = rf"[\d{self.decimal_mark}]+"
        decimals = rf"\d*{mark}\d{{{self.min_decimals},}}" if self.min_decimals else any_number
        return pc.match_substring_regex(texts, rf"(?i)^\s*[+-]?({decimals}|{any_number}e[+-]?\d+|inf|infinity)\s*$")

    def _text(self, number: float | Decimal) -> str:
        if self.max_decimals is not None:
            text = f"{number:.{self.max_decimals}f}"
        else:
            text = repr(number) if isinstance(number, float) else f"{number:f}"
        if not text.strip("-0."):
            text = text.removeprefix("-")  # no -0.0
        if "e" in text or not isfinite(number):
            return text.replace(".", self.decimal_mark)
        whole, _, decimals = text.partition(".")
        decimals = decimals.rstrip("0").ljust(self.min_decimals, "0")
        return f"{whole}{self.decimal_mark}{decimals}" if decimals else whole


def with_points(texts: pa.Array) -> pa.Array:
    """Return texts; numbers with a decimal comma get a decimal point instead."""
    return pc.if_else(pc.match_substring_regex(texts, DECIMAL_COMMA), pc.replace_substring(texts, ",", "."), texts)


def widest(decimals: pa.Array) -> pa.Array:
    """Return decimals of Arrow's widest type: rounding never overflows it, and Arrow has all operations for it."""
    return decimals.cast(pa.decimal256(MAX_DIGITS, decimals.type.scale))


def _parse_floats(values: pa.Array) -> pa.Array:
    """Return float64 numbers, null if missing, `_RARE_` or not-a-number."""
    if pa.types.is_float32(values.type) or pa.types.is_decimal(values.type):
        # by way of text: 0.1 stays 0.1 and does not become 0.10000000149011612; Arrow's cast of decimals is inexact
        values = values.cast(pa.string()).cast(pa.float64())
    if pa.types.is_floating(values.type):
        return pa.array(values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False), from_pandas=True)
    if not pa.types.is_temporal(values.type):
        try:
            numbers = values.cast(pa.float64(), safe=False)
            if not (is_text(values) and pc.any(pc.is_nan(numbers)).as_py()):
                return numbers
        except pa.ArrowInvalid:
            pass
    return parse_each(as_text(values), _parse_number, pa.float64(), "a number")


def _parse_number(text: str) -> float:
    if not NUMBER.fullmatch(text):
        raise ValueError
    return float(text)


def _parse_whole(text: str) -> int | None:
    number = Decimal(text)
    whole = int(number.to_integral_value()) if number.is_finite() and number.adjusted() < 20 else 2**63
    return whole if -(2**63) <= whole < 2**63 else None
