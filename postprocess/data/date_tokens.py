"""The tokens of a date's layout, such as "dd-Mon-yyyy HH:mm". Each stands for a part of the time.

    yyyy yy              the year; two digits are one of the years 1969 to 2068, as in Python
    MM M Mon Month       the month: 01, 1, Jan, January; MON and MONTH, mon and month are in upper and lower case
    dd d                 the day: 05, 5
    HH H                 the hour of 24: 09, 9
    hh h AM am           the hour of 12: 09, 9, and the half of the day
    mm ss S SS ...       minutes, seconds and their decimals

All other characters of a layout stand for themselves.
"""

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

CASES = (str.title, str.upper, str.lower)  # of names

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_MINUTE = 60 * 10**6
_HOUR = 60 * _MINUTE


@dataclass(frozen=True)
class Token:
    """A part of a time and its spellings.

    place: of the part in Arrow's spelling of a time, as in 2020-01-31 23:59:59.000001. spellings: of the part's values
    from `first` on; a value's digits if there are none. Several values may share one. microseconds: of one step of the
    part, 0 for the parts of a date.
    """

    part: str
    place: tuple[int, int]
    first: int = 0
    spellings: tuple[str, ...] = ()
    microseconds: int = 0

    @property
    def pattern(self) -> str:
        """A regular expression of all spellings."""
        start, stop = self.place
        return "|".join(dict.fromkeys(self.spellings)) or rf"\d{{{stop - start}}}"

    def read(self, texts: pa.Array) -> pa.Array:
        """Return the first value of each spelling: int64, null if missing."""
        if not self.spellings:
            return texts.cast(pa.int64())
        return pc.add(pc.index_in(texts, pa.array(self.spellings, texts.type)).cast(pa.int64()), self.first)

    def spell(self, times: pa.Array) -> pa.Array:
        """Return the spelling of the part of each time, null if missing. times: in Arrow's spelling."""
        digits = pc.utf8_slice_codeunits(times, *self.place)
        if not self.spellings:
            return digits
        return pa.array(self.spellings).take(pc.subtract(digits.cast(pa.int64()), self.first))


def tokens_of(layout: str) -> list[Token | str]:
    """Return the tokens of a layout, and the text between them, in their order."""
    return [_TOKENS.get(piece, piece) for piece in re.split(f"({_ANY_TOKEN})", layout) if piece]


def _digits(first: int, last: int, width: int) -> tuple[str, ...]:
    return tuple(f"{number:0{width}}" for number in range(first, last + 1))


def _all_tokens() -> dict[str, Token]:
    tokens = {"yyyy": Token("year", (0, 4)), "yy": Token("year", (2, 4))}
    tokens["mm"] = Token("minute", (14, 16), 0, _digits(0, 59, 2), _MINUTE)
    tokens["ss"] = Token("second", (17, 19), 0, _digits(0, 59, 2), 10**6)
    for width in (1, 2):
        tokens["M" * width] = Token("month", (5, 7), 1, _digits(1, 12, width))
        tokens["d" * width] = Token("day", (8, 10), 1, _digits(1, 31, width))
        tokens["H" * width] = Token("hour", (11, 13), 0, _digits(0, 23, width), _HOUR)
        tokens["h" * width] = Token("hour", (11, 13), 0, ("12", *_digits(1, 11, width)) * 2, _HOUR)
    for case in CASES:
        tokens[case("Month")] = Token("month", (5, 7), 1, tuple(map(case, _MONTHS)))
        tokens[case("Mon")] = Token("month", (5, 7), 1, tuple(case(month[:3]) for month in _MONTHS))
    for case in (str.upper, str.lower):
        tokens[case("AM")] = Token("half", (11, 13), 0, (case("AM"),) * 12 + (case("PM"),) * 12, _HOUR)
    for width in range(1, 7):
        tokens["S" * width] = Token("fraction", (20, 20 + width), microseconds=10 ** (6 - width))
    return tokens


_TOKENS = _all_tokens()
_ANY_TOKEN = "|".join(sorted(_TOKENS, key=len, reverse=True))
