"""What a generator is trained on in place of the real columns, and the way back to exact values and dtypes.

A generator reads meaning into names and values: a column called `id` becomes a key, text that looks like a date becomes
a date, and whole numbers pass through floats. So each column is trained in a form that the generator cannot misread:

text of repeated values        labels, looked up again afterwards
text of many unique values     the text itself, character by character
numbers, booleans              numbers of at most 53 bits, which a float holds exactly
dates                          dates, or numbers if nanoseconds since 1970 do not reach them
columns without any value      nothing
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from pool.protocols import RARE

ENCODINGS = {
    "category": "TABULAR_CATEGORICAL",
    "text": "TABULAR_CHARACTER",
    "number": "TABULAR_NUMERIC_AUTO",
    "date": "TABULAR_DATETIME",
}
EXACT_BITS = 53  # a float holds whole numbers of this many bits
SMALL_BITS = -20  # numbers all below 2**SMALL_BITS have digits beyond the 20 decimals that a generator reads
MAX_NAMED_VALUES = 100  # numbers too large to be exact are names, not amounts, if at most this many are distinct
UNIQUE_SHARE = 0.05  # text is spelt, not looked up, if more than this share of its values are unique
MIN_ROWS_TO_SPELL = 100
MAX_CHARACTERS_TO_SPELL = 36  # longer free text is beyond a tabular generator
EARLIEST, LATEST = pd.Timestamp(1678, 1, 1), pd.Timestamp(2262, 1, 1)  # the range of nanoseconds since 1970


class Codec(Protocol):
    """How one column is trained (`kind`: category, text, number or date), and the way there and back."""

    @property
    def kind(self) -> str: ...

    def encode(self, values: pd.Series) -> pd.Series: ...

    def decode(self, coded: pd.Series) -> pd.Series: ...


@dataclass(frozen=True)
class CategoryCodec:
    """Values known by their numbers. Values that are too rare come back as `rare`."""

    values: tuple[object, ...]
    rare: str | None
    kind: str = "category"

    def encode(self, values: pd.Series) -> pd.Series:
        labels = {value: f"v{number}" for number, value in enumerate(self.values)}
        return values.astype(object).map(labels).astype("str")

    def decode(self, coded: pd.Series) -> pd.Series:
        meanings = {f"v{number}": value for number, value in enumerate(self.values)} | {RARE: self.rare}
        return pd.Series([meanings.get(label) for label in coded], dtype=object)


@dataclass(frozen=True)
class TextCodec:
    """Text as it is."""

    kind: str = "text"

    def encode(self, values: pd.Series) -> pd.Series:
        return values.astype("str")

    def decode(self, coded: pd.Series) -> pd.Series:
        return coded


@dataclass(frozen=True)
class IntegerCodec:
    """Whole numbers (booleans too, as 0 and 1) without their `dropped_bits` lowest bits."""

    dropped_bits: int
    kind: str = "number"

    def encode(self, values: pd.Series) -> pd.Series:
        return values.astype("Int64") // (1 << self.dropped_bits)

    def decode(self, coded: pd.Series) -> pd.Series:
        whole = pd.to_numeric(coded).round().astype("Int64")
        limits = np.iinfo(np.int64)
        return whole.clip(limits.min >> self.dropped_bits, limits.max >> self.dropped_bits) * (1 << self.dropped_bits)


@dataclass(frozen=True)
class FloatCodec:
    """Numbers divided by `unit`, a power of two, so that 53 bits and 20 decimals are enough for them."""

    unit: float
    kind: str = "number"

    def encode(self, values: pd.Series) -> pd.Series:
        numbers = values.astype("float64")
        finite = numbers[np.isfinite(numbers)]
        return numbers.clip(finite.min(), finite.max()) / self.unit

    def decode(self, coded: pd.Series) -> pd.Series:
        return pd.to_numeric(coded).astype("Float64") * self.unit


@dataclass(frozen=True)
class DateCodec:
    """Dates and times, to the millisecond."""

    kind: str = "date"

    def encode(self, values: pd.Series) -> pd.Series:
        return values.astype("datetime64[us]")

    def decode(self, coded: pd.Series) -> pd.Series:
        return pd.to_datetime(coded)


@dataclass(frozen=True)
class WideDateCodec:
    """Dates and times far from 1970, as whole numbers of `unit` (of NumPy: D or us) since then."""

    unit: str
    numbers: IntegerCodec
    kind: str = "number"

    def encode(self, values: pd.Series) -> pd.Series:
        return self.numbers.encode(_since_1970(values, self.unit))

    def decode(self, coded: pd.Series) -> pd.Series:
        whole = self.numbers.decode(coded)
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

    def decode(self, coded: pd.DataFrame) -> pd.DataFrame:
        """Return sampled rows with the real columns: names, order, values and dtypes of the training data."""
        decoded = {
            name: codec.decode(coded[_safe_name(number)].reset_index(drop=True))
            for number, (name, codec) in enumerate(self.codecs.items())
        }
        nothing = pd.Series([None] * len(coded), dtype=object)
        return pd.DataFrame({name: _as_dtype(decoded.get(name, nothing), dtype) for name, dtype in self.dtypes.items()})


def codec_of(values: pd.Series) -> Codec:
    """Choose how a column with at least one value is trained."""
    known = values.dropna()
    if pd.api.types.is_datetime64_any_dtype(known):
        return DateCodec() if known.min() >= EARLIEST and known.max() < LATEST else _far_dates(known)
    if pd.api.types.is_bool_dtype(known) or pd.api.types.is_integer_dtype(known):
        known = known.astype("Int64")
        numbers = _whole(known)
        return _names(known) if numbers.dropped_bits > 0 and known.nunique() <= MAX_NAMED_VALUES else numbers
    if pd.api.types.is_numeric_dtype(known):
        known = known.astype("float64")
        if not np.isfinite(known).any():
            return _names(known)
        amounts = _real(known)
        return _names(known) if amounts.unit > 1 and known.nunique() <= MAX_NAMED_VALUES else amounts
    return TextCodec() if _is_spelt(known) else CategoryCodec(tuple(sorted(known.unique())), rare=RARE)


def _names(known: pd.Series) -> CategoryCodec:
    return CategoryCodec(tuple(sorted(known.unique())), rare=None)


def _is_spelt(text: pd.Series) -> bool:
    once = text.value_counts().eq(1).sum()
    is_varied = len(text) >= MIN_ROWS_TO_SPELL and once / len(text) > UNIQUE_SHARE
    return bool(is_varied and text.str.len().max() <= MAX_CHARACTERS_TO_SPELL)


def _whole(known: pd.Series) -> IntegerCodec:
    bits = max(abs(int(known.min())), abs(int(known.max()))).bit_length()
    return IntegerCodec(max(0, bits - EXACT_BITS))


def _real(known: pd.Series) -> FloatCodec:
    largest = known[np.isfinite(known)].abs().max()
    exponent = int(np.frexp(largest)[1]) if largest > 0 else 0
    if exponent > EXACT_BITS:
        return FloatCodec(2.0 ** (exponent - EXACT_BITS))
    return FloatCodec(2.0**exponent if exponent < SMALL_BITS else 1.0)


def _far_dates(known: pd.Series) -> WideDateCodec:
    unit = "D" if (known.dt.normalize() == known).all() else "us"
    return WideDateCodec(unit, _whole(_since_1970(known, unit)))


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
