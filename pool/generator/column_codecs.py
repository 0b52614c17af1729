"""What a generator is trained on in place of the real columns, and the way back to exact values and dtypes.

A generator reads meaning into names and values: a column called `id` becomes a key, text that looks like a date becomes
a date, and whole numbers pass through floats. So each column is trained in a form that the generator cannot misread:

numbers, booleans              classes of frequent values and of ranges (`number_codec`)
text                           classes of frequent values, and one of all others (`text_codec`)
dates                          dates, or numbers if nanoseconds since 1970 do not reach them
columns without any value      nothing
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from pool.generator.number_codec import NumberCodec
from pool.generator.text_codec import TextCodec

ENCODINGS = {"category": "TABULAR_CATEGORICAL", "date": "TABULAR_DATETIME"}
EARLIEST, LATEST = pd.Timestamp(1678, 1, 1), pd.Timestamp(2262, 1, 1)  # the range of nanoseconds since 1970


class Codec(Protocol):
    """How one column is trained (`kind`: category or date), and the way there and back."""

    @property
    def kind(self) -> str: ...

    def encode(self, values: pd.Series) -> pd.Series: ...

    def decode(self, coded: pd.Series, rng: np.random.Generator) -> pd.Series: ...


@dataclass(frozen=True)
class DateCodec:
    """Dates and times, to the millisecond."""

    kind: str = "date"

    def encode(self, values: pd.Series) -> pd.Series:
        return values.astype("datetime64[us]")

    def decode(self, coded: pd.Series, rng: np.random.Generator) -> pd.Series:
        return pd.to_datetime(coded)


@dataclass(frozen=True)
class WideDateCodec:
    """Dates and times far from 1970, as whole numbers of `unit` (of NumPy: D or us) since then."""

    unit: str
    numbers: NumberCodec
    kind: str = "category"

    def encode(self, values: pd.Series) -> pd.Series:
        return self.numbers.encode(_since_1970(values, self.unit))

    def decode(self, coded: pd.Series, rng: np.random.Generator) -> pd.Series:
        whole = self.numbers.decode(coded, rng)
        since = whole.fillna(0).to_numpy("int64").astype(f"datetime64[{self.unit}]").astype("datetime64[us]")
        return pd.Series(since).mask(whole.isna().to_numpy())


@dataclass(frozen=True)
class ColumnCodecs:
    """The codecs of the columns of a frame. A column without any value has no codec."""

    dtypes: dict[str, object]
    codecs: dict[str, Codec]

    @classmethod
    def of(cls, training: pd.DataFrame) -> "ColumnCodecs":
        filled = [name for name in training.columns if training[name].notna().any()]
        return cls(dict(training.dtypes), {name: codec_of(training[name]) for name in filled})

    def encodings(self) -> dict[str, str]:
        """Return the engine's encoding type of each trained column, by the safe name of the column."""
        return {_safe_name(number): ENCODINGS[codec.kind] for number, codec in enumerate(self.codecs.values())}

    def encode(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame that is trained on: only columns with values, under safe names."""
        parts = [codec.encode(frame[name]).array for name, codec in self.codecs.items()]
        return pd.DataFrame({_safe_name(number): part for number, part in enumerate(parts)})

    def decode(self, coded: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        """Return sampled rows with the real columns: names, order, values and dtypes of the training data.

        rng: draws the numbers within their ranges, and made-up text.
        """
        decoded = {
            name: codec.decode(coded[_safe_name(number)].reset_index(drop=True), rng)
            for number, (name, codec) in enumerate(self.codecs.items())
        }
        nothing = pd.Series([None] * len(coded), dtype=object)
        return pd.DataFrame({name: _as_dtype(decoded.get(name, nothing), dtype) for name, dtype in self.dtypes.items()})


def codec_of(values: pd.Series) -> Codec:
    """Choose how a column with at least one value is trained.

    Text of dtype "category" stands for names, so its rare values are replaced by frequent ones. Other rare text is
    replaced by made-up text.
    """
    known = values.dropna()
    if pd.api.types.is_datetime64_any_dtype(known):
        return DateCodec() if known.min() >= EARLIEST and known.max() < LATEST else _far_dates(known)
    if pd.api.types.is_numeric_dtype(known):  # booleans too
        return NumberCodec.of(known)
    return TextCodec.of(known, replaced=isinstance(known.dtype, pd.CategoricalDtype))


def _far_dates(known: pd.Series) -> WideDateCodec:
    unit = "D" if (known.dt.normalize() == known).all() else "us"
    return WideDateCodec(unit, NumberCodec.of(_since_1970(known, unit)))


def _since_1970(values: pd.Series, unit: str) -> pd.Series:
    dates = values.to_numpy(dtype="datetime64[us]").astype(f"datetime64[{unit}]")
    return pd.Series(dates.astype("int64"), dtype="Int64").mask(np.isnat(dates))


def _safe_name(number: int) -> str:
    return f"c{number:04d}"


def _as_dtype(values: pd.Series, dtype: object) -> pd.Series:
    # A column without missing values can come back with some. NumPy's whole numbers and booleans cannot hold them.
    if isinstance(dtype, np.dtype) and dtype.kind in "iub" and values.isna().any():
        dtype = "boolean" if dtype.kind == "b" else "Int64"
    if values.dtype == object and values.isna().all():
        return pd.Series([None] * len(values), dtype=dtype)
    return values.astype(dtype)
