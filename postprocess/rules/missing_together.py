"""Columns that are missing in the same rows, and columns that are missing if another one is."""

from collections.abc import Container
from dataclasses import dataclass

import numpy as np
import pandas as pd

from postprocess.rules.evidence import MIN_EXPECTED


@dataclass(frozen=True)
class MissingTogether:
    """The columns are missing in the same rows."""

    columns: tuple[str, ...]

    @property
    def text(self) -> str:
        """The rule as in `dep_time, arr_time missing together`."""
        return f"{', '.join(self.columns)} missing together"

    @property
    def repaired(self) -> str | None:
        """None: a value cannot be made up."""
        return None

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Return (n_rows,) bool: the rows that have all of the columns or none."""
        missing = [frame[column].isna().to_numpy() for column in self.columns]
        return np.logical_and.reduce(missing) == np.logical_or.reduce(missing)

    def repair(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame."""
        return frame

    def without_repair(self) -> "MissingTogether":
        """Return the same rule."""
        return self


@dataclass(frozen=True)
class MissingIf:
    """The column is missing in each row in which `cause` is."""

    column: str
    cause: str

    @property
    def text(self) -> str:
        """The rule as in `arr_delay missing if arr_time is missing`."""
        return f"{self.column} missing if {self.cause} is missing"

    @property
    def columns(self) -> tuple[str, ...]:
        """The column and its cause."""
        return self.column, self.cause

    @property
    def repaired(self) -> str | None:
        """None: a value may be missing for other reasons, too."""
        return None

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Return (n_rows,) bool: the rows that have the cause, or that do not have the column."""
        return frame[self.cause].notna().to_numpy() | frame[self.column].isna().to_numpy()

    def repair(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame."""
        return frame

    def without_repair(self) -> "MissingIf":
        """Return the same rule."""
        return self


def find_missing(
    frame: pd.DataFrame, determined: Container[tuple[str, str]] = ()
) -> tuple[MissingTogether | MissingIf, ...]:
    """Return what can be said of the missing values, without the rules that follow from others.

    A rule is found if no row breaks it and at least MIN_EXPECTED rows would, if the missing values of the columns were
    independent. determined: pairs (a, b) of columns of which a decides b; that says all about their missing values.
    """
    groups: dict[bytes, list[str]] = {}
    for name in frame:
        if (missing := frame[name].isna().to_numpy()).any() and not missing.all():
            groups.setdefault(np.packbits(missing).tobytes(), []).append(name)
    together = []
    for group in groups.values():
        share = frame[group[0]].isna().mean()
        names = [name for place, name in enumerate(group) if not any((a, name) in determined for a in group[:place])]
        if len(names) > 1 and len(frame) * 2 * share * (1 - share) >= MIN_EXPECTED:
            together.append(MissingTogether(tuple(names)))
    return (*together, *_implications(frame, [group[0] for group in groups.values()], determined))


def _implications(frame: pd.DataFrame, names: list[str], determined: Container[tuple[str, str]]) -> list[MissingIf]:
    """Return which of the columns are missing if another one is. No two are missing in the same rows."""
    if not names:
        return []
    missing = np.stack([frame[name].isna().to_numpy(np.float32) for name in names])
    both, share = missing @ missing.T, missing.mean(axis=1, dtype=np.float64)
    expected = len(frame) * np.multiply.outer(1 - share, share)
    follows = (both == np.diag(both)) & (expected >= MIN_EXPECTED)  # row: the column, column: its cause
    np.fill_diagonal(follows, False)
    implied = (follows.astype(np.float32) @ follows.astype(np.float32)) > 0
    return [
        MissingIf(names[column], names[cause])
        for column, cause in np.argwhere(follows & ~implied)
        if (names[cause], names[column]) not in determined
    ]
