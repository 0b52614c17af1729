"""Small random data, and slow versions of the array modules, which compute row by row and cell by cell.

A cell is a tuple of one, two or three (column, code) items, so nothing here depends on how tables lie in memory.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np

from postprocess.runtime.progress import Progress
from postprocess.runtime.threads import Workers
from postprocess.tables.counts import Tables
from postprocess.tables.layout import Layout

Cell = tuple[tuple[int, int], ...]

ALONE = Workers(None, 1, Progress())


def draw_codes(n_codes, n_rows: int, seed: int) -> np.ndarray:
    """Return (n_columns, n_rows) uint8 codes of columns that depend on each other."""
    rng = np.random.default_rng(seed)
    shares = 0.6 * rng.random(n_rows) + 0.4 * rng.random((len(n_codes), n_rows))
    return (shares * np.asarray(n_codes)[:, None]).astype(np.uint8)


def noisy_copies(codes: np.ndarray, n_codes, n_rows: int, seed: int, noise: float = 0.3) -> np.ndarray:
    """Return (n_columns, n_rows) uint8: random rows of `codes`, with this share of their codes drawn anew."""
    rng = np.random.default_rng(seed)
    copies = codes[:, rng.integers(codes.shape[1], size=n_rows)]
    anew = rng.integers(0, np.asarray(n_codes)[:, None], size=copies.shape)
    return np.where(rng.random(copies.shape) < noise, anew, copies).astype(np.uint8)


def n_columns(layout: Layout) -> tuple[int, int, int]:
    """Return the numbers of columns that have univariate, bivariate and trivariate tables."""
    return len(layout.n_codes), layout.pair_columns, layout.triple_columns


def n_tables(layout: Layout) -> list[int]:
    """Return the number of tables of each order."""
    return [comb(columns, order) for order, columns in enumerate(n_columns(layout), start=1)]


def all_cells(layout: Layout) -> list[Cell]:
    """Return all cells in the sequence that the layout promises: nested by column and code."""
    return [
        cell
        for order, columns in enumerate(n_columns(layout), start=1)
        for cell in _nested(layout.n_codes, range(columns), order)
    ]


def _nested(n_codes: np.ndarray, columns: range, order: int) -> Iterator[Cell]:
    if order == 0:
        yield ()
        return
    for i in columns:
        for code in range(n_codes[i]):
            for others in _nested(n_codes, range(i + 1, columns.stop), order - 1):
                yield ((i, code), *others)


def cells_of_row(row: np.ndarray, layout: Layout) -> list[list[Cell]]:
    """Return the cells that one row (n_columns,) touches, for each order."""
    items = [(column, int(code)) for column, code in enumerate(row)]
    return [list(combinations(items[:columns], order)) for order, columns in enumerate(n_columns(layout), start=1)]


def count(codes: np.ndarray, layout: Layout, weights: np.ndarray | None = None) -> Counter:
    """Return the weight of all rows in each cell."""
    counts: Counter = Counter()
    for row, weight in zip(codes.T, np.ones(codes.shape[1]) if weights is None else weights, strict=True):
        for cell in (cell for of_order in cells_of_row(row, layout) for cell in of_order):
            counts[cell] += weight
    return counts


def values(counts: Counter, layout: Layout) -> np.ndarray:
    """Return the counts in the sequence of `Tables.values`."""
    return np.array([counts[cell] for cell in all_cells(layout)], dtype=float)


def residuals(selected: np.ndarray, training: np.ndarray, layout: Layout, share: float = 1.0) -> Counter:
    """Return the counts of the selected rows minus this share of the training rows' counts."""
    both = np.concatenate([selected, training], axis=1)
    return count(both, layout, np.repeat([1.0, -share], [selected.shape[1], training.shape[1]]))


def cell_weights(layout: Layout) -> list[float]:
    """Return the weight of a squared residual, for each order."""
    return [emphasis / max(1, number) for emphasis, number in zip((1, 2, 6), n_tables(layout), strict=True)]


def squared_error(residual: Counter, layout: Layout) -> float:
    """Return the sum of the squared residuals, weighted by order."""
    weights = cell_weights(layout)
    return sum(weights[len(cell) - 1] * value**2 for cell, value in residual.items())


def accuracy(training: np.ndarray, sample: np.ndarray, layout: Layout) -> list[float | None]:
    """Return one minus the mean error of the tables, for each order; None if an order has no tables."""
    target, found = count(training, layout), count(sample, layout)
    errors = [0.0, 0.0, 0.0]
    for cell in target | found:
        difference = found[cell] / sample.shape[1] - target[cell] / training.shape[1]
        errors[len(cell) - 1] += abs(difference) / 2
    return [1 - error / number if number else None for error, number in zip(errors, n_tables(layout), strict=True)]


def overall(training: np.ndarray, sample: np.ndarray, layout: Layout) -> float:
    """Return the mean accuracy of the orders that have tables."""
    return float(np.mean([value for value in accuracy(training, sample, layout) if value is not None]))


def watched(progress: Progress) -> Workers:
    """Return workers of one thread that report their progress."""
    return Workers(None, 1, progress)


def residual_tables(selected: np.ndarray, training: np.ndarray, layout: Layout, workers: Workers = ALONE) -> Tables:
    """Return the tables of the residuals, which trimming and refinement start from."""
    tables = Tables(layout, workers=workers)
    tables.remove(training)
    tables.add(selected)
    return tables


class Recorder(Progress):
    """A progress that keeps its log lines and tasks."""

    def __init__(self) -> None:
        super().__init__()
        self.lines, self.tasks = [], []

    def log(self, text: str) -> None:
        self.lines.append(text)

    def _begin(self, task) -> None:
        self.tasks.append(task)


class CheckLimit:
    """A deadline that passes after this number of checks."""

    def __init__(self, number: int) -> None:
        self.left = number

    def passed(self) -> bool:
        self.left -= 1
        return self.left < 0
