"""Swap refinement: one selected row out, one pool row in, as long as the tables come closer to the target.

The swaps minimise the weighted squared error of all tables. The L1 distance itself is flat around its many local
optima, and greedy swaps soon stop in one of them; the squared error keeps finding improvements that lower the L1 as
well. In each round a working set of rows is compared with scores that the kernel keeps exact. So every swap improves
the state to which it is applied.
"""

import time
from dataclasses import dataclass

import numpy as np

from postprocess.runtime.stages import Deadline
from postprocess.selection.kernel import MatchKernel, OrderWeights
from postprocess.tables.accuracy import of_residuals
from postprocess.tables.counts import Tables

MEMBER_SHARE = 1 / 3  # of a working set: selected rows; the others are candidates
PATIENCE = 100  # consecutive selected rows without an improving swap, after which a round ends
SWAPS_PER_CHECK = 50  # swaps between two looks at the clock
MIN_GAIN = 1e-5  # share of a row's kernel with itself: smaller changes of the squared error are rounding errors


@dataclass(frozen=True)
class RefinementResult:
    """selected: (n_rows,) bool over the candidate rows. status: "converged", "iteration limit" or "out of time".

    curve: (seconds, overall fit to the targets) after each round.
    """

    selected: np.ndarray
    status: str
    rounds: int
    swaps: int
    curve: tuple[tuple[float, float], ...]


def refine(
    residuals: Tables,
    codes: np.ndarray,
    selected: np.ndarray,
    *,
    n: int,
    swapsize: int,
    max_rounds: int,
    tolerance: float,
    deadline: Deadline,
    rng: np.random.Generator,
) -> RefinementResult:
    """Swap selected rows for others.

    residuals: of the selected rows against the target of n rows; kept up to date. codes: (n_columns, n_rows) uint8 of
    all candidate rows; selected: (n_rows,) bool, n of them set. A working set has `swapsize` rows. In a pass, every
    candidate has its turn. The refinement has converged once a pass gains less overall fit than `tolerance`, or makes
    no swap.
    """
    selected = selected.copy()
    queue = _WorkingSets(selected, swapsize, rng)
    fit = pass_start = of_residuals(residuals, n)
    swaps = pass_swaps = rounds = 0
    status, curve, started = "iteration limit", [], time.monotonic()
    with residuals.workers.progress.task("Refinement", total=None, unit="round") as task:
        while rounds < max_rounds:
            if deadline.passed():
                status = "out of time"
                break
            rows, ends_pass = queue.next()
            chosen, made = _swap(residuals, codes.take(rows, axis=1), selected[rows], deadline)
            changed = chosen != selected[rows]
            residuals.add(codes[:, rows[changed]], np.where(chosen[changed], 1, -1))
            selected[rows] = chosen
            fit, swaps, rounds = of_residuals(residuals, n), swaps + made, rounds + 1
            curve.append((time.monotonic() - started, fit.overall))
            task.advance(note=f"{swaps} swaps, fit to the smoothed targets {fit}")
            if ends_pass and not deadline.passed():  # a round cut short does not show what is left to gain
                if fit.overall - pass_start.overall < tolerance or swaps == pass_swaps:
                    status = "converged"
                    break
                pass_start, pass_swaps = fit, swaps
    return RefinementResult(selected, status, rounds, swaps, tuple(curve))


class _WorkingSets:
    """Draws working sets so that a pass sees every candidate once. Selected rows take turns in the same way."""

    def __init__(self, selected: np.ndarray, swapsize: int, rng: np.random.Generator) -> None:
        self.selected, self.rng = selected, rng
        n_selected = int(np.count_nonzero(selected))
        self.n_members = min(n_selected, max(1, int(swapsize * MEMBER_SHARE)))
        self.n_others = min(len(selected) - n_selected, max(1, swapsize - self.n_members))
        self.members = self.others = np.zeros(0, dtype=np.int64)

    def next(self) -> tuple[np.ndarray, bool]:
        """Return sorted row numbers, and whether every candidate has had its turn."""
        members, self.members = self._draw(self.members, self.n_members, wanted=True)
        others, self.others = self._draw(self.others, self.n_others, wanted=False)
        return np.sort(np.concatenate([members, others])), len(self.others) == 0

    def _draw(self, waiting: np.ndarray, number: int, *, wanted: bool) -> tuple[np.ndarray, np.ndarray]:
        waiting = waiting[self.selected[waiting] == wanted]
        if len(waiting) == 0:
            waiting = self.rng.permutation(np.flatnonzero(self.selected == wanted))
        return waiting[:number], waiting[number:]


def _swap(residuals: Tables, codes: np.ndarray, selected: np.ndarray, deadline: Deadline) -> tuple[np.ndarray, int]:
    """Make the steepest swaps within a working set until none improves; returns the new selection and their number."""
    selected = selected.copy()
    kernel = MatchKernel(codes, residuals.layout)
    gradient = OrderWeights.of(residuals.layout).combine(residuals.row_sums(codes))
    min_gain = MIN_GAIN * kernel.self_value
    leaving = np.where(selected, gradient, -np.inf)  # of the selected rows that have not been tried in vain
    entering = np.where(selected, np.inf, gradient)
    out_kernel, in_kernel = np.empty_like(gradient), np.empty_like(gradient)
    swaps = failures = 0
    while failures < PATIENCE:
        leaving_row = int(np.argmax(leaving))
        kernel.row(leaving_row, out=out_kernel)
        entering -= out_kernel
        entering_row = int(np.argmin(entering))
        change = entering[entering_row] - leaving[leaving_row] + kernel.self_value
        if not change < -min_gain:
            entering += out_kernel
            leaving[leaving_row] = -np.inf
            failures += 1
            continue
        kernel.row(entering_row, out=in_kernel)
        entering += in_kernel
        leaving += in_kernel
        leaving -= out_kernel
        entering[leaving_row], leaving[leaving_row] = leaving[leaving_row], -np.inf
        leaving[entering_row], entering[entering_row] = entering[entering_row], np.inf
        selected[leaving_row], selected[entering_row] = False, True
        failures = 0
        swaps += 1
        if swaps % SWAPS_PER_CHECK == 0 and deadline.passed():
            break
    return selected, swaps
