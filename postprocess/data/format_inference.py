"""Finds each column's text format from the training data's cells, the way pandas.read_csv finds its types."""

import re
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.formats import NUMBER, Booleans, CellError, Dates, Decimals, Format, Integers, Texts
from postprocess.data.sources import Source
from postprocess.runtime.progress import Progress

EXACT_DECIMALS = 15  # with more decimals than these, a float64's shortest exact text is written instead

_WHOLE = r"^\s*[+-]?\d+\s*$"
_NOT_BARE = r"[\s+]"
_LEADING_ZERO = r"^\s*[+-]?0\d"
_EXPONENT = r"(?i)\d\.?e"
_NOT_PLAIN = r"(?i)[ef]"  # exponents and infinities
_NUMBER = rf"(?i)^\s*{NUMBER.pattern}\s*$"
_SPELLINGS = {  # pandas.read_csv's booleans, and how to spell the other one likewise
    **dict.fromkeys(("True", "False"), str.title),
    **dict.fromkeys(("TRUE", "FALSE"), str.upper),
    **dict.fromkeys(("true", "false"), str.lower),
}
_DATE = re.compile(
    r"(?:\d{4}(?P<iso>[-/])\d\d(?P=iso)\d\d|\d\d(?P<mark>[-/.])\d\d(?P=mark)\d{4})"
    r"(?:(?P<between>[T ])\d\d:\d\d(?P<seconds>:\d\d(?:\.(?P<digits>\d{1,6}))?)?(?P<offset>Z|[+-]\d\d:?\d\d)?)?",
    re.ASCII,
)


def infer_formats(source: Source, *, progress: Progress) -> dict[str, Format]:
    """Each column's format, by name, from one pass over all rows. Parquet types settle theirs by themselves:
    text is text there, even where it spells dates.

    As pandas.read_csv, but numbers with leading zeros ("007") and whole numbers beyond 64 bits are text, and text
    whose every cell is a date or time in one and the same unambiguous format is a date.
    """
    guesses: dict[str, _TypedGuess | _TextGuess] = {
        name: _TypedGuess() if source.typed else _TextGuess() for name in source.columns
    }
    with progress.task("Reading the training data's formats", total=source.row_count(), unit="row") as task:
        for batch in source.batches():
            for name, guess in guesses.items():
                guess.see(batch.column(name))
            task.advance(batch.num_rows)
    return {name: guess.format() for name, guess in guesses.items()}


class _TextGuess:
    """What a column of text cells may still be, after the cells seen so far."""

    def __init__(self) -> None:
        self._empty = True
        self._left: list[_Numbers | _Booleans | _Dates] = [_Numbers(), _Booleans(), _Dates()]

    def see(self, cells: pa.Array) -> None:
        distinct = cells.unique().drop_null()
        if len(distinct):
            self._empty = False
            self._left = [guess for guess in self._left if guess.takes(distinct)]

    def format(self) -> Format:
        if self._empty:
            return Decimals()  # all cells are missing: float64 to pandas
        return next((format for guess in self._left if (format := guess.format()) is not None), Texts())


class _TypedGuess:
    """A typed column's format: only the decimals of floats, and the precision of times, depend on the cells."""

    def __init__(self) -> None:
        self._type = pa.null()
        self._fits = True
        self._decimals = _Numbers()
        self._finest = 0

    def see(self, cells: pa.Array) -> None:
        self._type = cells.type
        if pa.types.is_uint64(cells.type) or pa.types.is_decimal(cells.type):
            self._fits = self._fits and _fit_64_bits(cells)
        elif pa.types.is_floating(cells.type):
            distinct = np.unique(cells.drop_null().to_numpy())
            texts = [str(number) for number in distinct if not np.isnan(number)]
            if texts:
                self._decimals.takes(pa.array(texts, pa.string()))
        elif pa.types.is_timestamp(cells.type):
            self._finest = max(self._finest, _precision(cells))

    def format(self) -> Format:
        kind = self._type
        if pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale <= 0):
            return Integers() if self._fits else Texts()
        if pa.types.is_decimal(kind):
            return Decimals(kind.scale, kind.scale)
        if pa.types.is_floating(kind) or pa.types.is_null(kind):
            return self._decimals.format() or Decimals()
        if pa.types.is_boolean(kind):
            return Booleans()
        if pa.types.is_date(kind):
            return Dates()
        if pa.types.is_timestamp(kind):
            format = _PRECISIONS[self._finest][1]
            return replace(format, offset="+00:00") if kind.tz and format.between else format
        return Texts()


