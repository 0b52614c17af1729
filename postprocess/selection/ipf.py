"""Iterative proportional fitting: weights of the pool rows under which the pool's tables are the target's.

Deming and Stephan (1940), "On a least squares adjustment of a sampled frequency table when the expected marginal totals
are known". Here the method runs over the rows of a pool instead of the cells of one big table: each marginal in turn
multiplies the weights of the rows in each cell by target / current count. Weights are capped at 1, because a row can be
selected only once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from postprocess.runtime.threads import Workers, chunks, in_this_thread
from postprocess.selection.targets import Marginal
from postprocess.tables.cells import cells_of

ROWS_PER_CHUNK = 1 << 16  # rows counted together; sums are taken chunk by chunk, so threads do not change the result
MIN_CHUNKS_FOR_THREADS = 4  # with fewer, handing out the work takes longer than the work
PSEUDO_COUNT = 0.5  # a row with one odd cell that the training data does not have keeps some weight
MIN_WEIGHT = 1e-9  # many odd cells would leave a weight of 0, and the last rows of a poor pool without any order
STALL_RATIO = 0.99  # a sweep that leaves more than this share of the mean error has stalled


@dataclass(frozen=True)
class IpfResult:
    """The weights, (n_rows,) float64 in 0..1 with a sum of about n, and how the fit ended.

    status: "converged", "stalled" or "iteration limit". The errors are those of the tables in the last sweep, each
    before its own fit.
    """

    weights: np.ndarray
    status: str
    sweeps: int
    largest_error: float
    mean_error: float


def fit_weights(
    codes: np.ndarray,
    n_codes: np.ndarray,
    marginals: list[Marginal],
    *,
    n: int,
    max_sweeps: int,
    tolerance: float,
    rng: np.random.Generator,
    workers: Workers,
) -> IpfResult:
    """Fit the weights of pool rows to marginals whose target counts sum to n.

    codes: (n_columns, n_rows) uint8 of the pool rows. The fit ends if the mean error of a sweep is at most `tolerance`
    ("converged"), if a sweep lowers the mean error by less than a hundredth ("stalled"), or after `max_sweeps`.
    """
    n_rows = codes.shape[1]
    parts = chunks(n_rows, ROWS_PER_CHUNK)
    for_each = workers.map if len(parts) >= MIN_CHUNKS_FOR_THREADS else in_this_thread
    weights = np.full(n_rows, min(1.0, n / n_rows))
    cells = np.empty(n_rows, dtype=np.intp)
    status, last_mean, errors = "iteration limit", np.inf, np.zeros(1)
    with workers.progress.task("IPF sweeps", total=max_sweeps, unit="sweep") as task:
        for sweep in range(1, max_sweeps + 1):
            errors = np.empty(len(marginals))
            for done, t in enumerate(rng.permutation(len(marginals)), start=1):
                errors[t] = _fit_one(weights, cells, codes, n_codes, marginals[t], n, parts, for_each)
                task.update(sweep - 1 + done / len(marginals))
            np.clip(weights, MIN_WEIGHT, 1.0, out=weights)
            task.update(sweep, note=f"largest error {errors.max():.5f}, mean {errors.mean():.5f}")
            if errors.mean() <= tolerance:
                status = "converged"
                break
            if errors.mean() > STALL_RATIO * last_mean:
                status = "stalled"
                break
            last_mean = errors.mean()
    return IpfResult(weights, status, sweep, float(errors.max()), float(errors.mean()))


def _fit_one(
    weights: np.ndarray,
    cells: np.ndarray,
    codes: np.ndarray,
    n_codes: np.ndarray,
    marginal: Marginal,
    n: int,
    parts: list[slice],
    for_each: Callable,
) -> float:
    """Fit the weights to one marginal, in place. Return the error before that: half the L1 distance over n."""

    def count(part: slice) -> np.ndarray:
        cells_of(codes[:, part], n_codes, marginal.columns, out=cells[part])
        return np.bincount(cells[part], weights[part], minlength=len(marginal.target))

    current = sum(for_each(count, parts))
    factor = (marginal.target + PSEUDO_COUNT) / (current + PSEUDO_COUNT)

    def scale(part: slice) -> None:
        weights[part] *= factor.take(cells[part], mode="clip")

    for_each(scale, parts)
    return float(np.abs(current - marginal.target).sum()) / (2 * n)
