"""Text formats: how the training data writes the values of a column, and how to write other values in the same way.

The result has the training data's formats. A pool that this project makes has them already. A pool from elsewhere may
not: it may be a Parquet file, or a CSV with "5.0" among whole numbers. `to_format` turns typed values into text. In a
CSV it changes only the values that break the format of their column, and all others stay byte for byte. More decimals
than the training data has do not break a format.

A format works on whole Arrow arrays. `parse` turns values of any Arrow type (text from a CSV, typed ones from Parquet)
into values of the format's own type. `write` turns those into text. `conforms` finds the texts that follow the format
already.
"""

from dataclasses import dataclass
from typing import ClassVar, TypeGuard

import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.date_formats import Dates
from postprocess.data.dressed_formats import Dressed
from postprocess.data.format_values import RARE, FormatError, as_text, is_text, parse_each
from postprocess.data.number_formats import EXACT_WHOLE, NUMBER, Decimals, Integers, widest

__all__ = [
    "EXACT_WHOLE",
    "NUMBER",
    "RARE",
    "Booleans",
    "Dates",
    "Decimals",
    "Dressed",
    "Format",
    "FormatError",
    "Integers",
    "Texts",
    "is_number",
    "is_text",
    "to_format",
]


@dataclass(frozen=True)
class Booleans:
    """Truth values in the training data's spelling."""

    true: str = "True"
    false: str = "False"
    extra_spellings: tuple[str, ...] = ()  # the other spellings in the training data
    type: ClassVar[pa.DataType] = pa.bool_()

    def parse(self, values: pa.Array) -> pa.Array:
        """Return booleans, null if missing or `_RARE_`. The numbers 1 and 0 count as booleans.

        Raises FormatError if a value is not a boolean.
        """
        if pa.types.is_boolean(values.type):
            return values
        return parse_each(as_text(values), _parse_boolean, self.type, "a boolean")

    def write(self, booleans: pa.Array) -> pa.Array:
        """Return booleans as text, null if missing."""
        return pc.if_else(booleans, self.true, self.false)

    def conforms(self, texts: pa.Array) -> pa.Array:
        """Return which texts have a spelling of the training data."""
        spellings = pa.array([self.true, self.false, *self.extra_spellings], texts.type)
        return pc.if_else(pc.is_valid(texts), pc.is_in(texts, spellings), None)


@dataclass(frozen=True)
class Texts:
    """Any text, kept as it is."""

    type: ClassVar[pa.DataType] = pa.string()

    def parse(self, values: pa.Array) -> pa.Array:
        """Return values as text, null if missing."""
        return as_text(values)

    def write(self, texts: pa.Array) -> pa.Array:
        """Return the texts unchanged."""
        return texts

    def conforms(self, texts: pa.Array) -> pa.Array:
        """Return True for each text, null if missing."""
        return pc.if_else(pc.is_valid(texts), True, None)


Number = Integers | Decimals | Dressed
Format = Number | Booleans | Dates | Texts


def is_number(format: Format) -> TypeGuard[Number]:
    """Return whether the values of a format are numbers."""
    return isinstance(format, Number)


def to_format(format: Format, values: pa.Array, *, already_missing: pa.Array | None = None) -> tuple[pa.Array, int]:
    """Return values of any type as text in `format`, and the number of text values that had to change.

    Text values that follow the format already stay byte for byte. Text values in the mask `already_missing` are not
    looked at and stay as well.

    Raises FormatError if a value does not fit the format.
    """
    if not is_text(values):
        is_exact = format.type == Decimals.type and pa.types.is_decimal(values.type)  # floats would change digits
        return format.write(widest(values) if is_exact else format.parse(values)), 0
    broken = pc.fill_null(pc.invert(format.conforms(values)), False)
    if already_missing is not None:
        broken = pc.and_not(broken, already_missing)
    if not pc.any(broken).as_py():
        return values, 0
    doubtful = values.filter(broken)
    written = format.write(format.parse(doubtful)).cast(values.type)
    changed = pc.fill_null(pc.not_equal(doubtful, written), True)
    return pc.replace_with_mask(values, broken, written), pc.sum(changed).as_py()


def _parse_boolean(text: str) -> bool:
    spelling = text.lower()
    if spelling not in ("true", "false", "1", "0", "1.0", "0.0"):
        raise ValueError
    return spelling in ("true", "1", "1.0")
