"""From fractional weights to whole rows: keep or drop each row, whichever leaves the smaller error.

Drawing rows at random by their weights would throw away most of what the weights gain. Here the rows are decided one
after the other, against the tables of all rows decided so far plus the fractional rest. This is the method of
conditional expectations (Raghavan, 1988, "Probabilistic construction of deterministic algorithms"). It uses the squared
error of the univariate and bivariate tables: unlike the absolute error, it does not round a target below half a row to
none at all.
"""

from collections.abc import Callable

import numpy as np

from postprocess.runtime.threads import Workers
from postprocess.selection.kernel import OrderWeights
from postprocess.tables.counts import Tables
from postprocess.tables.layout import Layout

MIN_WEIGHT = 0.02  # rows below this weight are skipped: rounding would almost never keep them ...
MIN_MEAN_SHARE = 0.5  # ... and in very large pools the cut-off is this share of the mean weight instead
ROWS_PER_BLOCK = 256
SCALING_STEPS = 10


def subset_size(n: int, available: int, multiplier: float, *, warn: Callable[[str], None] = lambda _: None) -> int:
    """Return the number of rows of the oversized subset: `multiplier` times n, or all that are available."""
    wanted = round(n * multiplier)
    if wanted > available:
        warn(
            f"trimming_data_multiplier={multiplier:g} asks for {wanted:,} rows, but the pool has only {available:,} "
            "rows that may be selected: all of them are used"
        )
    return min(wanted, available)


def min_weight(n: int, n_rows: int) -> float:
    """Return the weight below which rounding skips a pool row, once the n_rows weights sum to n."""
    return min(MIN_WEIGHT, MIN_MEAN_SHARE * n / n_rows)


def worth_trying(weights: np.ndarray, n: int) -> np.ndarray:
    """Return (n_rows,) bool: the rows that rounding would not skip. Refinement tries them as well."""
    return weights * (n / weights.sum()) >= min_weight(n, len(weights))


def scale_weights(weights: np.ndarray, n: int) -> np.ndarray:
    """Return the weights scaled to sum to n, as nearly as the cap at 1 allows. Those below `min_weight` become 0."""
    scaled = np.minimum(weights * (n / weights.sum()), 1.0)
    scaled[scaled < min_weight(n, len(weights))] = 0.0
    if np.count_nonzero(scaled) < n:
        scaled = np.minimum(weights * (n / weights.sum()), 1.0)
    for _ in range(SCALING_STEPS):
        scaled = np.minimum(scaled * (n / scaled.sum()), 1.0)
    return scaled


def round_weights(
    codes: np.ndarray, weights: np.ndarray, targets: Tables, *, n: int, n_target: int, rng: np.random.Generator
) -> np.ndarray:
    """Choose exactly n rows by their weights; returns sorted int64 row numbers.

    codes: (n_columns, n_rows) uint8 of the pool rows; weights: (n_rows,) >= 0, at least n of them positive; targets:
    the target counts for n_target rows.
    """
    fractions = scale_weights(weights, n)
    rows = rng.permutation(np.flatnonzero(fractions))
    residuals = _FractionalTables(pairs_only(targets.layout), targets.workers)
    residuals.tables.add(codes[:, rows], fractions[rows])
    for cells, target in zip(residuals.tables.orders()[:2], targets.orders()[:2], strict=True):
        cells -= np.float32(n / n_target) * target
    keep = np.zeros(len(rows), dtype=bool)
    with targets.workers.progress.task("Rounding", total=len(rows), unit="row") as task:
        for start in range(0, len(rows), ROWS_PER_BLOCK):
            block = slice(start, start + ROWS_PER_BLOCK)
            keep[block] = residuals.decide(codes[:, rows[block]], fractions[rows[block]])
            task.advance(len(rows[block]))
    return _exactly(n, rows, keep, fractions)


def pairs_only(layout: Layout) -> Layout:
    """Return the layout without its trivariate tables."""
    return Layout(layout.n_codes, pair_columns=layout.pair_columns, triple_columns=0)


def _exactly(n: int, rows: np.ndarray, keep: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """Return n rows: those kept, and the few too many or too few corrected by their weights."""
    by_weight = np.argsort(-fractions[rows], kind="stable")
    lacking = n - np.count_nonzero(keep)
    if lacking > 0:
        keep[by_weight[~keep[by_weight]][:lacking]] = True
    elif lacking < 0:
        keep[by_weight[keep[by_weight]][lacking:]] = False
    return np.sort(rows[keep])


class _FractionalTables:
    """The residuals of the decided rows plus the fractional rest, for univariate and bivariate tables."""

    def __init__(self, layout: Layout, workers: Workers) -> None:
        self.tables = Tables(layout, workers=workers)
        self.weights = OrderWeights.of(layout).values.astype(np.float32)
        self.self_value = float(self.weights[:2] @ layout.n_tables[:2])

    def decide(self, codes: np.ndarray, fractions: np.ndarray) -> np.ndarray:
        """Keep (True) or drop each row, in order, and update the residuals."""
        residuals, n_columns = self.tables.values, len(codes)
        keep = np.empty(len(fractions), dtype=bool)
        for t, (cells, fraction) in enumerate(zip(self.tables.cells(codes), fractions.astype(np.float32), strict=True)):
            own = residuals.take(cells, mode="clip")
            own -= fraction  # as if dropped; keeping the row changes the squared error by 2 * gain + self_value
            gain = self.weights[0] * own[:n_columns].sum() + self.weights[1] * own[n_columns:].sum()
            keep[t] = 2 * gain + self.self_value < 0
            if keep[t]:
                own += np.float32(1.0)
            residuals[cells] = own
        return keep
