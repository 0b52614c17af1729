"""Swap refinement: one selected row out, one pool row in, as long as the tables come closer to the target.

What the swaps minimise is the weighted squared error of all tables: bare L1 is flat around its many local optima, and
greedy swaps run into them early, while the squared error keeps finding improvements that lower the L1 as well. In a
round a working set of rows is weighed against each other with scores that the agreement kernel keeps exact, so every
swap is an improvement of the state it is applied to.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from postprocess.runtime.progress import Progress
from postprocess.runtime.stages import Deadline
from postprocess.selection.kernel import Agreement, LevelWeights
from postprocess.tables.accuracy import Accuracy, of_residuals
from postprocess.tables.counts import Tables

MEMBER_SHARE = 1 / 3  # of a working set: selected rows; the others are candidates
PATIENCE = 100  # selected rows tried in a row without finding an improving swap, before a round ends
SWAPS_A_LOOK = 50  # swaps between two looks at the clock
LEAST_GAIN = 1e-5  # of a row's own weight: smaller changes of the squared error are rounding


@dataclass(frozen=True)
class RefinementResult:
    """selected: (n_rows,) bool over the candidate rows. fit: the accuracy against the targets. curve: (seconds, overall
    fit) after each round.
    """

    selected: np.ndarray
    status: str  # "converged" | "iteration limit" | "out of time"
    rounds: int
    swaps: int
    fit: Accuracy
    curve: tuple[tuple[float, float], ...]


def refine(
    tables: Tables,
    codes: np.ndarray,
    selected: np.ndarray,
    *,
    n: int,
    swapsize: int,
    most_rounds: int,
    tolerance: float,
    deadline: Deadline,
    rng: np.random.Generator,
    progress: Progress,
) -> RefinementResult:
    """Swap selected rows for others.

    tables: residuals of the selected rows against the target of n rows; kept up to date. codes: (n_columns, n_rows)
    uint8 of all candidate rows; selected: (n_rows,) bool, n of them set. `swapsize` rows make a working set. Ends when
    a pass, in which every candidate has had its turn, gains less overall fit than `tolerance`, or no swap at all.
    """
    selected = selected.copy()
    queue = _WorkingSets(selected, swapsize, rng)
    fit = pass_start = of_residuals(tables, n)
    swaps = pass_swaps = rounds = 0
    status, curve, started = "iteration limit", [], time.monotonic()
    with progress.task("Refinement", total=None, unit="round") as task:
        while rounds < most_rounds:
            if deadline.passed():
                status = "out of time"
                break
            rows, ends_pass = queue.next()
            chosen, made = _swap(tables, codes.take(rows, axis=1), selected[rows], deadline)
            changed = chosen != selected[rows]
            tables.add(codes[:, rows[changed]], np.where(chosen[changed], 1, -1))
            selected[rows] = chosen
            fit, swaps, rounds = of_residuals(tables, n), swaps + made, rounds + 1
            curve.append((time.monotonic() - started, fit.overall))
            task.advance(note=f"{swaps} swaps, fit to the targets {fit}")
            if ends_pass and not deadline.passed():  # a round cut short tells nothing of what is left to gain
                if fit.overall - pass_start.overall < tolerance or swaps == pass_swaps:
                    status = "converged"
                    break
                pass_start, pass_swaps = fit, swaps
    return RefinementResult(selected, status, rounds, swaps, fit, tuple(curve))


class _WorkingSets:
    """Draws working sets so that a pass sees every candidate once; selected rows take turns likewise."""

    def __init__(self, selected: np.ndarray, swapsize: int, rng: np.random.Generator) -> None:
        self.selected, self.rng = selected, rng
        n_selected = int(np.count_nonzero(selected))
        self.n_members = min(n_selected, max(1, int(swapsize * MEMBER_SHARE)))
        self.n_others = min(len(selected) - n_selected, max(1, swapsize - self.n_members))
        self.members = self.others = np.zeros(0, dtype=np.int64)

    def next(self) -> tuple[np.ndarray, bool]:
        """Sorted row numbers, and whether every candidate has had its turn."""
        members, self.members = self._draw(self.members, self.n_members, wanted=True)
        others, self.others = self._draw(self.others, self.n_others, wanted=False)
        return np.sort(np.concatenate([members, others])), len(self.others) == 0

    def _draw(self, waiting: np.ndarray, number: int, *, wanted: bool) -> tuple[np.ndarray, np.ndarray]:
        waiting = waiting[self.selected[waiting] == wanted]
        if len(waiting) == 0:
            waiting = self.rng.permutation(np.flatnonzero(self.selected == wanted))
        return waiting[:number], waiting[number:]


def _swap(tables: Tables, codes: np.ndarray, selected: np.ndarray, deadline: Deadline) -> tuple[np.ndarray, int]:
    """Steepest swaps within a working set until none improves; the new selection and the number of swaps."""
    selected = selected.copy()
    agreement = Agreement(codes, tables.layout)
    gradient = LevelWeights.of(tables.layout).combine(tables.row_sums(codes))
    least_gain = LEAST_GAIN * agreement.itself
    leaving = np.where(selected, gradient, -np.inf)  # of selected rows that have not been tried in vain
    entering = np.where(selected, np.inf, gradient)
    out_kernel, into_kernel = np.empty_like(gradient), np.empty_like(gradient)
    swaps = failures = 0
    while failures < PATIENCE:
        out = int(np.argmax(leaving))
        agreement.with_row(out, out=out_kernel)
        entering -= out_kernel
        into = int(np.argmin(entering))
        change = entering[into] - leaving[out] + agreement.itself
        if not change < -least_gain:
            entering += out_kernel
            leaving[out] = -np.inf
            failures += 1
            continue
        agreement.with_row(into, out=into_kernel)
        entering += into_kernel
        leaving += into_kernel
        leaving -= out_kernel
        entering[out], leaving[out] = leaving[out], -np.inf
        leaving[into], entering[into] = entering[into], np.inf
        selected[out], selected[into] = False, True
        failures = 0
        swaps += 1
        if swaps % SWAPS_A_LOOK == 0 and deadline.passed():
            break
    return selected, swaps
