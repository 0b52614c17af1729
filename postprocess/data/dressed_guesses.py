"""The guess of a column's dress: what stands before and after its numbers, and their marks."""

import re
from dataclasses import replace
from itertools import product

import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.dressed_formats import DIGITS, Dressed
from postprocess.data.number_formats import Decimals, Integers
from postprocess.data.number_guesses import EXACT_DECIMALS, NumberGuess, all_true, any_true

MAX_UNIT = 20  # characters after a number
BLANKS = " \u00a0\u202f"
THOUSANDS = (",", ".", "'", "’", *BLANKS)

_CURRENCIES = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY
COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR
IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR
MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF
XPF YER ZAR ZMW
"""

_SIGN = "[-−+(]?"
_CURRENCY = rf"(?:[A-Z]{{0,3}}\p{{Sc}}|{'|'.join(_CURRENCIES.split())})"
_DRESSED = (
    rf"^(?P<before>[{BLANKS}]*(?:{_SIGN}(?:{_CURRENCY}[{BLANKS}]*)?|{_CURRENCY}[{BLANKS}]*{_SIGN}))"
    rf"(?P<number>\d(?:[\d{''.join(THOUSANDS)}]*\d)?)"
    rf"(?P<after>(?:[^\p{{Nd}}\p{{C}}.,][^\p{{Nd}}\p{{C}}]{{0,{MAX_UNIT - 1}}})?)$"
)
_CLEAR_DECIMALS = r"^0\.|\.(\d{1,2}|\d{4,})$"  # these are no thousands


class DressGuess:
    """Numbers in one dress, as long as the format would write every value as it is."""

    def __init__(self, *, commas: bool) -> None:
        """commas: whether a comma before three digits is rather a decimal comma than a thousands separator."""
        self._ways: dict[bool, str] = {}  # to write a number, by whether it is negative
        ambiguous = [("", ","), (",", ".")]
        pairs = [("", "."), *ambiguous[:: 1 if commas else -1], *product(THOUSANDS, ".,")]
        self._left = [_Marks(*pair) for pair in dict.fromkeys(pairs) if pair[0] != pair[1]]

    def accepts(self, texts: pa.Array) -> bool:
        """Return whether all texts are numbers in one dress. None of the texts is missing."""
        parts = pc.extract_regex(texts, _DRESSED)
        if parts.null_count:
            return False
        before, number, after = (pc.struct_field(parts, name) for name in ("before", "number", "after"))
        ways = pc.binary_join_element_wise(before, DIGITS, after, "")
        if any(self._ways.setdefault(_is_negative(way), way) != way for way in ways.unique().to_pylist()):
            return False
        is_zero = pc.invert(pc.match_substring_regex(number, "[1-9]"))
        if any_true(pc.and_(is_zero, pc.equal(ways, self._ways.get(True, "")))):  # zero is written without a minus
            return False
        self._left = [marks for marks in self._left if marks.accepts(number)]
        return bool(self._left)

    def format(self) -> Dressed | None:
        """Return the format of the accepted texts. Return None if there is none or the numbers have no dress."""
        unsigned = _unsigned(next(iter(self._ways.values())))
        if any(_unsigned(way) != unsigned for way in self._ways.values()) or "(" in unsigned.partition(DIGITS)[0]:
            return None  # two dresses, or a parenthesis that is never closed
        positive = self._ways.get(False, unsigned)
        negative = self._ways.get(True, re.sub(f"^[{BLANKS}]*", r"\g<0>-", unsigned))
        has_dress = (positive, negative) != (DIGITS, f"-{DIGITS}")
        found = [
            Dressed(numbers, positive, negative, marks.thousands)
            for marks in self._left
            if (numbers := marks.numbers(has_dress=has_dress)) is not None
        ]
        return found[0] if found else None


class _Marks:
    """The numbers of a column if these are their marks. thousands: the separator, "" for none."""

    def __init__(self, thousands: str, decimal_mark: str) -> None:
        self.thousands = thousands
        self._mark = decimal_mark
        self._format = Dressed(Decimals(decimal_mark=decimal_mark), thousands=thousands)
        self._guess = NumberGuess()
        self._is_grouped = self._has_decimals = False
        self._longest = 0  # characters of a number
        self._most_padded = 0  # decimals of a number that ends in a zero

    def accepts(self, texts: pa.Array) -> bool:
        """Return whether all texts are numbers with these marks, without a sign."""
        if not all_true(self._format.conforms(texts)):
            return False
        if self.thousands:
            self._is_grouped = self._is_grouped or any_true(pc.match_substring(texts, self.thousands))
            texts = pc.replace_substring(texts, self.thousands, "")
        texts = pc.replace_substring(texts, self._mark, ".")
        self._has_decimals = self._has_decimals or any_true(pc.match_substring_regex(texts, _CLEAR_DECIMALS))
        padded = texts.filter(pc.match_substring_regex(texts, r"\..*0$"))
        decimals = pc.utf8_length(pc.replace_substring_regex(padded, r"^.*\.", ""))
        self._most_padded = max(self._most_padded, pc.max(decimals).as_py() or 0)
        self._longest = max(self._longest, pc.max(pc.utf8_length(texts)).as_py())
        return self._guess.accepts(texts)

    def numbers(self, *, has_dress: bool) -> Integers | Decimals | None:
        """Return the format of the numbers. Return None if it would write one in another way, or without any dress.

        has_dress: whether the numbers have more of a dress than their marks.
        """
        numbers = self._guess.format()
        if not (self._is_grouped if self.thousands else has_dress):
            return None
        if not isinstance(numbers, Decimals):
            is_clear = has_dress or self.thousands != "."  # 192.168.100.200 is no number
            return numbers if is_clear else None
        if self._longest > EXACT_DECIMALS or self._most_padded > numbers.min_decimals:
            return None
        if not (self.thousands or self._has_decimals or numbers.min_decimals) and self._mark == ",":
            return None  # 500 and 1,234
        return replace(numbers, decimal_mark=self._mark)


def _is_negative(way: str) -> bool:
    return re.search("[-−(]", way.partition(DIGITS)[0]) is not None


def _unsigned(way: str) -> str:
    """Return the way to write a number, without its sign or the parentheses that stand for one."""
    before, _, after = way.partition(DIGITS)
    if "(" in before and ")" in after:
        before, after = before.replace("(", ""), after.replace(")", "", 1)
    return re.sub("[-−+]", "", before) + DIGITS + after
