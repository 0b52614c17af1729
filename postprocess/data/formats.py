"""Text formats: how the training data writes the values of a column, and how to write other values in the same way.

The result has the training data's formats. A pool that this project makes has them already. A pool from elsewhere may
not: it may be a Parquet file, or a CSV with "5.0" among whole numbers. `to_format` turns typed values into text. In a
CSV it changes only the values that break the format of their column, and all others stay byte for byte. More decimals
than the training data has do not break a format.

A format works on whole Arrow arrays. `parse` turns values of any Arrow type (text from a CSV, typed ones from Parquet)
into values of the format's own type. `write` turns those into text. `conforms` finds the texts that follow the format
already.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

RARE = "_RARE_"  # what a MOSTLY AI generator writes in place of a value too rare to show
MAX_DIGITS = 76  # of Arrow's widest decimal type
EXACT_WHOLE = 2.0**53  # whole numbers below this are exact in float64
NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)", re.IGNORECASE | re.ASCII)

DECIMAL_COMMA = r"(?i)^\s*[+-]?(\d+,\d*|,\d+)(e[+-]?\d+)?\s*$"

_CANONICAL_WHOLE = r"^(0|-?[1-9]\d{0,17})$"
_ANY_WHOLE = r"^\s*[+-]?(0|[1-9]\d{0,17})\s*$"
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_TICKS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6}


class FormatError(ValueError):
    """A value does not fit the format of its column. `index` is the place of the value in its array."""

    def __init__(self, index: int, value: str, expected: str) -> None:
        super().__init__(f"{value!r} is not {expected}")
        self.index = index


@dataclass(frozen=True)
class Integers:
    """Whole numbers, exact within 64 bits. Other numbers are rounded. Infinite and larger numbers count as missing."""

    canonical: bool = True  # the training data has no plus signs, and no blanks around its numbers
    type: ClassVar[pa.DataType] = pa.int64()

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
            return _parse_each(_as_text(values), _parse_whole, self.type, "a number")
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
            values = pc.round(_widest(values), ndigits=decimals, round_mode="half_to_even")
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
        if number == 0:
            number = type(number)()  # no -0.0
        if self.max_decimals is not None:
            text = f"{number:.{self.max_decimals}f}"
        else:
            text = repr(number) if isinstance(number, float) else f"{number:f}"
        if "e" in text or not isfinite(number):
            return text.replace(".", self.decimal_mark)
        whole, _, decimals = text.partition(".")
        decimals = decimals.rstrip("0").ljust(self.min_decimals, "0")
        return f"{whole}{self.decimal_mark}{decimals}" if decimals else whole


@dataclass(frozen=True)
class Booleans:
    """Truth values in the training data's spelling."""

    true: str = "True"
    false: str = "False"
    extra_spellings: tuple[str, ...] = ()  # the other spellings in the training data
    type: ClassVar[pa.DataType] = pa.bool_()

    def parse(self, values: pa.Array) -> pa.Array:
        """Return booleans, null if missing or `_RARE_`. The numbers 1 and 0 count as booleans.

        Raises FormatError if a value is not a boolean.
        """
        if pa.types.is_boolean(values.type):
            return values
        return _parse_each(_as_text(values), _parse_boolean, self.type, "a boolean")

    def write(self, booleans: pa.Array) -> pa.Array:
        """Return booleans as text, null if missing."""
        return pc.if_else(booleans, self.true, self.false)

    def conforms(self, texts: pa.Array) -> pa.Array:
        """Return which texts have a spelling of the training data."""
        spellings = pa.array([self.true, self.false, *self.extra_spellings], texts.type)
        return pc.if_else(pc.is_valid(texts), pc.is_in(texts, spellings), None)


