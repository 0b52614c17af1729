"""Accuracy as mostlyai-qa defines it: one minus half the L1 distance of two tables of shares, averaged by level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from postprocess.errors import absolute_differences, each_first_column, whole
from postprocess.progress import Progress
from postprocess.tables import Tables
from postprocess.workers import Workers


@dataclass(frozen=True)
class Accuracy:
    """Shares, 0..1; a level without tables (fewer than two or three columns) is None and left out of the overall."""

    univariate: float
    bivariate: float | None
    trivariate: float | None

    @property
    def overall(self) -> float:
        """The mean of the levels' means."""
        return float(np.mean([level for level in self.levels() if level is not None]))

    def levels(self) -> tuple[float, float | None, float | None]:
        """Univariate, bivariate, trivariate."""
        return self.univariate, self.bivariate, self.trivariate

    def as_dict(self) -> dict[str, float | None]:
        """The four figures by name."""
        return {
            "univariate": self.univariate,
            "bivariate": self.bivariate,
            "trivariate": self.trivariate,
            "overall": self.overall,
        }

    def __str__(self) -> str:
        levels = " / ".join("-" if level is None else f"{level:.5f}" for level in self.levels())
        return f"{self.overall:.5f} ({levels})"


def from_errors(error_sums: np.ndarray, n_tables: np.ndarray) -> Accuracy:
    """The accuracy where a level's tables have this sum of errors (shares, 0..1), (3,) each."""

    def mean(level: int) -> float:
        return 1.0 - float(error_sums[level]) / int(n_tables[level])

    return Accuracy(mean(0), *(mean(level) if n_tables[level] else None for level in (1, 2)))


def of_residuals(tables: Tables, n: int) -> Accuracy:
    """The accuracy of n selected rows over the tables whose residuals (against n target rows) these are."""
    return from_errors(tables.absolute_sums() / (2 * n), tables.layout.n_tables)


def measure(
    training: np.ndarray,
    samples: Sequence[np.ndarray],
    sizes: np.ndarray,
    *,
    workers: Workers,
    progress: Progress,
    label: str,
) -> list[Accuracy]:
    """The accuracy of each sample against the training data over all columns, pairs and triples of columns.

    training, samples: (n_columns, n_rows) uint8 codes, any number of rows; sizes: (n_columns,) number of codes. No
    table outlives its comparison, so any number of columns fits in memory.
    """
    data = [training, *samples]
    rows = [codes.shape[1] for codes in data]
    kept = each_first_column(
        data,
        sizes,
        absolute_differences(rows),
        lambda _, *levels: np.array([sums.sum(axis=1) for sums in levels]),
        workers=workers,
        progress=progress,
        label=label,
    )
    errors = sum(kept) / whole(rows)
    return [from_errors(errors[:, s], number_of_tables(len(sizes))) for s in range(len(samples))]


def number_of_tables(n_columns: int) -> np.ndarray:
    """(3,) number of columns, pairs and triples of columns."""
    return np.array([comb(n_columns, level) for level in (1, 2, 3)])
