"""The target counts of all tables: the training data's counts, but without all of their sampling noise.

Training rows are a sample, so their tables differ from the population's by sampling noise. Matching the tables to the
last count gains accuracy on these very rows, loses it on unseen rows, and draws the result towards the training rows.
The pool's tables differ too, by the generator's bias, but they have little noise. The better estimate of the population
lies between the two (Fienberg and Holland, 1973, "Simultaneous estimation of multinomial cell probabilities"; Efron and
Morris, 1973, "Stein's estimation rule and its competitors"). Cell by cell,

    target = training + pull * (pool - training),    pull = s * noise / (s * noise + bias)

The noise of a cell is the variance of its count, m (1 - m / n), with m the pool's count scaled to n rows. Its squared
bias is taken as b m ** 1.5. One b for each table follows from the squared distance of the two tables, less the noise
that the training data's counts explain. So the pool decides on cells of few rows, where one row weighs much, and the
training data on those of many. The smoothing s is 1 for this estimate itself; a larger one counts the noise s times.

Univariate tables are not smoothed: all rows fall into a few cells, whose noise is small beside the generator's bias.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from postprocess.runtime.threads import Workers
from postprocess.tables.cells import count_table
from postprocess.tables.counts import Tables, count_tables_starting_at, design_effect
from postprocess.tables.crossing import KeyedRows
from postprocess.tables.layout import Layout

# Pool rows that are counted: their own noise costs accuracy on unseen rows, so the more the better. All are counted up
# to a number of rows times tables that takes a few seconds, and at least this multiple of the training rows.
PRIOR_LOOKUPS, PRIOR_MULTIPLE = 6e9, 4
MIN_BIAS = 1e-9  # of a table without pool rows, so that nothing is divided by 0
MIN_SMOOTHED_ORDER = 2


def prior_rows(n: int, n_pool: int, n_tables: int) -> int:
    """Return how many of the n_pool rows are counted beside n training rows."""
    return min(n_pool, max(PRIOR_MULTIPLE * n, int(PRIOR_LOOKUPS / n_tables)))


@dataclass(frozen=True)
class Marginal:
    """One table for IPF to fit: its columns (one or two), and its target counts, flat."""

    columns: tuple[int, ...]
    target: np.ndarray


def smoothed(
    counts: np.ndarray, prior: np.ndarray, offsets: np.ndarray, n: int, smoothing: float, effect: float = 1.0
) -> np.ndarray:
    """Return the target counts of tables that lie side by side: (n_keys, width) float64.

    counts: (n_keys, width) training counts; prior: the pool's counts scaled to the same n rows. offsets: (n_tables,)
    where each table begins along the width. smoothing: above 0. effect: how many times as much the training counts vary
    because their rows are weighted, `design_effect`.
    """

    def by_table(cells: np.ndarray) -> np.ndarray:
        return np.add.reduceat(cells.sum(axis=0), offsets)

    counts, prior = counts.astype(np.float32), prior.astype(np.float32)  # twice as fast; the targets need no more
    gap = prior - counts
    bias = prior * np.sqrt(prior)
    noise_of_table = effect * (n - by_table(counts * counts) / n)
    scale = np.maximum(by_table(gap * gap) - noise_of_table, 0) / np.maximum(by_table(bias), MIN_BIAS)
    bias *= np.repeat(scale, np.diff(offsets, append=counts.shape[1]))
    smoothing *= effect
    noise = prior * (smoothing - prior * (smoothing / n))
    bias += noise
    pull = np.divide(noise, bias, out=np.ones_like(noise), where=bias > 0)  # the pool decides if it lacks the cell
    return counts + pull * gap


@dataclass(frozen=True)
class Evidence:
    """What the targets are made of: the training rows, and the pool's rows with as much of a say as `smoothing` gives.

    training, prior: (n_columns, n_rows) uint8 codes of the training data and of a random sample of the pool. weights,
    prior_weights: (n_rows,) float64 of either, those of the training data with a sum of n_rows; None: each row counts
    once. n: number of rows that the targets are for.
    """

    training: np.ndarray
    prior: np.ndarray
    n: int
    smoothing: float
    weights: np.ndarray | None = None
    prior_weights: np.ndarray | None = None

    def smoothed(self, counts: np.ndarray, found: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Return the targets, for as many rows as the training data has, of tables counted in either data set."""
        n, weights = self.training.shape[1], self.prior_weights
        scale = n / (self.prior.shape[1] if weights is None else weights.sum())
        return smoothed(counts, scale * found, offsets, n, self.smoothing, design_effect(self.weights))

    @property
    def scale(self) -> float:
        """The number of rows that the targets are for, as a multiple of the training rows."""
        return self.n / self.training.shape[1]

    @property
    def scaled_weights(self) -> np.ndarray | None:
        """The weights of the training rows with a sum of n; None if each counts once."""
        if self.scale == 1:
            return self.weights
        weights = np.ones(self.training.shape[1]) if self.weights is None else self.weights
        return weights * self.scale


def target_tables(evidence: Evidence, layout: Layout, *, workers: Workers) -> Tables:
    """Return the target counts of all tables of a layout."""
    tables, training = Tables(layout, workers=workers), evidence.training
    with workers.progress.task("Targets", total=len(layout.n_codes), unit="column") as task:
        if evidence.smoothing == 0:
            tables.add(training, evidence.scaled_weights)
            task.update(len(layout.n_codes))
            return tables
        data = [KeyedRows(codes, layout) for codes in (training, evidence.prior)]

        def fill_tables_from(i: int) -> None:
            row_weights = [evidence.weights, evidence.prior_weights]
            for order, after, (counts, found) in count_tables_starting_at(layout, i, data, row_weights):
                cells = tables.block(order, i, after)
                if order >= MIN_SMOOTHED_ORDER:
                    counts = evidence.smoothed(counts, found, layout.block_offsets(order, after))
                cells[...] = (counts * evidence.scale).reshape(cells.shape)

        lookups = layout.n_tables.sum() * (training.shape[1] + evidence.prior.shape[1])
        for _ in workers.apart(fill_tables_from, range(len(layout.n_codes)), lookups=lookups):
            task.advance()
    return tables


def target_marginals(
    evidence: Evidence, n_codes: np.ndarray, tables: Sequence[tuple[int, ...]], *, workers: Workers
) -> list[Marginal]:
    """Return the target counts of the given tables of one or two columns. n_codes: (n_columns,) number of codes."""

    def marginal(columns: tuple[int, ...]) -> Marginal:
        counts = count_table(evidence.training, n_codes, columns, evidence.weights).astype(np.float64)
        if evidence.smoothing > 0 and len(columns) >= MIN_SMOOTHED_ORDER:
            found = count_table(evidence.prior, n_codes, columns, evidence.prior_weights)
            counts = evidence.smoothed(counts[None], found[None], np.zeros(1, dtype=int))[0]
        return Marginal(columns, counts * evidence.scale)

    return workers.map(marginal, tables)