class _Numbers:
    """Counts decimals while every cell is a number."""

    def __init__(self) -> None:
        self._whole = self._fits = self._plain = True
        self._least: int | None = None
        self._most: int | None = 0

    def takes(self, cells: pa.Array) -> bool:
        if not _all(pc.match_substring_regex(cells, _NUMBER)) or _any(pc.match_substring_regex(cells, _LEADING_ZERO)):
            return False
        if self._whole and _all(pc.match_substring_regex(cells, _WHOLE)):
            self._fits = self._fits and _fit_64_bits(cells)
            self._plain = self._plain and not _any(pc.match_substring_regex(cells, _NOT_BARE))
            self._least = 0
            return True
        self._whole = False
        if _any(pc.match_substring_regex(cells, _EXPONENT)):
            self._most = None
        plain = pc.utf8_trim_whitespace(cells.filter(pc.invert(pc.match_substring_regex(cells, _NOT_PLAIN))))
        decimals = pc.min_max(pc.utf8_length(pc.replace_substring_regex(plain, r"^[^.]*\.?", "")))
        if decimals["min"].is_valid:
            least, most = decimals["min"].as_py(), decimals["max"].as_py()
            self._least = least if self._least is None else min(self._least, least)
            self._most = None if self._most is None or most > EXACT_DECIMALS else max(self._most, most)
        return True

    def format(self) -> Format | None:
        if self._least is None:  # no cell that tells
            return Decimals()
        if self._whole:
            return Integers(self._plain) if self._fits else None
        return Decimals(self._least, self._most)


class _Booleans:
    """Remembers how true and false are spelt while every cell is one of them, as pandas.read_csv knows them."""

    def __init__(self) -> None:
        self._spellings: dict[str, None] = {}  # in the order in which they were met

    def takes(self, cells: pa.Array) -> bool:
        if len(cells) > len(_SPELLINGS) or not set(cells.to_pylist()) <= _SPELLINGS.keys():
            return False
        self._spellings.update(dict.fromkeys(cells.to_pylist()))
        return True

    def format(self) -> Format:
        met = list(self._spellings)
        style = _SPELLINGS[met[0]]
        true, false = (next((text for text in met if text.lower() == kind), style(kind)) for kind in ("true", "false"))
        return Booleans(true, false, tuple(text for text in met if text not in (true, false)))


class _Dates:
    """Keeps the date formats that every cell follows: two, where days and months cannot be told apart."""

    def __init__(self) -> None:
        self._left: list[Dates] | None = None

    def takes(self, cells: pa.Array) -> bool:
        if self._left is None:
            self._left = _date_formats(cells[0].as_py())
        self._left = [format for format in self._left if _follows(cells, format)]
        return bool(self._left)

    def format(self) -> Format | None:
        return self._left[0] if self._left is not None and len(self._left) == 1 else None


def _date_formats(cell: str) -> list[Dates]:
    match = _DATE.fullmatch(cell)
    if match is None:
        return []
    orders = ["Ymd"] if match["iso"] else ["dmY"] if match["mark"] == "." else ["dmY", "mdY"]
    return [
        Dates(
            order=order,
            mark=match["iso"] or match["mark"],
            between=match["between"] or "",
            seconds=match["seconds"] is not None,
            digits=len(match["digits"] or ""),
            offset=match["offset"] or "",
        )
        for order in orders
    ]


_PRECISIONS = (  # of typed times, and the format that shows just enough
    (24 * 3600 * 10**6, Dates()),
    (10**6, Dates(between=" ", seconds=True)),
    (10**3, Dates(between=" ", seconds=True, digits=3)),
    (1, Dates(between=" ", seconds=True, digits=6)),
)


def _precision(cells: pa.Array) -> int:
    """Place of the coarsest of `_PRECISIONS` that loses nothing."""
    ticks = cells.cast(pa.timestamp("us", cells.type.tz), safe=False).cast(pa.int64()).drop_null().to_numpy()
    return next(place for place, (step, _) in enumerate(_PRECISIONS) if not np.any(ticks % step))


def _follows(cells: pa.Array, format: Dates) -> bool:
    try:
        if not _all(format.stands(cells)):
            return False
        format.parse(cells)
    except CellError:
        return False
    return True


def _fit_64_bits(cells: pa.Array) -> bool:
    return Integers().parse(cells).null_count == cells.null_count  # parsing makes null of what does not fit


def _all(matches: pa.Array) -> bool:
    return pc.all(matches).as_py()


def _any(matches: pa.Array) -> bool:
    return pc.any(matches, min_count=0).as_py()
