"""The bins of one column, and the codes and hashes of its values.

All bins without training rows share one code, "(unseen)". Their targets are zero, so sharing a code leaves the error of
every table as it is, and the tables have fewer cells.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.breaks import DAY, date_breaks, date_labels, number_breaks, number_labels
from postprocess.data.formats import RARE, Booleans, Dates, Decimals, Format, Integers, Texts, is_text

IDENTIFYING_SHARE = 0.95  # a column may identify people if its distinct values are at least this share of all ...
MIN_VALUES = 100  # ... and if it has at least this many values
MAX_CATEGORIES = 10
MIN_CATEGORY_ROWS = 5  # text values in fewer training rows share the bin "(other)"
MISSING, EMPTY, OTHER, UNSEEN = "(n/a)", "(empty)", "(other)", "(unseen)"

_MISSING_BITS = np.uint64(0x7FF8_0000_0000_0000)  # the bits of a float's nan
_MULTIPLIERS = (np.uint64(0xBF58_476D_1CE4_E5B9), np.uint64(0x94D0_49BB_1331_11EB))  # of splitmix64
_INCREMENT = 0x9E37_79B9_7F4A_7C15


class Encoded(NamedTuple):
    """One column's values: their uint8 codes, their uint64 hashes, and which are a made-up `_RARE_` (None: none)."""

    codes: np.ndarray
    hashes: np.ndarray
    rare: np.ndarray | None


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers, dates or booleans, with bins between `edges` (float64, increasing).

    identifying: whether the training values hardly ever occur twice, as names and numbers of people do.
    code_of: the code (uint8) of each place. The place of a value is the result of np.searchsorted for the value among
    the edges, after it is clipped to edges[0]..high. The first and the last place are for missing values.
    """

    name: str
    format: Format
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
        codes = self.code_of[_places(floats, self.edges, self.high)]
        return Encoded(codes, _mixed(_bits(parsed, floats), salt), rare)


@dataclass(frozen=True)
class TextColumn:
    """A column of text, with bins for its frequent values.

    identifying: as in NumberColumn. categories: the frequent values, the names of the special bins, and "".
    code_of: the code (uint8) of each category, then that of all other values, then that of missing values.
    """

    name: str
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


class NumberTally:
    """Collects the training values of a column of numbers, dates or booleans: 8 bytes a row."""

    def __init__(self, format: Format) -> None:
        self._format = format
        self._pieces: list[np.ndarray] = []

    def add(self, values: pa.Array) -> None:
        """Collect more values.

        Raises FormatError if a value does not fit the format.
        """
        self._pieces.append(to_floats(self._format.parse(values)))

    def column(self, name: str) -> NumberColumn:
        """Return the column, with bins fitted to the collected values."""
        values = np.sort(np.concatenate(self._pieces))
        present = values[~np.isnan(values)]
        has_missing = len(present) < len(values)
        if isinstance(self._format, Booleans):
            breaks, labels = _boolean_bins(present, self._format, has_missing=has_missing)
        elif isinstance(self._format, Dates):
            breaks = date_breaks(present)
            labels = date_labels(breaks)
        else:
            breaks = number_breaks(present)
            labels = number_labels(breaks)
        # qa moves the last edge on, so that the last bin holds the largest value
        last = breaks[-1] + (DAY if isinstance(self._format, Dates) else 1)
        edges, high = np.append(breaks[:-1], last), float(breaks[-1])
        place_labels = [MISSING, *labels, MISSING]
        rows = np.bincount(_places(values, edges, high), minlength=len(place_labels))
        code_labels, code_of = _coded(place_labels, rows)
        return NumberColumn(name, self._format, self._is_identifying(present), code_labels, edges, high, code_of)

    def _is_identifying(self, present: np.ndarray) -> bool:
        """Return whether the column may identify people. present: (n,) sorted values, none missing."""
        if not isinstance(self._format, Integers | Decimals) or np.any(present != np.rint(present)):
            return False
        distinct = 1 + int(np.count_nonzero(present[1:] != present[:-1]))
        return _nearly_all_distinct(distinct, len(present))


class TextTally:
    """Counts the distinct training values of a text column, in the order in which they appear."""

    def __init__(self) -> None:
        self._values = pa.array([], pa.large_string())
        self._counts = np.zeros(0, np.int64)

    def add(self, values: pa.Array) -> None:
        """Count more values."""
        new = Texts().parse(values).cast(pa.large_string()).value_counts()
        both = pa.concat_arrays([self._values, new.field("values")]).dictionary_encode("encode")
        counts = np.concatenate([self._counts, new.field("counts").to_numpy()])
        self._values = both.dictionary
        self._counts = np.bincount(both.indices.to_numpy(), counts).astype(np.int64)

    def column(self, name: str) -> TextColumn:
        """Return the column, with bins fitted to the counted values."""
        tally: Counter[str] = Counter()
        for text, count in zip(self._values.to_pylist(), self._counts.tolist(), strict=True):
            tally[MISSING if text is None else text or EMPTY] += count
        frequent = [label for label, count in tally.most_common(MAX_CATEGORIES) if count >= MIN_CATEGORY_ROWS]
        special = [EMPTY, OTHER, RARE, MISSING]
        bins = [*sorted(set(frequent) - set(special)), *special]
        rows = {label: tally[label] for label in bins}
        rows[OTHER] += tally.total() - sum(rows.values())
        place_labels = [*bins, EMPTY, OTHER, MISSING]  # the last three are for "", for any other value and for null
        labels, code_of = _coded(place_labels, [*rows.values(), 0, 0, 0])
        categories = pa.array([*bins, ""], pa.large_string())
        identifying = _nearly_all_distinct(len(tally.keys() - {MISSING}), tally.total() - tally[MISSING])
        return TextColumn(name, identifying, labels, categories, code_of, has_rare=RARE in tally)


def _nearly_all_distinct(distinct: int, values: int) -> bool:
    return values >= MIN_VALUES and distinct >= IDENTIFYING_SHARE * values


def to_floats(values: pa.Array) -> np.ndarray:
    """Return parsed numbers, booleans or dates as float64, nan if missing; dates in microseconds since 1970."""
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _boolean_bins(present: np.ndarray, format: Booleans, *, has_missing: bool) -> tuple[np.ndarray, list[str]]:
    """Return breaks and labels. qa treats booleans as numbers, but as categories if some are missing."""
    if not has_missing:
        breaks = number_breaks(present)
        return breaks, [format.true if start else format.false for start in breaks[:-1]]
    counts = np.bincount(present.astype(np.int64), minlength=2)
    labels = [
        label if rows >= MIN_CATEGORY_ROWS else OTHER
        for label, rows in zip((format.false, format.true), counts, strict=True)
    ]
    return np.array([0.0, 1.0, 2.0]), labels


def _places(floats: np.ndarray, edges: np.ndarray, high: float) -> np.ndarray:
    return np.searchsorted(edges, np.clip(floats, edges[0], high), side="right")


def _coded(place_labels: list[str], rows: Iterable[int]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the labels of the codes, and the code of each place.

    place_labels: the label of each place; places of one label share a code. rows: the number of training rows of each
    place.
    """
    rows_of: Counter[str] = Counter()
    for label, count in zip(place_labels, rows, strict=True):
        rows_of[label] += int(count)
    labels = [label for label in rows_of if rows_of[label] and label != MISSING]
    labels += [MISSING] if rows_of[MISSING] else []
    unseen = len(labels)
    codes = [labels.index(label) if rows_of[label] else unseen for label in place_labels]
    labels += [UNSEEN] if unseen in codes else []
    return tuple(labels), np.array(codes, np.uint8)


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
