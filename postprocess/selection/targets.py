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
from postprocess.tables.counts import Tables, count_table, count_tables_starting_at
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


def smoothed(counts: np.ndarray, prior: np.ndarray, offsets: np.ndarray, n: int, smoothing: float) -> np.ndarray:
    """Return the target counts of tables that lie side by side: (n_keys, width) float64.

    counts: (n_keys, width) training counts; prior: the pool's counts scaled to the same n rows. offsets: (n_tables,)
    where each table begins along the width. smoothing: above 0.
    """

    def by_table(cells: np.ndarray) -> np.ndarray:
        return np.add.reduceat(cells.sum(axis=0), offsets)

    counts, prior = counts.astype(np.float32), prior.astype(np.float32)  # twice as fast; the targets need no more
    gap = prior - counts
    bias = prior * np.sqrt(prior)
    noise_of_table = n - by_table(counts * counts) / n
    scale = np.maximum(by_table(gap * gap) - noise_of_table, 0) / np.maximum(by_table(bias), MIN_BIAS)
    bias *= np.repeat(scale, np.diff(offsets, append=counts.shape[1]))
    noise = prior * (smoothing - prior * (smoothing / n))
    bias += noise
    pull = np.divide(noise, bias, out=np.ones_like(noise), where=bias > 0)  # the pool decides if it lacks the cell
    return counts + pull * gap


def target_tables(
    training: np.ndarray, prior: np.ndarray, layout: Layout, *, smoothing: float, workers: Workers
) -> Tables:
    """Return the target counts of all tables of a layout, for the number of training rows.

    training, prior: (n_columns, n_rows) uint8 codes of the training data and of a random sample of the pool.
    """
    n, tables = training.shape[1], Tables(layout, workers=workers)
    with workers.progress.task("Targets", total=len(layout.n_codes), unit="column") as task:
        if smoothing == 0:
            tables.add(training)
            task.update(len(layout.n_codes))
            return tables
        data = [layout.stacked(training), layout.stacked(prior)]
        scale = n / prior.shape[1]

        def fill_tables_from(i: int) -> None:
            for order, after, (counts, found) in count_tables_starting_at(layout, i, data):
                cells = tables.block(order, i, after)
                if order >= MIN_SMOOTHED_ORDER:
                    counts = smoothed(counts, scale * found, layout.block_offsets(order, after), n, smoothing)
                cells[...] = counts.reshape(cells.shape)
            task.advance()

        workers.map(fill_tables_from, range(len(layout.n_codes)))
    return tables


def target_marginals(
    training: np.ndarray,
    prior: np.ndarray,
    n_codes: np.ndarray,
    tables: Sequence[tuple[int, ...]],
    *,
    smoothing: float,
    workers: Workers,
) -> list[Marginal]:
    """Return the target counts of the given tables of one or two columns. The other arguments: as `target_tables`."""
    n = training.shape[1]

    def marginal(columns: tuple[int, ...]) -> Marginal:
        counts = count_table(training, n_codes, columns).astype(np.float64)
        if smoothing > 0 and len(columns) >= MIN_SMOOTHED_ORDER:
            found = count_table(prior, n_codes, columns) * (n / prior.shape[1])
            counts = smoothed(counts[None], found[None], np.zeros(1, dtype=int), n, smoothing)[0]
        return Marginal(columns, counts)

    return workers.map(marginal, tables)
