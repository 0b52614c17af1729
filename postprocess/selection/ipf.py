"""Iterative proportional fitting: weights over the pool under which its tables are the target's.

Deming and Stephan (1940), "On a least squares adjustment of a sampled frequency table when the expected marginal totals
are known", run over the rows of a pool instead of the cells of one big table: each table in turn multiplies the weights
of its cells' rows by target / current. Weights are capped at 1, as a row can be selected only once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from postprocess.runtime.progress import Progress
from postprocess.runtime.threads import Workers, chunks
from postprocess.selection.targets import SMOOTHED_COLUMNS, smoothed
from postprocess.tables.counts import cells_of, count_table

ROWS_A_CHUNK = 1 << 16  # rows counted together: sums are taken chunk by chunk, so threads do not change the result
PSEUDO_COUNT = 0.5  # keeps a row whose one odd cell the training data does not have from losing all its weight

LEAST_WEIGHT = 1e-9  # many odd cells would leave a weight of 0, and the last rows of a poor pool without any order
LEAST_DECREASE = 0.99  # a sweep that leaves more than this part of the mean error has stalled


@dataclass(frozen=True)
class IpfResult:
    """weights: (n_rows,) float64 in 0..1, summing to about n. The errors of the tables, as met in the last sweep."""

    weights: np.ndarray
    status: str  # "converged" | "stalled" | "iteration limit"
    sweeps: int
    largest_error: float
    mean_error: float


@dataclass(frozen=True)
class Margin:
    """One table to fit: its columns (one or two), and its target counts, flat."""

    columns: tuple[int, ...]
    target: np.ndarray


def margins(
    training: np.ndarray, prior: np.ndarray, sizes: np.ndarray, tables: Sequence[tuple[int, ...]], *, smoothing: float
) -> list[Margin]:
    """The target counts of the given tables of one or two columns, for as many rows as the training data has.

    training, prior, smoothing: as `postprocess.selection.targets.target_tables` takes them.
    """
    n = training.shape[1]

    def margin(columns: tuple[int, ...]) -> Margin:
        counts = count_table(training, sizes, columns).astype(np.float64)
        if smoothing > 0 and len(columns) >= SMOOTHED_COLUMNS:
            found = count_table(prior, sizes, columns) * (n / prior.shape[1])
            counts = smoothed(counts[None], found[None], np.zeros(1, dtype=int), n, smoothing)[0]
        return Margin(columns, counts)

    return [margin(columns) for columns in tables]


def fit_weights(
    codes: np.ndarray,
    sizes: np.ndarray,
    targets: list[Margin],
    *,
    n: int,
    most_sweeps: int,
    tolerance: float,
    rng: np.random.Generator,
    workers: Workers,
    progress: Progress,
) -> IpfResult:
    """Fit the weights of the pool's rows to the targets, whose counts sum to n.

    codes: (n_columns, n_rows) uint8 of the pool. Stops when the mean error of a sweep is at most `tolerance`
    ("converged"), when a sweep lowers it by less than a hundredth of itself ("stalled"), or after `most_sweeps`.
    """
    n_rows = codes.shape[1]
    parts = chunks(n_rows, ROWS_A_CHUNK)
    weights = np.full(n_rows, min(1.0, n / n_rows))
    cells = np.empty(n_rows, dtype=np.intp)
    status, last_mean, errors = "iteration limit", np.inf, np.zeros(1)
    with progress.task("IPF sweeps", total=most_sweeps, unit="sweep") as task:
        for sweep in range(1, most_sweeps + 1):
            errors = np.empty(len(targets))
            for done, t in enumerate(rng.permutation(len(targets)), start=1):
                errors[t] = _fit_one(weights, cells, codes, sizes, targets[t], n, parts, workers)
                task.update(sweep - 1 + done / len(targets))
            np.clip(weights, LEAST_WEIGHT, 1.0, out=weights)
            task.update(sweep, note=f"largest error {errors.max():.5f}, mean {errors.mean():.5f}")
            if errors.mean() <= tolerance:
                status = "converged"
                break
            if errors.mean() > LEAST_DECREASE * last_mean:
                status = "stalled"
                break
            last_mean = errors.mean()
    return IpfResult(weights, status, sweep, float(errors.max()), float(errors.mean()))


def _fit_one(
    weights: np.ndarray,
    cells: np.ndarray,
    codes: np.ndarray,
    sizes: np.ndarray,
    margin: Margin,
    n: int,
    parts: list[slice],
    workers: Workers,
) -> float:
    """Fit one table in place; its error before that: half its L1 over n."""

    def count(part: slice) -> np.ndarray:
        cells_of(codes[:, part], sizes, margin.columns, out=cells[part])
        return np.bincount(cells[part], weights[part], minlength=len(margin.target))

    current = sum(workers.map(count, parts))
    factor = (margin.target + PSEUDO_COUNT) / (current + PSEUDO_COUNT)

    def scale(part: slice) -> None:
        weights[part] *= factor.take(cells[part], mode="clip")

    workers.map(scale, parts)
    return float(np.abs(current - margin.target).sum()) / (2 * n)
