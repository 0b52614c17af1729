"""Guesses of the number format of a column, from batch to batch of its values as text."""

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.number_formats import DECIMAL_COMMA, NUMBER, Decimals, Integers, with_points

EXACT_DECIMALS = 15  # if a column has more decimals than these, the shortest exact text of a float64 is written

_WHOLE = r"^\s*[+-]?\d+\s*$"
_NOT_CANONICAL = r"[\s+]"
_LEADING_ZERO = r"^\s*[+-]?0\d"
_EXPONENT = r"(?i)\d\.?e"
_EXPONENT_OR_INFINITY = r"(?i)[ef]"
_NUMBER = rf"(?i)^\s*{NUMBER.pattern}\s*$"


class NumberGuess:
    """Integers or Decimals, as long as every value is a number. Counts their decimals."""

    def __init__(self) -> None:
        self._whole = self._fits = self._canonical = True
        self._min_decimals: int | None = None
        self._max_decimals: int | None = 0

    def accepts(self, texts: pa.Array) -> bool:
        """Return whether all texts are numbers without leading zeros. None of the texts is missing."""
        if not all_true(pc.match_substring_regex(texts, _NUMBER)):
            return False
        if any_true(pc.match_substring_regex(texts, _LEADING_ZERO)):
            return False
        if self._whole and all_true(pc.match_substring_regex(texts, _WHOLE)):
            self._fits = self._fits and fit_64_bits(texts)
            self._canonical = self._canonical and not any_true(pc.match_substring_regex(texts, _NOT_CANONICAL))
            self._min_decimals = 0
            return True
        self._whole = False
        if any_true(pc.match_substring_regex(texts, _EXPONENT)):
            self._max_decimals = None
        plain = texts.filter(pc.invert(pc.match_substring_regex(texts, _EXPONENT_OR_INFINITY)))
        digits = pc.replace_substring_regex(pc.utf8_trim_whitespace(plain), r"^[^.]*\.?", "")
        decimals = pc.min_max(pc.utf8_length(digits))
        if decimals["min"].is_valid:
            least, most = decimals["min"].as_py(), decimals["max"].as_py()
            self._min_decimals = least if self._min_decimals is None else min(self._min_decimals, least)
            if self._max_decimals is not None:
                self._max_decimals = None if most > EXACT_DECIMALS else max(self._max_decimals, most)
        return True

    def format(self) -> Integers | Decimals | None:
        """Return the format of the accepted texts. Return None for whole numbers beyond 64 bits."""
        if self._min_decimals is None:  # all values have exponents or are infinite
            return Decimals()
        if self._whole:
            return Integers(self._canonical) if self._fits else None
        return Decimals(self._min_decimals, self._max_decimals)


class CommaGuess:
    """Decimals with a comma, as long as every value is such a number or a whole one."""

    def __init__(self) -> None:
        self._numbers = NumberGuess()

    def accepts(self, texts: pa.Array) -> bool:
        """Return whether all texts are such numbers. None of the texts is missing."""
        known = pc.or_(pc.match_substring_regex(texts, DECIMAL_COMMA), pc.match_substring_regex(texts, _WHOLE))
        return all_true(known) and self._numbers.accepts(with_points(texts))

    def format(self) -> Decimals | None:
        """Return the format of the accepted texts. Return None if none of them has a decimal comma."""
        format = self._numbers.format()
        return replace(format, decimal_mark=",") if isinstance(format, Decimals) else None


def fit_64_bits(values: pa.Array) -> bool:
    """Return whether all whole numbers, as text or typed, fit into 64 bits."""
    return Integers().parse(values).null_count == values.null_count  # parsing makes larger numbers null


def all_true(matches: pa.Array) -> bool:
    """Return whether all booleans are true."""
    return pc.all(matches).as_py()


def any_true(matches: pa.Array) -> bool:
    """Return whether a boolean is true."""
    return pc.any(matches, min_count=0).as_py()
