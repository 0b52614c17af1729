"""Finds the text format of each column from the training data's values, much as pandas.read_csv finds its types."""

from dataclasses import replace

import numpy as np
import pyarrow as pa

from postprocess.data.date_guesses import DateGuess
from postprocess.data.dressed_guesses import DressGuess
from postprocess.data.formats import Booleans, Dates, Decimals, Format, Integers, Texts
from postprocess.data.number_guesses import CommaGuess, NumberGuess, fit_64_bits
from postprocess.data.sources import Source
from postprocess.runtime.progress import Progress

_SPELLINGS = {  # pandas.read_csv's booleans, and the function that spells the other one in the same style
    **dict.fromkeys(("True", "False"), str.title),
    **dict.fromkeys(("TRUE", "FALSE"), str.upper),
    **dict.fromkeys(("true", "false"), str.lower),
}


def infer_formats(source: Source, *, progress: Progress) -> dict[str, Format]:
    """Return the format of each column, by name, after one pass over all rows.

    The columns of a CSV get their formats as pandas.read_csv gives types, with four exceptions. Numbers with leading
    zeros ("007") are text. Whole numbers beyond 64 bits are text. Text is a date if all values are dates or times in
    one layout. Text is a number if all values are numbers in one dress. If the separator is not a comma, numbers may
    have decimal commas. The columns of a Parquet file get the formats of their types: text stays text, even if it looks
    like dates.
    """
    guesses: dict[str, _TypedGuess | _TextGuess] = {
        name: _TypedGuess() if source.typed else _TextGuess(commas=source.dialect.separator != ",")
        for name in source.columns
    }
    with progress.task("Reading the training data's formats", total=source.row_count(), unit="row") as task:
        for batch in source.batches():
            for name, guess in guesses.items():
                guess.update(batch.column(name))
            task.advance(batch.num_rows)
    return {name: guess.format() for name, guess in guesses.items()}


class _TextGuess:
    """The formats that a column of text values may still have, after the values seen so far."""

    def __init__(self, *, commas: bool) -> None:
        self._empty = True
        self._left: list[NumberGuess | CommaGuess | _BooleanGuess | DateGuess | DressGuess]
        self._left = [NumberGuess(), *[CommaGuess()] * commas, _BooleanGuess(), DateGuess(), DressGuess(commas=commas)]

    def update(self, texts: pa.Array) -> None:
        distinct = texts.unique().drop_null()
        if len(distinct):
            self._empty = False
            self._left = [guess for guess in self._left if guess.accepts(distinct)]

    def format(self) -> Format:
        if self._empty:
            return Decimals()  # pandas reads a column without values as float64
        return next((format for guess in self._left if (format := guess.format()) is not None), Texts())


class _TypedGuess:
    """The format of a typed column. Its values decide only the decimals of floats and the precision of times."""

    def __init__(self) -> None:
        self._type = pa.null()
        self._fits = True
        self._decimals = NumberGuess()
        self._finest = 0

    def update(self, values: pa.Array) -> None:
        self._type = values.type
        if pa.types.is_uint64(values.type) or pa.types.is_decimal(values.type):
            self._fits = self._fits and fit_64_bits(values)
        elif pa.types.is_floating(values.type):
            distinct = np.unique(values.drop_null().to_numpy())
            texts = [str(number) for number in distinct if not np.isnan(number)]
            if texts:
                self._decimals.accepts(pa.array(texts, pa.string()))
        elif pa.types.is_timestamp(values.type):
            self._finest = max(self._finest, _precision(values))

    def format(self) -> Format:
        type = self._type
        if pa.types.is_integer(type) or (pa.types.is_decimal(type) and type.scale <= 0):
            return Integers() if self._fits else Texts()
        if pa.types.is_decimal(type):
            return Decimals(type.scale, type.scale)
        if pa.types.is_floating(type) or pa.types.is_null(type):
            return self._decimals.format() or Decimals()
        if pa.types.is_boolean(type):
            return Booleans()
        if pa.types.is_date(type):
            return Dates()
        if pa.types.is_timestamp(type):
            format = _PRECISIONS[self._finest][1]
            return replace(format, offset="+00:00") if type.tz and self._finest else format
        return Texts()


class _BooleanGuess:
    """Booleans, as long as every value is one that pandas.read_csv knows. Remembers their spellings."""

    def __init__(self) -> None:
        self._spellings: dict[str, None] = {}  # in the order in which they appear

    def accepts(self, texts: pa.Array) -> bool:
        if len(texts) > len(_SPELLINGS) or not set(texts.to_pylist()) <= _SPELLINGS.keys():
            return False
        self._spellings.update(dict.fromkeys(texts.to_pylist()))
        return True

    def format(self) -> Format:
        seen = list(self._spellings)
        style = _SPELLINGS[seen[0]]
        true, false = (next((text for text in seen if text.lower() == word), style(word)) for word in ("true", "false"))
        return Booleans(true, false, tuple(text for text in seen if text not in (true, false)))


_PRECISIONS = (  # of typed times: the step in microseconds, and the shortest format that shows it
    (24 * 3600 * 10**6, Dates()),
    (10**6, Dates("yyyy-MM-dd HH:mm:ss")),
    (10**3, Dates("yyyy-MM-dd HH:mm:ss.SSS")),
    (1, Dates("yyyy-MM-dd HH:mm:ss.SSSSSS")),
)


def _precision(times: pa.Array) -> int:
    """Return the place of the coarsest of `_PRECISIONS` that loses nothing."""
    ticks = times.cast(pa.timestamp("us", times.type.tz), safe=False).cast(pa.int64()).drop_null().to_numpy()
    return next(place for place, (step, _) in enumerate(_PRECISIONS) if not np.any(ticks % step))
