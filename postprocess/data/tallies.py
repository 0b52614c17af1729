"""Collects the training values of one column, batch by batch, and fits its bins to them."""

from collections import Counter
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from postprocess.data.breaks import DAY, date_breaks, date_labels, number_breaks, number_labels
from postprocess.data.column_bins import (
    EMPTY,
    MIN_SHOWN_ROWS,
    MISSING,
    OTHER,
    UNSEEN,
    Facts,
    Kind,
    NumberColumn,
    TextColumn,
    places_of,
    to_floats,
)
from postprocess.data.formats import RARE, Booleans, Dates, Format, Texts, is_number

IDENTIFYING_SHARE = 0.95  # a column may identify people if its distinct values are at least this share of all ...
MIN_VALUES = 100  # ... and if it has at least this many values
MAX_CATEGORIES = 10
MIN_CATEGORY_ROWS = 5  # text values in fewer training rows share the bin "(other)"


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

    def column(self, name: str, given: Kind | None = None) -> NumberColumn:
        """Return the column, with bins fitted to the collected values. given: the kind that the user gives it."""
        values = np.sort(np.concatenate(self._pieces))
        missing = int(np.count_nonzero(np.isnan(values)))
        present = values[: len(values) - missing]  # missing values are sorted to the end
        if isinstance(self._format, Booleans):
            breaks, labels = _boolean_bins(present, self._format, has_missing=missing > 0)
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
        rows = np.bincount(places_of(values, edges, high), minlength=len(place_labels))
        code_labels, code_of = _coded(place_labels, rows)
        distinct = int(np.count_nonzero(present[1:] != present[:-1])) + (len(present) > 0)
        facts = Facts(len(values), missing, distinct)
        identifying = self._may_identify(present) and _nearly_all_distinct(facts)
        kind = given or (Kind.IDENTIFIER if identifying else self._kind())
        return NumberColumn(name, self._format, kind, facts, identifying, code_labels, edges, high, code_of)

    def _may_identify(self, present: np.ndarray) -> bool:
        """Return whether all values are whole numbers. present: (n,) values, none missing."""
        return is_number(self._format) and not np.any(present != np.rint(present))

    def _kind(self) -> Kind:
        if isinstance(self._format, Booleans):
            return Kind.TRUTH
        return Kind.DATE if isinstance(self._format, Dates) else Kind.NUMBER


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

    def column(self, name: str, given: Kind | None = None) -> TextColumn:
        """Return the column, with bins fitted to the counted values. given: the kind that the user gives it."""
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
        facts = self._facts()
        identifying = _nearly_all_distinct(facts)
        kind = given or (Kind.IDENTIFIER if identifying else Kind.CATEGORY if facts.repeats else Kind.TEXT)
        return TextColumn(name, kind, facts, identifying, labels, categories, code_of, has_rare=RARE in tally)

    def _facts(self) -> Facts:
        counts = self._counts[self._values.is_valid().to_numpy(zero_copy_only=False)]
        rows, present = int(self._counts.sum()), int(counts.sum())
        repeating = int(counts[counts >= MIN_SHOWN_ROWS].sum())
        return Facts(rows, rows - present, len(counts), repeating / present if present else 0.0)


def _nearly_all_distinct(facts: Facts) -> bool:
    return facts.present >= MIN_VALUES and facts.distinct >= IDENTIFYING_SHARE * facts.present


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
