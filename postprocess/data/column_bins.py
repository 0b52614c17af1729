"""One column's bins, and the codes and hashes of its cells.

All bins that hold no training row share one code, "(unseen)": their targets are zero, so every table's error stays
the same, with fewer cells.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data import breaks as edges
from postprocess.data.formats import RARE, Booleans, Dates, Decimals, Format, Integers, Texts, is_text

IDENTIFYING_SHARE, LEAST_CELLS = 0.95, 100  # distinct values, as a share of the cells, where there are so many
MAXIMUM_CATEGORIES = 10
MINIMUM_CATEGORY_ROWS = 5  # text values in fewer training rows share the bin of the others
MISSING, EMPTY, OTHER, UNSEEN = "(n/a)", "(empty)", "(other)", "(unseen)"

_MISSING_BITS = np.uint64(0x7FF8_0000_0000_0000)  # those of a float's nan
_MULTIPLIERS = (np.uint64(0xBF58_476D_1CE4_E5B9), np.uint64(0x94D0_49BB_1331_11EB))  # splitmix64's
_INCREMENT = 0x9E37_79B9_7F4A_7C15


class Encoded(NamedTuple):
    """One column's cells: uint8 codes, uint64 hashes of the values, and which are a made-up `_RARE_` (None: none)."""

    codes: np.ndarray
    hashes: np.ndarray
    rare: np.ndarray | None


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers, dates or booleans, which fall into bins between edges (float64, increasing).

    identifying: whether the training values hardly ever occur twice, as names and numbers of people do.
    `code_of` maps np.searchsorted's result, of values clipped to edges[0]..high, to codes (uint8); its first and last
    entries are for missing values.
    """

    name: str
    format: Format
    identifying: bool
    labels: tuple[str, ...]
    edges: np.ndarray
    high: float
    code_of: np.ndarray

    def encode(self, cells: pa.Array, *, salt: int = 0) -> Encoded:
        """Codes and hashes of cells of any Arrow type. Raises CellError where one does not fit the format."""
        values = self.format.parse(cells)
        floats = to_floats(values)
        rare = None
        if values.null_count > cells.null_count and is_text(cells):
            rare = pc.fill_null(pc.equal(cells, RARE), False).to_numpy(zero_copy_only=False)
        codes = self.code_of[_places(floats, self.edges, self.high)]
        return Encoded(codes, _mixed(_bits(values, floats), salt), rare)


@dataclass(frozen=True)
class TextColumn:
    """A column of text: `values` (frequent ones, and the names of special bins) have a code each in `code_of` (uint8).

    The last two entries of `code_of` are for all other values, and for missing ones. identifying: as above.
    """

    name: str
    identifying: bool
    labels: tuple[str, ...]
    values: pa.Array = field(repr=False)
    code_of: np.ndarray
    has_rare: bool
    format: Texts = field(default_factory=Texts)

    def encode(self, cells: pa.Array, *, salt: int = 0) -> Encoded:
        """Codes and hashes of cells of any Arrow type."""
        cells = self.format.parse(cells).dictionary_encode()
        distinct = cells.dictionary
        places = pc.index_in(distinct, self.values.cast(distinct.type)).fill_null(len(self.values)).to_numpy()
        codes = np.append(self.code_of[places], self.code_of[-1])
        hashes = pd.util.hash_array(distinct.to_numpy(zero_copy_only=False), categorize=False)
        hashes = _mixed(np.append(hashes, _MISSING_BITS), salt)
        which = cells.indices.fill_null(len(distinct)).to_numpy()
        rare = -1 if self.has_rare else pc.index(distinct, pa.scalar(RARE, distinct.type)).as_py()
        return Encoded(codes[which], hashes[which], which == rare if rare >= 0 else None)


Column = NumberColumn | TextColumn


class NumberTally:
    """Gathers the training values of a column of numbers, dates or booleans: 8 bytes a row."""

    def __init__(self, format: Format) -> None:
        self._format = format
        self._pieces: list[np.ndarray] = []

    def add(self, cells: pa.Array) -> None:
        """Counts more cells."""
        self._pieces.append(to_floats(self._format.parse(cells)))

    def column(self, name: str) -> NumberColumn:
        """The column, with bins for the cells counted."""
        values = np.sort(np.concatenate(self._pieces))
        present = values[~np.isnan(values)]
        has_missing = len(present) < len(values)
        if isinstance(self._format, Booleans):
            breaks, labels = _boolean_bins(present, self._format, has_missing=has_missing)
        elif isinstance(self._format, Dates):
            breaks = edges.date_breaks(present)
            labels = edges.date_labels(breaks)
        else:
            breaks = edges.number_breaks(present)
            labels = edges.number_labels(breaks)
        # qa moves the last edge on, so that the last bin takes in the largest value
        last = breaks[-1] + (edges.DAY if isinstance(self._format, Dates) else 1)
        bounds, high = np.append(breaks[:-1], last), float(breaks[-1])
        place_labels = [MISSING, *labels, MISSING]
        rows = np.bincount(_places(values, bounds, high), minlength=len(place_labels))
        code_labels, code_of = _coded(place_labels, rows)
        return NumberColumn(name, self._format, self._is_identifying(present), code_labels, bounds, high, code_of)

    def _is_identifying(self, present: np.ndarray) -> bool:
        """present: (n,) sorted values."""
        if not isinstance(self._format, Integers | Decimals) or np.any(present != np.rint(present)):
            return False
        distinct = 1 + int(np.count_nonzero(present[1:] != present[:-1]))
        return _hardly_twice(distinct, len(present))


class TextTally:
    """Counts the distinct training values of a text column, in their order of appearance."""

    def __init__(self) -> None:
        self._values = pa.array([], pa.large_string())
        self._counts = np.zeros(0, np.int64)

    def add(self, cells: pa.Array) -> None:
        """Counts more cells."""
        new = Texts().parse(cells).cast(pa.large_string()).value_counts()
        both = pa.concat_arrays([self._values, new.field("values")]).dictionary_encode("encode")
        counts = np.concatenate([self._counts, new.field("counts").to_numpy()])
        self._values = both.dictionary
        self._counts = np.bincount(both.indices.to_numpy(), counts).astype(np.int64)

    def column(self, name: str) -> TextColumn:
        """The column, with bins for the cells counted."""
        tally: Counter[str] = Counter()
        for text, count in zip(self._values.to_pylist(), self._counts.tolist(), strict=True):
            tally[MISSING if text is None else text or EMPTY] += count
        frequent = [label for label, count in tally.most_common(MAXIMUM_CATEGORIES) if count >= MINIMUM_CATEGORY_ROWS]
        special = [EMPTY, OTHER, RARE, MISSING]
        bins = [*sorted(set(frequent) - set(special)), *special]
        rows = {label: tally[label] for label in bins}
        rows[OTHER] += tally.total() - sum(rows.values())
        place_labels = [*bins, EMPTY, OTHER, MISSING]  # the last three: "", any other value, null
        labels, code_of = _coded(place_labels, [*rows.values(), 0, 0, 0])
        values = pa.array([*bins, ""], pa.large_string())
        identifying = _hardly_twice(len(tally.keys() - {MISSING}), tally.total() - tally[MISSING])
        return TextColumn(name, identifying, labels, values, code_of, has_rare=RARE in tally)


def _hardly_twice(distinct: int, cells: int) -> bool:
    return cells >= LEAST_CELLS and distinct >= IDENTIFYING_SHARE * cells


def to_floats(values: pa.Array) -> np.ndarray:
    """Parsed values of a number column as float64, nan where missing; dates in microseconds since 1970."""
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def _boolean_bins(present: np.ndarray, format: Booleans, *, has_missing: bool) -> tuple[np.ndarray, list[str]]:
    """Breaks and labels: qa takes booleans for numbers, but those with missing values for categories."""
    if not has_missing:
        breaks = edges.number_breaks(present)
        return breaks, [format.true if start else format.false for start in breaks[:-1]]
    counts = np.bincount(present.astype(np.int64), minlength=2)
    labels = [
        label if rows >= MINIMUM_CATEGORY_ROWS else OTHER
        for label, rows in zip((format.false, format.true), counts, strict=True)
    ]
    return np.array([0.0, 1.0, 2.0]), labels


def _places(floats: np.ndarray, bounds: np.ndarray, high: float) -> np.ndarray:
    return np.searchsorted(bounds, np.clip(floats, bounds[0], high), side="right")


def _coded(place_labels: list[str], rows: Iterable[int]) -> tuple[tuple[str, ...], np.ndarray]:
    """Labels of the codes, and the code of each place, when `rows` training rows fall into each place."""
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
    """64 bits that tell values apart: whole numbers exactly, other numbers as floats without negative zeros."""
    if pa.types.is_int64(values.type):
        bits = values.fill_null(0).to_numpy().view(np.uint64)
    else:
        bits = (floats + 0.0).view(np.uint64)
    return np.where(np.isnan(floats), _MISSING_BITS, bits) if values.null_count else bits


def _mixed(bits: np.ndarray, salt: int) -> np.ndarray:
    """Splitmix64 of `bits`, another one for each `salt`."""
    mixed = bits + np.uint64((salt + 1) * _INCREMENT % 2**64)
    for shift, multiplier in zip((30, 27), _MULTIPLIERS, strict=True):
        mixed ^= mixed >> np.uint64(shift)
        mixed *= multiplier
    mixed ^= mixed >> np.uint64(31)
    return mixed
