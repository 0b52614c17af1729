"""What all text formats share: the error for a value that does not fit, and the way from distinct values to all."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

RARE = "_RARE_"  # what a MOSTLY AI generator writes in place of a value too rare to show


class FormatError(ValueError):
    """A value does not fit the format of its column. `index` is the place of the value in its array."""

    def __init__(self, index: int, value: str, expected: str) -> None:
        super().__init__(f"{value!r} is not {expected}")
        self.index = index
        self.expected = expected


def is_text(values: pa.Array) -> bool:
    """Return whether the values are strings."""
    return pa.types.is_string(values.type) or pa.types.is_large_string(values.type)


def as_text(values: pa.Array) -> pa.Array:
    """Return values of any type as text, null if missing."""
    if is_text(values):
        return values
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
    return in_utc(values).cast(pa.string())


def in_utc(values: pa.Array) -> pa.Array:
    """Return timestamps of any zone as those of UTC, since Arrow may not know the zone. Other values stay."""
    if not pa.types.is_timestamp(values.type) or values.type.tz is None:
        return values
    return values.cast(pa.timestamp(values.type.unit, "UTC"))


def by_distinct(values: pa.Array, convert: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Return what `convert` makes of the values, null if missing. It gets each distinct value once, and no null.

    Raises FormatError if `convert` does, with the place of the value among all.
    """
    distinct = values.dictionary_encode()
    try:
        converted = convert(distinct.dictionary)
    except FormatError as error:
        index = pc.index(distinct.indices, error.index).as_py()
        raise FormatError(index, str(distinct.dictionary[error.index]), error.expected) from None
    return converted.take(distinct.indices)


def parse_each(texts: pa.Array, parse: Callable[[str], object], type: pa.DataType, expected: str) -> pa.Array:
    """Return the values that `parse` makes of each distinct text, null if missing or `_RARE_`.

    parse: raises ValueError or OverflowError for a text that does not fit. type: of the result.

    Raises FormatError if a text does not fit. `expected` names what fits.
    """

    def convert(distinct: pa.Array) -> pa.Array:
        values = []
        for place, text in enumerate(distinct.to_pylist()):
            try:
                values.append(None if text == RARE else parse(text.strip()))
            except (ValueError, OverflowError):
                raise FormatError(place, text, expected) from None
        return pa.array(values, type)

    return by_distinct(texts, convert)
