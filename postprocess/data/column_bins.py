"""The bins of one column, and the codes and hashes of its values.

All bins without training rows share one code, "(unseen)". Their targets are zero, so sharing a code leaves the error of
every table as it is, and the tables have fewer cells.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.formats import RARE, Format, Texts, is_text

MISSING, EMPTY, OTHER, UNSEEN = "(n/a)", "(empty)", "(other)", "(unseen)"
MIN_SHOWN_ROWS = 10  # a text value repeats if it occurs in at least this many rows
REPEATING_SHARE = 0.5  # text is a category if values that repeat fill at least this share of the rows with a value ...
FEW_ROWS = 200  # ... and text in fewer rows than these is one if each value occurs twice on average

_MISSING_BITS = np.uint64(0x7FF8_0000_0000_0000)  # the bits of a float's nan
_MULTIPLIERS = (np.uint64(0xBF58_476D_1CE4_E5B9), np.uint64(0x94D0_49BB_1331_11EB))  # of splitmix64
_INCREMENT = 0x9E37_79B9_7F4A_7C15


class Kind(StrEnum):
    """What a column is taken for."""

    NUMBER = "number"
    DATE = "date"
    TRUTH = "true/false"
    CATEGORY = "category"
    TEXT = "text"
    IDENTIFIER = "identifier"


@dataclass(frozen=True)
class Facts:
    """The numbers of rows, of missing values and of distinct values that a column of the training data has.

    Distinct numbers are counted as float64. repeating: the share of the rows with a value whose value occurs in at
    least MIN_SHOWN_ROWS rows; None if the column is not text.
    """

    rows: int
    missing: int
    distinct: int
    repeating: float | None = None

    @property
    def present(self) -> int:
        """The number of rows with a value."""
        return self.rows - self.missing

    @property
    def repeats(self) -> bool:
        """Whether the values of a text column repeat, as those of categories do."""
        if self.present < FEW_ROWS:
            return 2 * self.distinct <= self.present
        return self.repeating is not None and self.repeating >= REPEATING_SHARE


class Encoded(NamedTuple):
    """One column's values: their uint8 codes, their uint64 hashes, and which are a made-up `_RARE_` (None: none)."""

    codes: np.ndarray
    hashes: np.ndarray
    rare: np.ndarray | None


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers, dates or booleans, with bins between `edges` (float64, increasing).

    kind: what the column is taken for, or what the user says that it is. identifying: whether the training values
    hardly ever occur twice, as names and numbers of people do.
    code_of: the code (uint8) of each place. The place of a value is the result of np.searchsorted for the value among
    the edges, after it is clipped to edges[0]..high. The first and the last place are for missing values.
    """

    name: str
    format: Format
    kind: Kind
    facts: Facts
    identifying: bool
    labels: tuple[str, ...]
    edges: np.ndarray
    high: float
    code_of: np.ndarray

    def encode(self, values: pa.Array, *, salt: int = 0) -> Encoded:
        """Return the codes and hashes of values of any Arrow type.

        Raises FormatError if a value does not fit the format.
        """
        parsed = self.format.parse(values)
        floats = to_floats(parsed)
        rare = None
        if parsed.null_count > values.null_count and is_text(values):
            rare = pc.fill_null(pc.equal(values, RARE), False).to_numpy(zero_copy_only=False)
        codes = self.code_of[places_of(floats, self.edges, self.high)]
        return Encoded(codes, _mixed(_bits(parsed, floats), salt), rare)


@dataclass(frozen=True)
class TextColumn:
    """A column of text, with bins for its frequent values.

    kind, identifying: as in NumberColumn. categories: the frequent values, the names of the special bins, and "".
    code_of: the code (uint8) of each category, then that of all other values, then that of missing values.
    """

    name: str
    kind: Kind
    facts: Facts
    identifying: bool
    labels: tuple[str, ...]
    categories: pa.Array = field(repr=False)
    code_of: np.ndarray
    has_rare: bool
    format: Texts = field(default_factory=Texts)

    def encode(self, values: pa.Array, *, salt: int = 0) -> Encoded:
        """Return the codes and hashes of values of any Arrow type."""
        texts = self.format.parse(values).dictionary_encode()
        distinct = texts.dictionary
        places = pc.index_in(distinct, self.categories.cast(distinct.type)).fill_null(len(self.categories)).to_numpy()
        codes = np.append(self.code_of[places], self.code_of[-1])
        hashes = pd.util.hash_array(distinct.to_numpy(zero_copy_only=False), categorize=False)
        hashes = _mixed(np.append(hashes, _MISSING_BITS), salt)
        which = texts.indices.fill_null(len(distinct)).to_numpy()
        rare = -1 if self.has_rare else pc.index(distinct, pa.scalar(RARE, distinct.type)).as_py()
        return Encoded(codes[which], hashes[which], which == rare if rare >= 0 else None)


Column = NumberColumn | TextColumn


def to_floats(values: pa.Array) -> np.ndarray:
    """Return parsed numbers, booleans or dates as float64, nan if missing; dates in microseconds since 1970."""
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def places_of(floats: np.ndarray, edges: np.ndarray, high: float) -> np.ndarray:
    """Return the place of each value among the edges, see `NumberColumn`: (n,) int64."""
    return np.searchsorted(edges, np.clip(floats, edges[0], high), side="right")


def _bits(values: pa.Array, floats: np.ndarray) -> np.ndarray:
    """Return 64 bits for each value that differ if the values do: of whole numbers exactly, of others as floats.

    A negative zero counts as zero.
    """
    if pa.types.is_int64(values.type):
        bits = values.fill_null(0).to_numpy().view(np.uint64)
    else:
        bits = (floats + 0.0).view(np.uint64)
    return np.where(np.isnan(floats), _MISSING_BITS, bits) if values.null_count else bits


def _mixed(bits: np.ndarray, salt: int) -> np.ndarray:
    """Return the splitmix64 hashes of `bits`. Each `salt` gives other hashes."""
    mixed = bits + np.uint64((salt + 1) * _INCREMENT % 2**64)
    for shift, multiplier in zip((30, 27), _MULTIPLIERS, strict=True):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= multiplier
    mixed ^= mixed >> np.uint64(31)
    return mixed
