"""The format of dates and times, as a layout such as "dd-Mon-yyyy HH:mm" shows it. `date_tokens` explains layouts."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.date_tokens import Token, tokens_of
from postprocess.data.format_values import FormatError, as_text, by_distinct, in_utc, parse_each

MIN_YEAR_IN_1900S = 69  # two digits below this are a year from 2000 on

_EPOCH = datetime(1970, 1, 1)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 24 * 3600 * 10**6  # in microseconds
_TICKS_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6}


@dataclass(frozen=True)
class Dates:
    """Dates, or dates with times, all written alike.

    Values are wall-clock times (timestamp[us]) at the one `offset` from UTC that the training data has, if any. Parts
    of a time that the layout does not show are cut off, such as the time of day if it shows dates only. A date without
    a day is the first of its month.

    assumed: whether the training data fits the other order of day and month as well.
    """

    layout: str = "yyyy-MM-dd"
    offset: str = ""  # "", "Z", "+02:00" or "+0200"
    assumed: bool = field(default=False, compare=False)
    type: ClassVar[pa.DataType] = pa.timestamp("us")

    def parse(self, values: pa.Array) -> pa.Array:
        """Return timestamps, null if missing or `_RARE_`.

        Text may also be ISO 8601 in another form than the training data's.

        Raises FormatError if a value is not a date.
        """
        if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
            return self._cut(self._wall_clock(values))
        return by_distinct(as_text(values), self._parse_texts)

    def write(self, times: pa.Array) -> pa.Array:
        """Return timestamps as text, null if missing."""
        texts = times.cast(pa.string())
        pieces = [piece.spell(texts) if isinstance(piece, Token) else piece for piece in tokens_of(self.layout)]
        return pc.binary_join_element_wise(*pieces, self.offset, "")

    def conforms(self, texts: pa.Array) -> pa.Array:
        """Return which texts are dates of this format."""
        return pc.match_substring_regex(texts, self._pattern)

    @property
    def _pattern(self) -> str:
        """The regular expression of this format. Its groups have the names of the parts."""
        pieces = (
            f"(?P<{piece.part}>{piece.pattern})" if isinstance(piece, Token) else re.escape(piece)
            for piece in tokens_of(self.layout)
        )
        return f"^{''.join(pieces)}{re.escape(self.offset)}$"

    @property
    def _shift(self) -> timedelta:
        """The time by which the wall clock is ahead of UTC."""
        clock = datetime.fromisoformat(f"1970-01-01T00:00:00{self.offset}")
        return clock.utcoffset() or timedelta()

    def _parse_texts(self, texts: pa.Array) -> pa.Array:
        times = self._read(texts)
        others = pc.if_else(pc.is_null(times), texts, None)
        if others.null_count == len(others):
            return times
        ticks = parse_each(others, self._parse_iso, pa.int64(), "a date")
        return pc.coalesce(times, self._cut(ticks.cast(self.type)))

    def _parse_iso(self, text: str) -> int:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            time = time.astimezone(UTC).replace(tzinfo=None) + self._shift
        return (time - _EPOCH) // _MICROSECOND

    def _cut(self, times: pa.Array) -> pa.Array:
        """Return timestamps without the parts that the layout does not show."""
        if "yyyy" not in self.layout or "d" not in self.layout:
            return by_distinct(times, lambda distinct: self._read(self.write(distinct)))
        pieces = tokens_of(self.layout)
        steps = [piece.microseconds for piece in pieces if isinstance(piece, Token) and piece.microseconds]
        ticks = times.cast(pa.int64())
        cut_off = pa.array(ticks.fill_null(0).to_numpy() % min(steps, default=_DAY))
        return pc.subtract(ticks, cut_off).cast(self.type)

    def _read(self, texts: pa.Array) -> pa.Array:
        """Return the timestamps of texts in this format, null for all others."""
        fields = pc.extract_regex(texts, self._pattern)
        clock = np.zeros(len(texts), "timedelta64[us]")
        parts = {"day": np.ones(len(texts), np.int64)}
        for token in tokens_of(self.layout):
            if isinstance(token, Token):
                numbers = token.read(pc.struct_field(fields, token.part)).fill_null(0).to_numpy()
                parts[token.part] = numbers
                clock += (numbers * token.microseconds).astype("timedelta64[us]")
        year = parts["year"]
        if "yyyy" not in self.layout:
            year = year + np.where(year < MIN_YEAR_IN_1900S, 2000, 1900)
        months = ((year - 1970) * 12 + parts["month"] - 1).astype("datetime64[M]")
        days = months.astype("datetime64[D]") + (parts["day"] - 1)
        is_date = (year > 0) & (days.astype("datetime64[M]") == months) & fields.is_valid().to_numpy(False)
        return pa.array(days.astype("datetime64[us]") + clock, self.type, mask=~is_date)

    def _wall_clock(self, values: pa.Array) -> pa.Array:
        """Return dates or timestamps of any unit as timestamps at the format's offset."""
        if pa.types.is_date(values.type):
            values = values.cast(pa.timestamp("s" if pa.types.is_date32(values.type) else "ms"))
        values = in_utc(values)
        _require_four_digit_years(values)
        if values.type.tz is None:
            return values.cast(self.type, safe=False)
        ticks = values.cast(pa.timestamp("us", "UTC"), safe=False).cast(pa.int64())
        times = pc.add(ticks, self._shift // _MICROSECOND).cast(self.type)
        _require_four_digit_years(times)
        return times


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
