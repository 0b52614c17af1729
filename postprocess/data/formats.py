"""Text formats: parse cells into typed values, and write values the way the training data writes them.

A format works on whole Arrow arrays. `parse` takes cells of any Arrow type (text from a CSV, typed from Parquet) to
the format's own type, `write` takes those values to text, and `stands` tells which text cells follow it already.
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
MOST_DIGITS = 76  # of Arrow's widest decimals
EXACT_WHOLE = 2.0**53  # whole numbers below this are exact in float64
NUMBER = re.compile(r"[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity)", re.IGNORECASE | re.ASCII)

_PLAIN_WHOLE = r"^(0|-?[1-9]\d{0,17})$"
_ANY_WHOLE = r"^\s*[+-]?(0|[1-9]\d{0,17})\s*$"
_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_TICKS_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6}


class CellError(ValueError):
    """A cell that its column's format cannot take: its index in the array, its value, and what was expected."""

    def __init__(self, index: int, value: object, expected: str) -> None:
        super().__init__(f"{value!r} is not {expected}")
        self.index, self.value, self.expected = index, value, expected
        self.column = ""  # for those who know it to fill in


@dataclass(frozen=True)
class Integers:
    """Whole numbers, exact within 64 bits. Others are rounded; infinite and larger ones count as missing."""

    plain: bool = True  # the training data has no plus signs, and no blanks around its numbers
    kind: ClassVar[str] = "numeric"
    type: ClassVar[pa.DataType] = pa.int64()

    def parse(self, cells: pa.Array) -> pa.Array:
        """Int64 values of `cells`, null where missing or `_RARE_`. Raises CellError where a cell is not a number."""
        is_hexadecimal = is_text(cells) and pc.any(pc.match_substring(cells, "x", ignore_case=True)).as_py()
        if (is_text(cells) or pa.types.is_integer(cells.type)) and not is_hexadecimal:  # Arrow would take 0x1F for 31
            try:
                return cells.cast(self.type)
            except pa.ArrowInvalid:
                pass
        floats = _numbers(cells).to_numpy(zero_copy_only=False)
        present = ~np.isnan(floats)
        if not np.all(np.abs(floats[present]) < EXACT_WHOLE):
            return _parse_each(_as_text(cells), _parse_whole, self.type, "a number")
        return pa.array(np.rint(np.where(present, floats, 0)).astype(np.int64), mask=~present)

    def write(self, values: pa.Array) -> pa.Array:
        """The values as text, null where missing."""
        return values.cast(pa.string())

    def stands(self, cells: pa.Array) -> pa.Array:
        """Which text cells are whole numbers, plain ones where the training data's are."""
        return pc.match_substring_regex(cells, _PLAIN_WHOLE if self.plain else _ANY_WHOLE)


@dataclass(frozen=True)
class Decimals:
    """Numbers with at least `least` and at most `most` decimals (None: as many as the value needs)."""

    least: int = 0
    most: int | None = None
    kind: ClassVar[str] = "numeric"
    type: ClassVar[pa.DataType] = pa.float64()

    def parse(self, cells: pa.Array) -> pa.Array:
        """Float64 values of `cells`, null where missing or `_RARE_`. Raises CellError where a cell is not a number.

        Typed values are rounded to `most` decimals, as they will be written; text keeps all of its decimals.
        """
        if pa.types.is_decimal(cells.type) and self.most is not None and cells.type.scale > self.most:
            cells = pc.round(_widest(cells), ndigits=self.most, round_mode="half_to_even")
        numbers = _numbers(cells)
        if self.most is None or not pa.types.is_floating(cells.type):
            return numbers
        floats = numbers.to_numpy(zero_copy_only=False)
        roundable = np.abs(floats) < EXACT_WHOLE / 10**self.most
        return pa.array(
            np.where(roundable, np.round(np.where(roundable, floats, 0), self.most), floats), from_pandas=True
        )

    def write(self, values: pa.Array) -> pa.Array:
        """The values, floats or Arrow's decimals, as text, null where missing."""
        distinct = values.dictionary_encode()
        texts = pa.array([self._text(number) for number in distinct.dictionary.to_pylist()], pa.string())
        return texts.take(distinct.indices)

    def stands(self, cells: pa.Array) -> pa.Array:
        """Which text cells have enough decimals; exponents and infinities stand, too."""
        decimals = rf"\d*\.\d{{{self.least},}}" if self.least else r"[\d.]+"
        return pc.match_substring_regex(cells, rf"(?i)^\s*[+-]?({decimals}|[\d.]+e[+-]?\d+|inf|infinity)\s*$")

    def _text(self, number: float | Decimal) -> str:
        if number == 0:
            number = type(number)()  # no -0.0
        if self.most is not None:
            text = f"{number:.{self.most}f}"
        else:
            text = repr(number) if isinstance(number, float) else f"{number:f}"
        if "e" in text or not isfinite(number):
            return text
        whole, _, decimals = text.partition(".")
        decimals = decimals.rstrip("0").ljust(self.least, "0")
        return f"{whole}.{decimals}" if decimals else whole


