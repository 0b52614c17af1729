"""Writes the sampled rows of a cycle to its file: without indicators, in the formats of the training data."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import pandas as pd

from pool.errors import PoolError
from pool.missing_indicators import Contradictions, add_indicators, drop_indicators

ToText = Callable[[pd.DataFrame], pd.DataFrame]
Repair = Callable[[pd.DataFrame], tuple[pd.DataFrame, dict[str, int]]]  # also returns the number of rows, by rule

MARK = "\ufeff"  # the byte order mark
ROWS_PER_SLICE = 25_000  # turned into text at a time: a row takes far more memory as text than as numbers


@dataclass(frozen=True)
class TrainingRows:
    """The training data as the cycles need it: with indicators to train on, and without them to compare with."""

    frame: pd.DataFrame
    with_indicators: pd.DataFrame
    indicators: dict[str, str]  # the real column of each indicator
    to_text: ToText | None
    repair: Repair | None
    line_end: str

    @classmethod
    def of(cls, frame: pd.DataFrame, *, to_text: ToText | None, repair: Repair | None = None) -> "TrainingRows":
        """Prepare the training data for the cycles.

        to_text: turns rows into the text of the CSV, with None for a missing value. None: pandas decides. repair: makes
        sampled rows keep rules, and returns how many rows broke each.
        """
        with_indicators, indicators = add_indicators(frame)
        return cls(
            frame=frame,
            with_indicators=with_indicators,
            indicators=indicators,
            to_text=to_text,
            repair=repair,
            line_end=_line_end(frame),
        )


class CycleWriter:
    """Writes the sampled frames of a cycle as CSV, and counts what the log and the manifest say of them."""

    def __init__(self, file: BinaryIO, training: TrainingRows, *, with_header: bool) -> None:
        self.rows = 0
        self.contradictions = Contradictions(0, 0)
        self.repaired: Counter[str] = Counter()  # rows, by rule
        self._file, self._training, self._with_header = file, training, with_header
        self._first: list[pd.DataFrame] = []

    def write(self, sample: pd.DataFrame) -> None:
        """Add sampled rows. Raises PoolError if they have other columns than the training data."""
        for piece in _slices(sample):
            self._write(piece)

    def first_rows(self) -> pd.DataFrame:
        """Return the first rows of the cycle, at most the number of training rows."""
        return pd.concat(self._first, ignore_index=True)

    def _write(self, sample: pd.DataFrame) -> None:
        training = self._training
        frame, contradictions = drop_indicators(sample, training.indicators)
        if list(frame.columns) != list(training.frame.columns):
            raise PoolError(f"the generator gave other columns than it was trained on: {', '.join(frame.columns)}")
        if training.repair is not None:
            frame, repaired = training.repair(frame)
            self.repaired.update(repaired)
        if self.rows < len(training.frame):
            self._first.append(frame.head(len(training.frame) - self.rows))
        shown, header = _shown(frame, training.to_text), self._with_header and self.rows == 0
        if header and shown.columns[0].startswith(MARK):
            self._file.write(MARK.encode())  # readers take the first byte order mark for the file's own
        shown.to_csv(self._file, index=False, header=header, lineterminator=training.line_end, encoding="utf-8")
        self.rows += len(frame)
        self.contradictions += contradictions


def _slices(frame: pd.DataFrame) -> list[pd.DataFrame]:
    return [frame.iloc[start : start + ROWS_PER_SLICE] for start in range(0, len(frame), ROWS_PER_SLICE)]


def _shown(frame: pd.DataFrame, to_text: ToText | None) -> pd.DataFrame:
    return frame if to_text is None else to_text(frame)


def _line_end(training: pd.DataFrame) -> str:
    # The csv module quotes a carriage return in a value only if lines end with one.
    names = pd.Series(training.columns)
    texts = [values for _, values in training.items() if _is_text(values.dtype)]
    has_return = any(text.astype("str").str.contains("\r", regex=False).any() for text in [names, *texts])
    return "\r\n" if has_return else "\n"


def _is_text(dtype: object) -> bool:
    return pd.api.types.is_string_dtype(dtype) or isinstance(dtype, pd.CategoricalDtype)
