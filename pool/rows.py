"""A cycle's sampled rows on their way to its file: without indicators, in the training data's formats, and counted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import pandas as pd

from pool.columns import RARE
from pool.errors import PoolError
from pool.indicators import Contradictions, add_indicators, drop_indicators

ToText = Callable[[pd.DataFrame], pd.DataFrame]

ROWS_AT_A_TIME = 25_000  # turned into text: a wide row takes far more memory as text than as numbers


@dataclass(frozen=True)
class TrainingRows:
    """The training data as the cycles need it: with indicators to train on, and without to compare with."""

    frame: pd.DataFrame
    with_indicators: pd.DataFrame
    indicators: dict[str, str]  # the real column of each
    to_text: ToText | None
    fingerprints: np.ndarray  # (n_rows,) uint64, of each row as the CSV shows it
    rare_by_nature: frozenset[str]  # columns in which _RARE_ is a value of the training data
    line_end: str

    @classmethod
    def of(cls, frame: pd.DataFrame, *, to_text: ToText | None) -> "TrainingRows":
        """to_text: turns rows into what the CSV shows, text or None for each cell; else pandas decides."""
        with_indicators, indicators = add_indicators(frame)
        slices = [_shown(piece, to_text) for piece in _slices(frame)]
        return cls(
            frame=frame,
            with_indicators=with_indicators,
            indicators=indicators,
            to_text=to_text,
            fingerprints=np.unique(np.concatenate([_fingerprints(piece) for piece in slices])),
            rare_by_nature=frozenset(name for name in _texts(frame) if (frame[name] == RARE).any()),
            line_end=_line_end(frame),
        )


class CycleWriter:
    """Writes the sampled frames of a cycle as CSV, and keeps what is to be told of them."""

    def __init__(self, file: BinaryIO, training: TrainingRows, *, with_header: bool) -> None:
        self.rows = self.rare_cells = self.training_copies = 0
        self.contradictions = Contradictions(0, 0)
        self._file, self._training, self._with_header = file, training, with_header
        self._first: list[pd.DataFrame] = []

    def write(self, sample: pd.DataFrame) -> None:
        """Add rows that a generator sampled; raises PoolError where they have other columns than the training data."""
        for piece in _slices(sample):
            self._write(piece)

    def first_rows(self) -> pd.DataFrame:
        """The first rows of the cycle, as many as the training has, or all where those are fewer."""
        return pd.concat(self._first, ignore_index=True)

    def _write(self, sample: pd.DataFrame) -> None:
        training = self._training
        frame, contradictions = drop_indicators(sample, training.indicators)
        if list(frame.columns) != list(training.frame.columns):
            raise PoolError(f"the generator gave other columns than it was trained on: {', '.join(frame.columns)}")
        if self.rows < len(training.frame):
            self._first.append(frame.head(len(training.frame) - self.rows))
        shown, header = _shown(frame, training.to_text), self._with_header and self.rows == 0
        shown.to_csv(self._file, index=False, header=header, lineterminator=training.line_end, encoding="utf-8")
        self.rows += len(frame)
        self.contradictions += contradictions
        marked = [name for name in _texts(frame) if name not in training.rare_by_nature]
        self.rare_cells += sum(int((frame[name] == RARE).sum()) for name in marked)
        self.training_copies += int(np.isin(_fingerprints(shown), training.fingerprints).sum())


def _slices(frame: pd.DataFrame) -> list[pd.DataFrame]:
    return [frame.iloc[start : start + ROWS_AT_A_TIME] for start in range(0, len(frame), ROWS_AT_A_TIME)]


def _shown(frame: pd.DataFrame, to_text: ToText | None) -> pd.DataFrame:
    return frame if to_text is None else to_text(frame)


def _fingerprints(shown: pd.DataFrame) -> np.ndarray:
    return pd.util.hash_pandas_object(shown.astype(object), index=False).to_numpy()


def _texts(frame: pd.DataFrame) -> list[str]:
    return [name for name in frame.columns if pd.api.types.is_string_dtype(frame[name].dtype)]


def _line_end(training: pd.DataFrame) -> str:
    # The csv module quotes a carriage return in a value only where lines end with one.
    names = pd.Series(training.columns)
    values = [training[name] for name in _texts(training)]
    has_return = any(text.astype("str").str.contains("\r", regex=False).any() for text in [names, *values])
    return "\r\n" if has_return else "\n"