@dataclass(frozen=True)
class Dates:
    """Dates, or dates with times, all written alike.

    Values are wall-clock times (timestamp[us]) at the one `offset` from UTC that the training data has, if any. Parts
    of a time that the format does not show are cut off, such as the time of day if it shows dates only.
    """

    field_order: str = "Ymd"  # of year, month and day
    date_separator: str = "-"
    time_separator: str = ""  # between date and time; "" for dates without times
    seconds: bool = False
    digits: int = 0  # decimals of the seconds
    offset: str = ""  # "", "Z", "+02:00" or "+0200"
    type: ClassVar[pa.DataType] = pa.timestamp("us")

    def parse(self, values: pa.Array) -> pa.Array:
        """Return timestamps, null if missing or `_RARE_`.

        Text may also be ISO 8601 in another form than the training data's.

        Raises FormatError if a value is not a date.
        """
        times = self._parse_typed(values) if pa.types.is_temporal(values.type) else self._parse_text(_as_text(values))
        ticks = times.cast(pa.int64())
        cut_off = pa.array(ticks.fill_null(0).to_numpy() % self._step)
        return pc.subtract(ticks, cut_off).cast(self.type)

    def write(self, times: pa.Array) -> pa.Array:
        """Return timestamps as text, null if missing."""
        date = self.date_separator.join({"Y": r"\1", "m": r"\2", "d": r"\3"}[field] for field in self.field_order)
        time = r"\4" + r"\5" * self.seconds + r"\6" * (self.digits > 0) if self.time_separator else ""
        pattern = rf"^(\d{{4}})-(\d\d)-(\d\d) (\d\d:\d\d)(:\d\d)(\.\d{{{self.digits}}})\d*$"
        text = date + self.time_separator + time + self.offset
        return pc.replace_substring_regex(times.cast(pa.string()), pattern, text)

    def conforms(self, texts: pa.Array) -> pa.Array:
        """Return which texts are dates of this format."""
        return pc.match_substring_regex(texts, self._pattern)

    @property
    def _pattern(self) -> str:
        """The regular expression of this format. Its groups are the three fields of the date, and the time."""
        fields = (r"(\d{4})" if field == "Y" else r"(\d\d)" for field in self.field_order)
        seconds = r":\d\d" * self.seconds + (rf"\.\d{{{self.digits}}}" if self.digits else "")
        time = rf"{self.time_separator}(\d\d:\d\d{seconds})" if self.time_separator else "()"
        return f"^{re.escape(self.date_separator).join(fields)}{time}{re.escape(self.offset)}$"

    @property
    def _iso(self) -> str:
        """The replacement for `_pattern` that gives ISO 8601 without an offset."""
        date = "-".join(rf"\{self.field_order.index(field) + 1}" for field in "Ymd")
        return date + r" \4" * bool(self.time_separator)

    @property
    def _step(self) -> int:
        """The microseconds between two times that follow each other in this format."""
        if not self.time_separator:
            return 24 * 3600 * 10**6
        return 10 ** (6 - self.digits) if self.seconds else 60 * 10**6

    @property
    def _shift(self) -> timedelta:
        """The time by which the wall clock is ahead of UTC."""
        clock = datetime.fromisoformat(f"1970-01-01T00:00:00{self.offset}")
        return clock.utcoffset() or timedelta()

    def _parse_text(self, texts: pa.Array) -> pa.Array:
        if pc.all(self.conforms(texts)).as_py() is not False:
            try:
                return pc.replace_substring_regex(texts, self._pattern, self._iso).cast(self.type)
            except pa.ArrowInvalid:
                pass
        return _parse_each(texts, self._parse_one, pa.int64(), "a date").cast(self.type)

    def _parse_one(self, text: str) -> int:
        time = datetime.fromisoformat(re.sub(self._pattern, self._iso, text))
        if time.tzinfo is not None:
            time = time.astimezone(UTC).replace(tzinfo=None) + self._shift
        return (time - _EPOCH) // _MICROSECOND

    def _parse_typed(self, values: pa.Array) -> pa.Array:
        if pa.types.is_date(values.type):
            values = values.cast(pa.timestamp("s" if pa.types.is_date32(values.type) else "ms"))
        if not pa.types.is_timestamp(values.type):
            return self._parse_text(_as_text(values))
        _require_four_digit_years(values)
        if values.type.tz is None:
            return values.cast(self.type, safe=False)
        ticks = values.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64())
        times = pc.add(ticks, self._shift // _MICROSECOND).cast(self.type)
        _require_four_digit_years(times)
        return times


@dataclass(frozen=True)
class Texts:
    """Any text, kept as it is."""

    type: ClassVar[pa.DataType] = pa.string()

    def parse(self, values: pa.Array) -> pa.Array:
        """Return values as text, null if missing."""
        return _as_text(values)

    def write(self, texts: pa.Array) -> pa.Array:
        """Return the texts unchanged."""
        return texts

    def conforms(self, texts: pa.Array) -> pa.Array:
        """Return True for each text, null if missing."""
        return pc.if_else(pc.is_valid(texts), True, None)


Format = Integers | Decimals | Booleans | Dates | Texts


def to_format(format: Format, values: pa.Array, *, already_missing: pa.Array | None = None) -> tuple[pa.Array, int]:
    """Return values of any type as text in `format`, and the number of text values that had to change.

    Text values that follow the format already stay byte for byte. Text values in the mask `already_missing` are not
    looked at and stay as well.

    Raises FormatError if a value does not fit the format.
    """
    if not is_text(values):
        is_exact = isinstance(format, Decimals) and pa.types.is_decimal(values.type)  # floats would change digits
        return format.write(_widest(values) if is_exact else format.parse(values)), 0
    broken = pc.fill_null(pc.invert(format.conforms(values)), False)
    if already_missing is not None:
        broken = pc.and_not(broken, already_missing)
    if not pc.any(broken).as_py():
        return values, 0
    doubtful = values.filter(broken)
    written = format.write(format.parse(doubtful)).cast(values.type)
    changed = pc.fill_null(pc.not_equal(doubtful, written), True)
    return pc.replace_with_mask(values, broken, written), pc.sum(changed).as_py()


def with_points(texts: pa.Array) -> pa.Array:
    """Return texts; numbers with a decimal comma get a decimal point instead."""
    return pc.if_else(pc.match_substring_regex(texts, DECIMAL_COMMA), pc.replace_substring(texts, ",", "."), texts)


def is_text(values: pa.Array) -> bool:
    """Return whether the values are strings."""
    return pa.types.is_string(values.type) or pa.types.is_large_string(values.type)


def _as_text(values: pa.Array) -> pa.Array:
    return values if is_text(values) else values.cast(pa.string())


def _widest(decimals: pa.Array) -> pa.Array:
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
    return _parse_each(_as_text(values), _parse_number, pa.float64(), "a number")


def _parse_each(texts: pa.Array, parse: Callable[[str], object], type: pa.DataType, expected: str) -> pa.Array:
    """Parse each distinct text once. `parse` raises ValueError or OverflowError for a text that does not fit."""
    distinct = texts.dictionary_encode()
    values = []
    for place, text in enumerate(distinct.dictionary.to_pylist()):
        try:
            values.append(None if text == RARE else parse(text.strip()))
        except (ValueError, OverflowError):
            raise FormatError(pc.index(distinct.indices, place).as_py(), text, expected) from None
    return pa.array(values, type).take(distinct.indices)


def _parse_number(text: str) -> float:
    if not NUMBER.fullmatch(text):
        raise ValueError
    return float(text)


def _parse_whole(text: str) -> int | None:
    number = Decimal(text)
    whole = int(number.to_integral_value()) if number.is_finite() and number.adjusted() < 20 else 2**63
    return whole if -(2**63) <= whole < 2**63 else None


def _parse_boolean(text: str) -> bool:
    spelling = text.lower()
    if spelling not in ("true", "false", "1", "0", "1.0", "0.0"):
        raise ValueError
    return spelling in ("true", "1", "1.0")


def _require_four_digit_years(times: pa.Array) -> None:
    """Raise FormatError if a timestamp is not of the years 1 to 9999. Text and Python's dates show no others."""
    if times.type.unit == "ns":  # 64 bits of nanoseconds reach from 1677 to 2262
        return
    ticks, second = times.cast(pa.int64()), _TICKS_PER_SECOND[times.type.unit]
    earliest, end = ((bound - _EPOCH) // timedelta(seconds=1) for bound in (datetime.min, datetime.max))
    beyond = pc.or_(pc.less(ticks, earliest * second), pc.greater_equal(ticks, (end + 1) * second))
    place = pc.index(beyond, True).as_py()
    if place >= 0:
        text = times.slice(place, 1).cast(pa.string())[0].as_py()
        raise FormatError(place, text, "a date of the years 1 to 9999")
