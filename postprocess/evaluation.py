"""Accuracy as mostlyai-qa defines it: one minus half the L1 distance of two tables of shares, averaged by level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from postprocess.tables import Layout, Tables, count_each
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
    univariate, *others = (
        1.0 - float(error) / int(count) if count else None for error, count in zip(error_sums, n_tables, strict=True)
    )
    return Accuracy(univariate, *others)


def of_residuals(tables: Tables, n: int) -> Accuracy:
    """The accuracy of n selected rows over the tables whose residuals (against n target rows) these are."""
    return from_errors(tables.absolute_sums() / (2 * n), tables.layout.n_tables)


def measure(
    training: np.ndarray, samples: Sequence[np.ndarray], sizes: np.ndarray, *, workers: Workers, progress, label: str
) -> list[Accuracy]:
    """The accuracy of each sample against the training data over all columns, pairs and triples of columns.

    training, samples: (n_columns, n_rows) uint8 codes, any number of rows; sizes: (n_columns,) number of codes. No
    table outlives its comparison, so any number of columns fits in memory.
    """
    data = [codes.astype(np.intp) for codes in (training, *samples)]
    n_columns = len(sizes)
    layout = Layout(sizes, n_columns, n_columns)
    sizes, width = layout.sizes, layout.width(n_columns)

    def errors(counts: list[np.ndarray]) -> np.ndarray:
        target, *shares = (count / codes.shape[1] for count, codes in zip(counts, data, strict=True))
        return np.array([np.abs(share - target).sum() / 2 for share in shares])

    def errors_with_each(keys: list[np.ndarray], n_keys: int, after: int) -> np.ndarray:
        others = (layout.cells_among(codes, after + 1, n_columns) for codes in data)
        cells = width[after]
        return errors([count_each(key, each, cells, n_keys * cells) for key, each in zip(keys, others, strict=True)])

    def errors_from(i: int) -> np.ndarray:
        sums = np.zeros((3, len(samples)))
        first = [codes[i] for codes in data]
        sums[0] = errors([np.bincount(key, minlength=sizes[i]) for key in first])
        if i < n_columns - 1:
            sums[1] = errors_with_each(first, sizes[i], i)
        for j in range(i + 1, n_columns - 1):
            first_two = [codes[i] * sizes[j] + codes[j] for codes in data]
            sums[2] += errors_with_each(first_two, sizes[i] * sizes[j], j)
            task.advance()
        return sums

    with progress.task(label, total=(n_columns - 1) * (n_columns - 2) / 2, unit="step") as task:
        sums = sum(workers.map(errors_from, range(n_columns)))
    return [from_errors(sums[:, s], layout.n_tables) for s in range(len(samples))]
