"""What the tables of the selection are to match: the training data's counts, without pressing their sampling noise.

Training rows are a sample, so their tables are off the population's by sampling noise. Matching them to the last count
gains accuracy on these very rows, loses it on unseen ones, and draws the result towards the training rows. The pool's
tables are off too, by the generator's bias, but have little noise. The better estimate of the population lies between
the two, table by table (James and Stein, 1961, "Estimation with quadratic loss"; Fienberg and Holland, 1973,
"Simultaneous estimation of multinomial cell probabilities"):

    target = (1 - s b) * training + s b * pool,    b = min(1, noise / distance)

with noise the expected squared error of the training's counts, sum(count * (1 - count / n)), distance the squared
distance of the two tables, both summed over the table's cells, and s the smoothing. Where the pool is off by more than
noise can explain, the training data decides; where the two cannot be told apart, the pool does as far as s lets it.

The tables of single columns are matched as they are: all rows meet in a few cells, whose noise is small beside the
pool's bias. Smoothing them as well gained nothing on unseen rows, and lost accuracy on the training data.
"""

from __future__ import annotations

import numpy as np

from postprocess.runtime.progress import Progress
from postprocess.runtime.threads import Workers
from postprocess.tables.counts import Tables, counts_from
from postprocess.tables.layout import Layout

PRIOR_MULTIPLE = 4  # rows of the pool that are counted, as a multiple of the training rows: their noise adds little
LEAST_DISTANCE = 1e-9  # squared counts: tables that are the same
SMOOTHED_COLUMNS = 2  # columns of a table, at least, for it to be smoothed: see above


def smoothed(counts: np.ndarray, prior: np.ndarray, starts: np.ndarray, n: int, smoothing: float) -> np.ndarray:
    """Target counts of tables that lie side by side: (n_keys, width) float64.

    counts, prior: (n_keys, width) training counts, and the pool's scaled to the same n rows. starts: (n_tables,) where
    each table begins along the width. smoothing: share, 0..1.
    """
    gap = prior - counts
    noise = np.add.reduceat((counts * (1 - counts / n)).sum(axis=0), starts)
    distance = np.add.reduceat((gap * gap).sum(axis=0), starts)
    pull = smoothing * np.minimum(1.0, noise / np.maximum(distance, LEAST_DISTANCE))
    return counts + np.repeat(pull, np.diff(starts, append=counts.shape[1])) * gap


def target_tables(
    training: np.ndarray, prior: np.ndarray, layout: Layout, *, smoothing: float, workers: Workers, progress: Progress
) -> Tables:
    """The target counts of all tables of a layout, for as many rows as the training data has.

    Those of pairs and triples are smoothed.
    training, prior: (n_columns, n_rows) uint8 codes of the training data, and of a random sample of the pool.
    """
    n, tables = training.shape[1], Tables(layout, workers=workers)
    with progress.task("Targets", total=len(layout.sizes), unit="column") as task:
        if smoothing == 0:
            tables.add(training)
            task.update(len(layout.sizes))
            return tables
        data = [training.astype(np.intp), prior.astype(np.intp)]
        scale = n / prior.shape[1]

        def fill_tables_from(i: int) -> None:
            for level, after, (counts, found) in counts_from(layout, i, data):
                cells = tables.block(level, i, after)
                if level + 1 >= SMOOTHED_COLUMNS:
                    counts = smoothed(counts, scale * found, layout.begins(level, after), n, smoothing)
                cells[...] = counts.reshape(cells.shape)
            task.advance()

        workers.map(fill_tables_from, range(len(layout.sizes)))
    return tables
