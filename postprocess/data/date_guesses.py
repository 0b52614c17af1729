"""The guess of the layout in which a column writes its dates."""

import re
from dataclasses import replace
from itertools import product

import pyarrow as pa

from postprocess.data.date_formats import Dates
from postprocess.data.date_tokens import CASES
from postprocess.data.format_values import FormatError
from postprocess.data.number_guesses import all_true

# The first of two that fit wins. All may have unpadded days and months, full names of months, and times.
_LAYOUTS = (
    *("yyyy-MM-dd", "yyyy/MM/dd", "yyyy-Mon-dd", "yyyy-MM", "yyyy/MM", "yyyy-Mon"),
    *("MM/dd/yyyy", "dd/MM/yyyy", "MM-dd-yyyy", "dd-MM-yyyy", "dd.MM.yyyy", "MM/yyyy", "MM-yyyy"),
    *("MM/dd/yy", "dd/MM/yy", "MM-dd-yy", "dd-MM-yy", "dd.MM.yy"),
    *("dd-Mon-yyyy", "dd/Mon/yyyy", "dd Mon yyyy", "dd. Mon yyyy", "dd Mon, yyyy", "ddMonyyyy"),
    *("dd-Mon-yy", "dd/Mon/yy", "dd Mon yy", "ddMonyy"),
    *("Mon dd, yyyy", "Mon dd yyyy", "Mon. dd, yyyy", "Mon-dd-yyyy", "Mon/dd/yyyy"),
    *("Mon-yyyy", "Mon/yyyy", "Mon yyyy", "Mon, yyyy", "Monyyyy", "Mon-yy"),
)
_DATE = re.compile(
    r"(?P<date>.+?)(?:(?P<between>T| |, )\d\d?:\d\d(?P<seconds>:\d\d(?:\.(?P<digits>\d{1,6}))?)?"
    r"(?P<half> ?(?:AM|PM|am|pm))?(?P<offset>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)


class DateGuess:
    """The formats in which every value is a date. Those of two orders are left as long as any day may be a month."""

    def __init__(self) -> None:
        self._left: list[Dates] | None = None

    def accepts(self, texts: pa.Array) -> bool:
        """Return whether all texts are dates in one format. None of the texts is missing."""
        if self._left is None:
            self._left = _date_formats(texts[0].as_py())
        self._left = [format for format in self._left if _are_dates(texts, format)]
        return bool(self._left)

    def format(self) -> Dates | None:
        """Return the format of the accepted texts. The month comes first if day and month cannot be told apart."""
        if not self._left:
            return None
        month_first = {format.layout.find("M") < format.layout.find("d") for format in self._left}
        return replace(self._left[0], assumed=len(month_first) > 1)


def _date_formats(text: str) -> list[Dates]:
    """Return the formats that a date may have; none for most other texts."""
    match = _DATE.fullmatch(text)
    if match is None:
        return []
    return [
        Dates(date + time, match["offset"] or "")
        for date, time in product(_date_layouts(match["date"]), _time_layouts(match))
    ]


def _date_layouts(date: str) -> list[str]:
    """Return the layouts that may be those of a date: they have numbers and names in the same places."""
    shape = re.sub("[A-Za-z]+", "Mon", re.sub(r"\d+", "0", date))
    alike = [layout for layout in _LAYOUTS if re.sub("yyyy|yy|MM|dd", "0", layout) == shape]
    names = [case(name) for name in ("Mon", "Month") for case in CASES] if "Mon" in shape else ["Mon"]
    padded = [layout.replace("Mon", name) for layout in alike for name in names]
    return list(dict.fromkeys(padded + [layout.replace("MM", "M").replace("dd", "d") for layout in padded]))


def _time_layouts(match: re.Match[str]) -> list[str]:
    """Return the layouts that the time of a date may have, the empty one if there is none."""
    if match["between"] is None:
        return [""]
    half = (match["half"] or "").translate(str.maketrans("Pp", "Aa"))
    seconds = ":ss" if match["seconds"] else ""
    decimals = "." + "S" * len(match["digits"]) if match["digits"] else ""
    hours = ("hh", "h") if half else ("HH", "H")
    return [f"{match['between']}{hour}:mm{seconds}{decimals}{half}" for hour in hours]


def _are_dates(texts: pa.Array, format: Dates) -> bool:
    try:
        if not all_true(format.conforms(texts)):
            return False
        format.parse(texts)
    except FormatError:
        return False
    return True