@dataclass(frozen=True)
class Booleans:
    """Truth values in the training data's spelling."""

    true: str = "True"
    false: str = "False"
    others: tuple[str, ...] = ()  # further spellings that the training data has
    kind: ClassVar[str] = "boolean"
    type: ClassVar[pa.DataType] = pa.bool_()

    def parse(self, cells: pa.Array) -> pa.Array:
        """Boolean values of `cells` (1 and 0 count), null where missing or `_RARE_`. Raises CellError for others."""
        if pa.types.is_boolean(cells.type):
            return cells
        return _parse_each(_as_text(cells), _parse_boolean, self.type, "a boolean")

    def write(self, values: pa.Array) -> pa.Array:
        """The values as text, null where missing."""
        return pc.if_else(values, self.true, self.false)

    def stands(self, cells: pa.Array) -> pa.Array:
        """Which text cells have the training data's spelling."""
        spellings = pa.array([self.true, self.false, *self.others], cells.type)
        return pc.if_else(pc.is_valid(cells), pc.is_in(cells, spellings), None)


@dataclass(frozen=True)
class Dates:
    """Dates, or dates with times, all written alike.

    Values are wall-clock times (timestamp[us]) at the one `offset` from UTC that the training data has, if any.
    Anything finer than the format (a time of day where it has dates only) is cut off.
    """

    order: str = "Ymd"  # of year, month and day
    mark: str = "-"  # between them
    between: str = ""  # what divides date and time; "" for dates without times
    seconds: bool = False
    digits: int = 0  # decimals of the seconds
    offset: str = ""  # "", "Z", "+02:00" or "+0200"
    kind: ClassVar[str] = "datetime"
    type: ClassVar[pa.DataType] = pa.timestamp("us")

    def parse(self, cells: pa.Array) -> pa.Array:
        """Timestamps of `cells`, null where missing or `_RARE_`. Raises CellError where a cell is not a date.

        Text may also be ISO 8601 in another form than the training data's.
        """
        times = self._parse_typed(cells) if pa.types.is_temporal(cells.type) else self._parse_text(_as_text(cells))
        ticks = times.cast(pa.int64())
        return pc.subtract(ticks, _remainder(ticks, self._step)).cast(self.type)

    def write(self, values: pa.Array) -> pa.Array:
        """The values as text, null where missing."""
        date = self.mark.join({"Y": r"\1", "m": r"\2", "d": r"\3"}[part] for part in self.order)
        time = self.between + r"\4" + r"\5" * self.seconds + r"\6" * (self.digits > 0) if self.between else ""
        pattern = rf"^(\d{{4}})-(\d\d)-(\d\d) (\d\d:\d\d)(:\d\d)(\.\d{{{self.digits}}})\d*$"
        return pc.replace_substring_regex(values.cast(pa.string()), pattern, date + time + self.offset)

    def stands(self, cells: pa.Array) -> pa.Array:
        """Which text cells are dates of this format."""
        return pc.match_substring_regex(cells, self._pattern)

    @property
    def _pattern(self) -> str:
        date = re.escape(self.mark).join(r"(\d{4})" if part == "Y" else r"(\d\d)" for part in self.order)
        seconds = r":\d\d" * self.seconds + (rf"\.\d{{{self.digits}}}" if self.digits else "")
        time = rf"{self.between}(\d\d:\d\d{seconds})" if self.between else "()"
        return f"^{date}{time}{re.escape(self.offset)}$"

    @property
    def _iso(self) -> str:
        """What `_pattern` is replaced by to get ISO 8601 without an offset."""
        return "-".join(rf"\{self.order.index(part) + 1}" for part in "Ymd") + r" \4" * bool(self.between)

    @property
    def _step(self) -> int:
        if not self.between:
            return 24 * 3600 * 10**6
        return 10 ** (6 - self.digits) if self.seconds else 60 * 10**6

    @property
    def _shift(self) -> timedelta:
        """How far the wall clock is ahead of UTC."""
        clock = datetime.fromisoformat(f"1970-01-01T00:00:00{self.offset}")
        return clock.utcoffset() or timedelta()

    def _parse_text(self, cells: pa.Array) -> pa.Array:
        if pc.all(self.stands(cells)).as_py() is not False:
            try:
                return pc.replace_substring_regex(cells, self._pattern, self._iso).cast(self.type)
            except pa.ArrowInvalid:
                pass
        return _parse_each(cells, self._parse_one, pa.int64(), "a date").cast(self.type)

    def _parse_one(self, cell: str) -> int:
        time = datetime.fromisoformat(re.sub(self._pattern, self._iso, cell))
        if time.tzinfo is not None:
            time = time.astimezone(UTC).replace(tzinfo=None) + self._shift
        return (time - _EPOCH) // _MICROSECOND

    def _parse_typed(self, cells: pa.Array) -> pa.Array:
        if pa.types.is_date(cells.type):
            cells = cells.cast(pa.timestamp("s" if pa.types.is_date32(cells.type) else "ms"))
        if not pa.types.is_timestamp(cells.type):
            return self._parse_text(_as_text(cells))
        _require_four_digit_years(cells)
        if cells.type.tz is None:
            return cells.cast(self.type, safe=False)
        ticks = cells.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64())
        times = pc.add(ticks, self._shift // _MICROSECOND).cast(self.type)
        _require_four_digit_years(times)
        return times


@dataclass(frozen=True)
class Texts:
    """Any text, kept as it is."""

    kind: ClassVar[str] = "text"
    type: ClassVar[pa.DataType] = pa.string()

    def parse(self, cells: pa.Array) -> pa.Array:
        """The cells as text, null where missing."""
        return cells if is_text(cells) else cells.cast(pa.string())

    def write(self, values: pa.Array) -> pa.Array:
        """The values, unchanged."""
        return values

    def stands(self, cells: pa.Array) -> pa.Array:
        """All text stands."""
        return pc.if_else(pc.is_valid(cells), True, None)


Format = Integers | Decimals | Booleans | Dates | Texts


def rewrite(format: Format, cells: pa.Array, *, standing: pa.Array | None = None) -> tuple[pa.Array, int]:
    """Cells of any type as text in `format`, and how many text cells had to change for that.

    Text cells that follow the format already stay byte for byte, and so do the `standing` ones (a mask), which are not
    looked at.
    """
    if not is_text(cells):
        is_exact = isinstance(format, Decimals) and pa.types.is_decimal(cells.type)  # floats would change digits
        return format.write(_widest(cells) if is_exact else format.parse(cells)), 0
    broken = pc.fill_null(pc.invert(format.stands(cells)), False)
    if standing is not None:
        broken = pc.and_not(broken, standing)
    if not pc.any(broken).as_py():
        return cells, 0
    doubtful = cells.filter(broken)
    written = format.write(format.parse(doubtful)).cast(cells.type)
    changed = pc.fill_null(pc.not_equal(doubtful, written), True)
    return pc.replace_with_mask(cells, broken, written), pc.sum(changed).as_py()


def is_text(cells: pa.Array) -> bool:
    """Whether the cells are strings."""
    return pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)


