"""The target counts of all tables: the training data's counts, but without all of their sampling noise.

Training rows are a sample, so their tables differ from the population's by sampling noise. Matching the tables to the
last count gains accuracy on these very rows, loses it on unseen rows, and draws the result towards the training rows.
The pool's tables differ too, by the generator's bias, but they have little noise. The better estimate of the population
lies between the two, table by table (James and Stein, 1961, "Estimation with quadratic loss"; Fienberg and Holland,
1973, "Simultaneous estimation of multinomial cell probabilities"):

    target = (1 - s b) * training + s b * pool,    b = min(1, noise / distance)

The noise is the expected squared error of the training data's counts, sum(count * (1 - count / n)). The distance is the
squared distance of the two tables. Both are summed over the cells of the table, and s is the smoothing. If the pool is
off by more than noise can explain, the training data decides. If the two cannot be told apart, the pool decides as far
as s allows.

Univariate tables are not smoothed: all rows fall into a few cells, whose noise is small beside the generator's bias.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from postprocess.runtime.threads import Workers
from postprocess.tables.counts import Tables, count_table, count_tables_starting_at
from postprocess.tables.layout import Layout

PRIOR_MULTIPLE = 4  # pool rows that are counted, as a multiple of the training rows: their noise then adds little
MIN_DISTANCE = 1e-9  # squared counts: below it, two tables are the same
MIN_SMOOTHED_ORDER = 2


@dataclass(frozen=True)
class Marginal:
    """One table for IPF to fit: its columns (one or two), and its target counts, flat."""

    columns: tuple[int, ...]
    target: np.ndarray


def smoothed(counts: np.ndarray, prior: np.ndarray, offsets: np.ndarray, n: int, smoothing: float) -> np.ndarray:
    """Return the target counts of tables that lie side by side: (n_keys, width) float64.

    counts: (n_keys, width) training counts; prior: the pool's counts scaled to the same n rows. offsets: (n_tables,)
    where each table begins along the width. smoothing: share, 0..1.
    """
    gap = prior - counts
    noise = np.add.reduceat((counts * (1 - counts / n)).sum(axis=0), offsets)
    distance = np.add.reduceat((gap * gap).sum(axis=0), offsets)
    pull = smoothing * np.minimum(1.0, noise / np.maximum(distance, MIN_DISTANCE))
    return counts + np.repeat(pull, np.diff(offsets, append=counts.shape[1])) * gap


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
        data = [training.astype(np.intp), prior.astype(np.intp)]
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
