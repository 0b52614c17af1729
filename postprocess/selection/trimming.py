"""Greedy trimming: from an oversized subset to exactly n rows, dropping each time the row that the tables miss least.

Trimming minimises the squared error of all tables against the target scaled to the current number of rows. The first
rows are therefore judged as fairly as the last. The kernel keeps every score exact.

A batch of rows is dropped one by one among the few rows that look worst, and then the scores of all rows follow at
once, on all threads. That hardly changes which rows are dropped, and takes a small part of the time.

Many rows are trimmed in blocks, because the comparisons grow with the square of the rows. The first pass takes small
blocks, which compare little. Only the last rows to go are chosen in large ones, because they decide how close the
tables come.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from postprocess.runtime.progress import Task
from postprocess.runtime.stages import Deadline
from postprocess.runtime.threads import chunks
from postprocess.selection.kernel import MatchKernel, OrderWeights, highest
from postprocess.tables.counts import Tables

SHORTLIST, BATCH = 1024, 32  # of the rows that look worst, as many are dropped before all rows are looked at again
LARGE_BLOCKS_FROM = 1.4  # rows per row to keep: the first pass leaves as many
SMALL_PER_LARGE = 4  # blocks of the first pass that together have as many rows as a large one
FORGOTTEN_SHARE = 1 / 16  # of the compared rows: once so many are dropped, it pays to copy the others


@dataclass(frozen=True)
class TrimmingResult:
    """keep: (n_rows,) bool, n of them set. status: "finished", "out of time" or "nothing to trim".

    removed_greedily: number of rows dropped one by one. If time ran out, the other rows were dropped by their last
    score.
    """

    keep: np.ndarray
    status: str
    removed_greedily: int


def trim(
    residuals: Tables,
    codes: np.ndarray,
    target_sums: np.ndarray,
    *,
    n: int,
    swapsize: int,
    deadline: Deadline,
    rng: np.random.Generator,
) -> TrimmingResult:
    """Drop rows until n are left.

    residuals: of all these rows against the target of n rows; on return, of the rows kept. codes: (n_columns, n_rows)
    uint8; target_sums: (3, n_rows), `row_sums` of the target counts. Blocks of at most `swapsize` rows, drawn at
    random, are compared at a time, and each block loses its share.
    """
    n_rows = codes.shape[1]
    keep = np.ones(n_rows, dtype=bool)
    if n_rows == n:
        return TrimmingResult(keep, "nothing to trim", 0)
    weights = OrderWeights.of(residuals.layout)
    size, greedily = n_rows, 0
    with residuals.workers.progress.task("Trimming", total=n_rows - n, unit="row") as task:
        for rows, left in _blocks(keep, n, swapsize, rng):
            of_rows, target = codes.take(rows, axis=1), weights.combine(target_sums[:, rows])
            counts = weights.combine(residuals.row_sums(of_rows)) + target
            block = _Block(of_rows, residuals, counts, target, size, n)
            dropped = block.drop(size - left, deadline, task)
            greedily += block.greedily
            keep[rows[dropped]] = False
            size = left
            residuals.remove(of_rows.take(dropped, axis=1))
    return TrimmingResult(keep, "out of time" if greedily < n_rows - n else "finished", greedily)


def _blocks(keep: np.ndarray, n: int, swapsize: int, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the sorted places of each block's rows, and how many rows of all blocks are to be left after it.

    keep: (n_rows,) bool, which loses the dropped rows before the next block is asked for.
    """
    n_rows, after_first = len(keep), int(LARGE_BLOCKS_FROM * n)
    passes = [(n, swapsize)]
    if n_rows > max(swapsize, after_first):
        passes.insert(0, (after_first, max(1, swapsize // SMALL_PER_LARGE)))
    for left, at_most in passes:
        order = rng.permutation(np.flatnonzero(keep))
        block_size = -(-len(order) // -(-len(order) // at_most))
        for part in chunks(len(order), block_size):
            yield np.sort(order[part]), len(order) - (len(order) - left) * part.stop // len(order)


class _Block:
    """Rows that are compared with each other; counts, target: (n_rows,) weighted sums over the cells of each row."""

    def __init__(
        self, codes: np.ndarray, tables: Tables, counts: np.ndarray, target: np.ndarray, size: int, n: int
    ) -> None:
        self.tables, self.counts, self.target, self.size, self.n = tables, counts, target, size, n
        self.greedily = 0
        self.dropped, self._buffer = np.zeros(len(counts), dtype=bool), np.empty(len(counts))
        self._places = np.arange(len(counts))  # in the block, of the rows that are still compared
        self._compare(codes)

    def drop(self, number: int, deadline: Deadline, task: Task) -> np.ndarray:
        """Return the places of the `number` rows to drop."""
        while self.greedily < number and not deadline.passed():
            self._forget_dropped()
            rows = self._steepest(min(BATCH, number - self.greedily))
            self.dropped[self._places[rows]] = True
            self._kernel.add(self.counts, self._kernel.codes[:, rows], np.full(len(rows), -1.0))
            self.counts[rows] = -np.inf
            self.size -= len(rows)
            self.greedily += len(rows)
            task.advance(len(rows))
        left = number - self.greedily
        if left:
            self.dropped[self._places[highest(self._excess(self.counts, self.target, self.size), left)]] = True
        task.advance(left)
        return np.flatnonzero(self.dropped)

    def _steepest(self, number: int) -> np.ndarray:
        """Return the places of the rows to drop next, one after the other, among the rows that look worst now."""
        worst = np.sort(highest(self._excess(self.counts, self.target, self.size), SHORTLIST))
        kernel = MatchKernel(self._kernel.codes.take(worst, axis=1), self.tables.layout)
        counts, target = self.counts[worst], self.target[worst]
        rows = np.empty(number, dtype=np.int64)
        for step in range(number):
            row = rows[step] = int(np.argmax(self._excess(counts, target, self.size - step)))
            counts -= kernel.row(row)
            counts[row] = -np.inf
        return worst[rows]

    def _excess(self, counts: np.ndarray, target: np.ndarray, size: int) -> np.ndarray:
        """Return how far each row's cells are above the target of the next step's number of rows; -inf if dropped.

        The array is a buffer that the next call fills anew: fresh memory would cost more than the work done in it.
        """
        excess = self._buffer[: len(counts)]
        np.multiply(target, (size - 1) / self.n, out=excess)
        return np.subtract(counts, excess, out=excess)

    def _forget_dropped(self) -> None:
        """Leave the dropped rows out of the comparison once that saves more than it costs."""
        left = ~self.dropped[self._places]
        if np.count_nonzero(left) <= (1 - FORGOTTEN_SHARE) * len(left):
            self._places, self.counts, self.target = self._places[left], self.counts[left], self.target[left]
            self._compare(self._kernel.codes.compress(left, axis=1))

    def _compare(self, codes: np.ndarray) -> None:
        self._kernel = MatchKernel(codes, self.tables.layout, self.tables.workers)
