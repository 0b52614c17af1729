"""From fractional weights to whole rows: each row is kept or dropped, whichever leaves the smaller error.

A row drawn at random by its weight throws most of the weights' gain away. Here the rows are decided one after the other
against the tables of everything decided so far plus the still fractional rest (the method of conditional expectations:
Raghavan (1988), "Probabilistic construction of deterministic algorithms"), on the univariate and bivariate tables and
their squared error: unlike the absolute error, it does not take a target below half a row for none at all.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from postprocess.runtime.progress import Progress
from postprocess.runtime.threads import Workers
from postprocess.selection.kernel import LevelWeights
from postprocess.selection.parameters import SelectionParameters
from postprocess.tables.counts import Tables
from postprocess.tables.layout import Layout

LEAST_WEIGHT = 0.02  # rows of less weight are hardly ever kept ...
LEAST_SHARE = 0.5  # ... unless the pool is so large that most have less: then rows of less than this part of the mean
ROWS_A_BLOCK = 256
SCALING_STEPS = 10


def least_weight(n: int, n_rows: int) -> float:
    """The weight below which one of n_rows pool rows is left out, once all weights sum to n."""
    return min(LEAST_WEIGHT, LEAST_SHARE * n / n_rows)


def oversize(
    n: int, available: int, parameters: SelectionParameters, *, warn: Callable[[str], None] | None = None
) -> int:
    """Rows of the oversized subset of so many available ones."""
    wanted = round(n * parameters.trimming_data_multiplier)
    if wanted > available and warn is not None:
        warn(
            f"trimming_data_multiplier={parameters.trimming_data_multiplier:g} asks for {wanted:,} rows, the pool has "
            f"{available:,} that may be selected: all of them are used"
        )
    return min(wanted, available)


def refinement_candidates(weights: np.ndarray, n: int) -> np.ndarray:
    """(n_rows,) bool: rows of a fair weight, once the weights are scaled to sum to n."""
    return weights * (n / weights.sum()) >= least_weight(n, len(weights))


def scale_weights(weights: np.ndarray, n: int) -> np.ndarray:
    """Weights scaled to sum to n (as near as the cap at 1 allows), those below `least_weight` set to 0."""
    scaled = np.minimum(weights * (n / weights.sum()), 1.0)
    scaled[scaled < least_weight(n, len(weights))] = 0.0
    if np.count_nonzero(scaled) < n:
        scaled = np.minimum(weights * (n / weights.sum()), 1.0)
    for _ in range(SCALING_STEPS):
        scaled = np.minimum(scaled * (n / scaled.sum()), 1.0)
    return scaled


def round_weights(
    codes: np.ndarray,
    weights: np.ndarray,
    targets: Tables,
    *,
    n: int,
    n_target: int,
    rng: np.random.Generator,
    workers: Workers,
    progress: Progress,
) -> np.ndarray:
    """Choose exactly n rows by their weights.

    codes: (n_columns, n_rows) uint8 of the pool; weights: (n_rows,) >= 0, at least n of them positive; targets: counts
    that the tables of n_target rows should have. Returns sorted int64 row numbers.
    """
    fractions = scale_weights(weights, n)
    rows = rng.permutation(np.flatnonzero(fractions))
    residual = _FractionalTables(pairs_only(targets.layout), workers)
    residual.tables.add(codes[:, rows], fractions[rows])
    for cells, target in zip(residual.tables.levels()[:2], targets.levels()[:2], strict=True):
        cells -= np.float32(n / n_target) * target
    keep = np.zeros(len(rows), dtype=bool)
    with progress.task("Rounding", total=len(rows), unit="row") as task:
        for start in range(0, len(rows), ROWS_A_BLOCK):
            block = slice(start, start + ROWS_A_BLOCK)
            keep[block] = residual.decide(codes[:, rows[block]], fractions[rows[block]])
            task.advance(len(rows[block]))
    return _exactly(n, rows, keep, fractions)


def pairs_only(layout: Layout) -> Layout:
    """The layout without its trivariate tables."""
    return Layout(layout.sizes, pair_columns=layout.pair_columns, triple_columns=0)


def _exactly(n: int, rows: np.ndarray, keep: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    """The few rows too many or too few, corrected by weight."""
    by_weight = np.argsort(-fractions[rows], kind="stable")
    missing = n - np.count_nonzero(keep)
    if missing > 0:
        keep[by_weight[~keep[by_weight]][:missing]] = True
    elif missing < 0:
        keep[by_weight[keep[by_weight]][missing:]] = False
    return np.sort(rows[keep])


class _FractionalTables:
    """Residual of decided rows plus the fractional rest, for univariate and bivariate tables."""

    def __init__(self, layout: Layout, workers: Workers) -> None:
        self.tables = Tables(layout, workers=workers)
        self.weights = LevelWeights.of(layout).values.astype(np.float32)
        self.itself = float(self.weights[:2] @ layout.n_tables[:2])

    def decide(self, codes: np.ndarray, fractions: np.ndarray) -> np.ndarray:
        """Keep (True) or drop each row, in order, and update the residual."""
        residual, n_columns = self.tables.values, len(codes)
        keep = np.empty(len(fractions), dtype=bool)
        for t, (cells, fraction) in enumerate(zip(self.tables.cells(codes), fractions.astype(np.float32), strict=True)):
            own = residual.take(cells, mode="clip")
            own -= fraction  # as if dropped; kept, the squared error changes by twice their sum, and by `itself`
            gain = self.weights[0] * own[:n_columns].sum() + self.weights[1] * own[n_columns:].sum()
            keep[t] = 2 * gain + self.itself < 0
            if keep[t]:
                own += np.float32(1.0)
            residual[cells] = own
        return keep
