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
from postprocess.selection.kernel import MatchKernel, OrderWeights, highest
from postprocess.tables.accuracy import of_residuals
from postprocess.tables.counts import Tables

MEMBER_SHARE = 1 / 3  # of a working set, about: selected rows; the others are candidates
PATIENCE = 100  # consecutive selected rows without an improving swap, after which a round ends
BATCH = 16  # selected rows that look for a partner at a time
GAIN_SHARE = 1 / 4  # of the candidates: the refinement goes by the gain of the last rounds that looked at as many
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
    all candidate rows; selected: (n_rows,) bool, n of them set. A working set has at most `swapsize` rows. In a pass,
    every candidate has its turn. The refinement has converged once a pass would gain less overall fit than `tolerance`
    at the rate of the last rounds, or once they make no swap.
    """
    selected = selected.copy()
    queue = _SetQueue(selected, swapsize, rng)
    in_view = max(1, round(GAIN_SHARE * queue.sets_per_pass))  # rounds
    fits, swaps = [of_residuals(residuals, n).overall], [0]  # before the first round and after each
    status, curve, started = "iteration limit", [], time.monotonic()
    working_set: _WorkingSet | None = None
    with residuals.workers.progress.task("Refinement", total=None, unit="round") as task:
        for _ in range(max_rounds):
            if deadline.passed():
                status = "out of time"
                break
            rows = queue.next()
            if working_set is None or len(rows) < len(selected):  # if it holds all rows, its scores stay exact
                working_set = _WorkingSet(residuals, codes.take(rows, axis=1))
            chosen, made = working_set.swap(selected[rows], deadline)
            changed = chosen != selected[rows]
            residuals.add(codes.take(rows[changed], axis=1), np.where(chosen[changed], 1, -1))
            selected[rows] = chosen
            fit = of_residuals(residuals, n)
            fits.append(fit.overall)
            swaps.append(swaps[-1] + made)
            curve.append((time.monotonic() - started, fit.overall))
            task.advance(note=f"{swaps[-1]} swaps, fit to the smoothed targets {fit}")
            if len(curve) < in_view or deadline.passed():  # a round cut short does not show what is left to gain
                continue
            gain = fits[-1] - fits[-1 - in_view]
            if gain < tolerance * in_view / queue.sets_per_pass or swaps[-1] == swaps[-1 - in_view]:
                status = "converged"
                break
    return RefinementResult(selected, status, len(curve), swaps[-1], tuple(curve))


class _SetQueue:
    """Draws working sets of equal size so that a pass sees every candidate once.

    Selected rows take turns in the same way, and in equal parts as well. Otherwise, a round with the few rows left over
    would gain next to nothing, and the refinement would end too early.
    """

    def __init__(self, selected: np.ndarray, swapsize: int, rng: np.random.Generator) -> None:
        self.selected, self.rng = selected, rng
        n_selected = int(np.count_nonzero(selected))
        n_candidates = len(selected) - n_selected
        self.n_members = -(-n_selected // max(1, round(n_selected / (swapsize * MEMBER_SHARE))))
        self.sets_per_pass = max(1, -(-n_candidates // max(1, swapsize - self.n_members)))
        self.n_others = -(-n_candidates // self.sets_per_pass)
        self.members = self.others = np.zeros(0, dtype=np.int64)

    def next(self) -> np.ndarray:
        """Return sorted row numbers."""
        members, self.members = self._draw(self.members, self.n_members, wanted=True)
        others, self.others = self._draw(self.others, self.n_others, wanted=False)
        return np.sort(np.concatenate([members, others]))

    def _draw(self, waiting: np.ndarray, number: int, *, wanted: bool) -> tuple[np.ndarray, np.ndarray]:
        waiting = waiting[self.selected[waiting] == wanted]
        if len(waiting) == 0:
            waiting = self.rng.permutation(np.flatnonzero(self.selected == wanted))
        return waiting[:number], waiting[number:]


class _WorkingSet:
    """Rows that are compared with each other. codes: (n_columns, n_rows) uint8."""

    def __init__(self, residuals: Tables, codes: np.ndarray) -> None:
        self._layout = residuals.layout
        self._kernel = MatchKernel(codes, residuals.layout, residuals.workers)
        self._gradient = OrderWeights.of(residuals.layout).combine(residuals.row_sums(codes))

    def swap(self, selected: np.ndarray, deadline: Deadline) -> tuple[np.ndarray, int]:
        """Swap until no swap improves; returns the new selection and the number of swaps.

        The selected rows with the highest gradients, a batch at a time, look for their best partners among all other
        rows, on all threads. Swaps are then made among these few rows, and the gradients of all rows follow.
        """
        selected = selected.copy()
        waiting = selected.copy()  # the selected rows that have not been tried in vain
        swaps = failures = 0
        while failures < PATIENCE and waiting.any() and not (swaps and deadline.passed()):
            places = np.flatnonzero(waiting)
            leaving = places[highest(self._gradient[places], BATCH)]
            changed, made, in_vain = self._swap_best(leaving, selected)
            selected[changed] = ~selected[changed]
            waiting[changed], waiting[in_vain] = selected[changed], False
            swaps, failures = swaps + made, 0 if made else failures + len(leaving)
        return selected, swaps

    def _swap_best(self, leaving: np.ndarray, selected: np.ndarray) -> tuple[np.ndarray, int, np.ndarray]:
        """Swap some of these rows; returns the rows that changed, the number of swaps, and the rows tried in vain."""
        kernel, gradient = self._kernel, self._gradient
        least, partners = kernel.best_partners(np.where(selected, np.inf, gradient), kernel.codes[:, leaving])
        improves = least - gradient[leaving] + kernel.self_value < -MIN_GAIN * kernel.self_value
        few = np.unique(np.concatenate([leaving[improves], partners[improves]]))
        chosen, made = _swap_few(
            MatchKernel(kernel.codes.take(few, axis=1), self._layout), gradient[few], selected[few]
        )
        changed = few[chosen != selected[few]]
        kernel.add(gradient, kernel.codes[:, changed], np.where(selected[changed], -1.0, 1.0))
        return changed, made, leaving[~improves] if made else leaving


def _swap_few(kernel: MatchKernel, gradient: np.ndarray, selected: np.ndarray) -> tuple[np.ndarray, int]:
    """Make the steepest swap among a few rows, again and again until none improves; returns as `swap` does."""
    gradient, selected, swaps = gradient.copy(), selected.copy(), 0
    between = np.array([kernel.row(row) for row in range(len(selected))])
    while selected.any() and not selected.all():
        leaving, entering = np.flatnonzero(selected), np.flatnonzero(~selected)
        change = gradient[entering] - gradient[leaving, None] - between[np.ix_(leaving, entering)]
        best = np.unravel_index(np.argmin(change), change.shape)
        if not change[best] + kernel.self_value < -MIN_GAIN * kernel.self_value:
            break
        out_row, in_row = leaving[best[0]], entering[best[1]]
        gradient += between[in_row] - between[out_row]
        selected[out_row], selected[in_row] = False, True
        swaps += 1
    return selected, swaps