def _widest(cells: pa.Array) -> pa.Array:
    """Decimals of the widest type, which rounding never overflows, and which Arrow can do all with."""
    return cells.cast(pa.decimal256(MOST_DIGITS, cells.type.scale))


def _as_text(cells: pa.Array) -> pa.Array:
    return cells if is_text(cells) else cells.cast(pa.string())


def _numbers(cells: pa.Array) -> pa.Array:
    """Float64 values, null where missing, `_RARE_` or not-a-number."""
    if pa.types.is_float32(cells.type) or pa.types.is_decimal(cells.type):
        # by their text: 0.1 is to be 0.1, not 0.10000000149011612, and Arrow's way from decimals is not quite exact
        cells = cells.cast(pa.string()).cast(pa.float64())
    if pa.types.is_floating(cells.type):
        return pa.array(cells.to_numpy(zero_copy_only=False).astype(np.float64, copy=False), from_pandas=True)
    if not pa.types.is_temporal(cells.type):
        try:
            numbers = cells.cast(pa.float64(), safe=False)
            if not (is_text(cells) and pc.any(pc.is_nan(numbers)).as_py()):
                return numbers
        except pa.ArrowInvalid:
            pass
    return _parse_each(_as_text(cells), _parse_number, pa.float64(), "a number")


