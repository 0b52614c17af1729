"""The format of numbers in a dress: "$1,234.50", "(5.00)", "36 months", "1.234,5 %"."""

import re
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.format_values import by_distinct, is_text
from postprocess.data.number_formats import Decimals, Integers

DIGITS = "{}"  # what stands for the digits in `positive` and `negative`


@dataclass(frozen=True)
class Dressed:
    """Numbers with a currency, a unit, thousands separators, or with another sign than a minus before negative ones.

    positive, negative: how numbers are written, such as "${}" and "(${})". thousands: the separator, "" for none.
    Infinite numbers count as missing.
    """

    numbers: Integers | Decimals
    positive: str = DIGITS
    negative: str = f"-{DIGITS}"
    thousands: str = ""

    @property
    def type(self) -> pa.DataType:
        """The type of the numbers."""
        return self.numbers.type

    @property
    def decimal_mark(self) -> str:
        """A point or a comma."""
        return self.numbers.decimal_mark

    def parse(self, values: pa.Array) -> pa.Array:
        """Return int64 or float64 numbers, null if missing or `_RARE_`. Text may also be numbers without the dress.

        Raises FormatError if a value is not a number.
        """
        return by_distinct(values, self._parse_texts) if is_text(values) else self._finite(values)

    def write(self, numbers: pa.Array) -> pa.Array:
        """Return int64 numbers, floats or Arrow's decimals as text, null if missing."""
        return by_distinct(numbers, self._write)

    def conforms(self, texts: pa.Array) -> pa.Array:
        """Return which texts have the dress and enough decimals."""
        group = rf"{re.escape(self.thousands)}\d{{3}}"
        whole = rf"0|[1-9]\d{{0,2}}(?:{group})*" if self.thousands else r"0|[1-9]\d*"
        decimals = ""
        if isinstance(self.numbers, Decimals):
            least = self.numbers.min_decimals
            decimals = rf"[{self.decimal_mark}]\d{{{least},}}" if least else rf"(?:[{self.decimal_mark}]\d+)?"
        matches = [
            pc.match_substring_regex(texts, _pattern(way, f"(?:{whole}){decimals}"))
            for way in (self.positive, self.negative)
        ]
        return pc.or_(*matches)

    def _finite(self, values: pa.Array) -> pa.Array:
        numbers = self.numbers.parse(values)
        return pc.if_else(pc.is_finite(numbers), numbers, None)

    def _parse_texts(self, texts: pa.Array) -> pa.Array:
        """Return the numbers of distinct texts. Whole numbers may have decimals, and thousands no separators."""
        mark = "," if self.thousands == "." else self.decimal_mark
        whole = rf"\d{{1,3}}(?:{re.escape(self.thousands)}\d{{3}})+|\d+" if self.thousands else r"\d+"
        plain = texts
        for way, sign in ((self.positive, ""), (self.negative, "-")):
            pattern = _pattern(way, rf"((?:{whole})(?:[{mark}]\d*)?)")
            digits = pc.replace_substring_regex(texts, pattern, r"\1")
            if self.thousands:  # Arrow never ends a search for ""
                digits = pc.replace_substring(digits, self.thousands, "")
            digits = pc.binary_join_element_wise(sign, pc.replace_substring(digits, mark, "."), "")
            plain = pc.if_else(pc.match_substring_regex(texts, pattern), digits, plain)
        return self._finite(plain)

    def _write(self, numbers: pa.Array) -> pa.Array:
        return pa.array([self._dressed(text) for text in self.numbers.write(numbers).to_pylist()], pa.string())

    def _dressed(self, text: str) -> str:
        whole, mark, decimals = text.removeprefix("-").partition(self.decimal_mark)
        if self.thousands:
            whole = f"{int(whole):,}".replace(",", self.thousands)
        way = self.negative if text.startswith("-") else self.positive
        return way.replace(DIGITS, f"{whole}{mark}{decimals}", 1)


def _pattern(way: str, digits: str) -> str:
    """Return the regular expression of the numbers that are written in this way."""
    before, _, after = way.partition(DIGITS)
    return f"^{re.escape(before)}{digits}{re.escape(after)}$"