def _parse_each(cells: pa.Array, parse: Callable[[str], object], type: pa.DataType, expected: str) -> pa.Array:
    """Parses each distinct text once; `parse` raises ValueError for what it cannot take."""
    distinct = cells.dictionary_encode()
    values = []
    for place, cell in enumerate(distinct.dictionary.to_pylist()):
        try:
            values.append(None if cell == RARE else parse(cell.strip()))
        except (ValueError, OverflowError):
            raise CellError(pc.index(distinct.indices, place).as_py(), cell, expected) from None
    return pa.array(values, type).take(distinct.indices)


def _parse_number(cell: str) -> float:
    if not NUMBER.fullmatch(cell):
        raise ValueError
    return float(cell)


def _parse_whole(cell: str) -> int | None:
    number = Decimal(cell)
    whole = int(number.to_integral_value()) if number.is_finite() and number.adjusted() < 20 else 2**63
    return whole if -(2**63) <= whole < 2**63 else None


def _parse_boolean(cell: str) -> bool:
    spelling = cell.lower()
    if spelling not in ("true", "false", "1", "0", "1.0", "0.0"):
        raise ValueError
    return spelling in ("true", "1", "1.0")


def _require_four_digit_years(times: pa.Array) -> None:
    """Raises CellError where a timestamp is not of the years 1 to 9999, which text and Python's dates are bound to."""
    if times.type.unit == "ns":  # 64 bits of those reach from 1677 to 2262
        return
    ticks, second = times.cast(pa.int64()), _TICKS_A_SECOND[times.type.unit]
    earliest, end = ((bound - _EPOCH) // timedelta(seconds=1) for bound in (datetime.min, datetime.max))
    beyond = pc.or_(pc.less(ticks, earliest * second), pc.greater_equal(ticks, (end + 1) * second))
    place = pc.index(beyond, True).as_py()
    if place >= 0:
        cell = times.slice(place, 1).cast(pa.string())[0].as_py()
        raise CellError(place, cell, "a date of the years 1 to 9999")


def _remainder(ticks: pa.Array, step: int) -> pa.Array:
    remainders = ticks.fill_null(0).to_numpy() % step
    return pa.array(remainders)
