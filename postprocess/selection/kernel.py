"""The squared error of all tables at once, as a kernel of the number of columns in which two rows match.

Two rows share a univariate cell for each column in which they match, a bivariate cell for each pair of such columns,
and a trivariate cell for each triple. Let r = selected - target counts be the residuals. Then moving one row changes
the gradient of half the squared error, sum(weight * r ** 2) / 2, at every other row by

    k(m) = w1 * m + w2 * m (m - 1) / 2 + w3 * m (m - 1) (m - 2) / 6        (the rows match in m columns)

No table has to be looked up: the scores of tens of thousands of rows follow a swap in a fraction of a millisecond,
whatever the number of tables. They are exact but for the rounding of the kernel to float32. Kernel herding works in the
same way (Chen, Welling and Smola, 2010, "Super-samples from kernel herding", UAI). Here the kernel is a polynomial, and
its features are the cells of the tables.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from postprocess.runtime.threads import Workers, chunks, in_this_thread
from postprocess.tables.layout import Layout
from postprocess.tables.matches import ROWS_PER_COUNT, MatchCounter, standing

# Cells of each order that two rows share if they match in m columns: the coefficients of m ** 3, m ** 2 and m.
SHARED_CELLS = np.array([[0, 0, 1], [0, 1 / 2, -1 / 2], [1 / 6, -1 / 2, 1 / 3]])
EMPHASIS = (1.0, 2.0, 6.0)  # by order: the smaller the cells of a table, the smaller their squares beside their L1


@dataclass(frozen=True)
class OrderWeights:
    """(3,) weight of a cell's squared residual by the order of its table: the emphasis over the number of such tables.

    Equal weights would favour the univariate tables, whose residuals are the largest, more than the mean of the orders'
    L1 does. The emphasis was chosen by the overall accuracy that it gives on two data sets.
    """

    values: np.ndarray

    @classmethod
    def of(cls, layout: Layout) -> "OrderWeights":
        return cls(np.array(EMPHASIS) / np.maximum(layout.n_tables, 1))

    def combine(self, sums: np.ndarray) -> np.ndarray:
        """Return (n_rows,) float64 scores from (3, n_rows) row sums."""
        return self.values @ sums


class MatchKernel:
    """The kernel between some rows and a fixed set of rows.

    codes: (n_columns, n_rows) uint8 of the fixed set. The work is cut into blocks of the set, one after the other for
    each thread of the workers (None: this thread alone does it).
    """

    def __init__(self, codes: np.ndarray, layout: Layout, workers: Workers | None = None) -> None:
        self._counter = MatchCounter(codes)
        self.codes = self._counter.codes
        self._buffers = threading.local()
        self._for_each = workers.map if workers else in_this_thread
        by_columns: dict[int, np.ndarray] = {}
        for columns, weight, shared in zip(
            (len(codes), layout.pair_columns, layout.triple_columns),
            OrderWeights.of(layout).values,
            SHARED_CELLS,
            strict=True,
        ):
            by_columns[columns] = by_columns.get(columns, 0.0) + weight * shared
        self.self_value = float(sum(np.polyval([*kernel, 0], columns) for columns, kernel in by_columns.items()))
        # by matches among the first columns; with many rows, a polynomial is twice as fast to work out as to look up
        self._polynomials = [(columns, kernel.astype(np.float32)) for columns, kernel in by_columns.items()]
        self._lookups = [
            (columns, np.polyval([*kernel, 0], np.arange(columns + 1)).astype(np.float32))
            for columns, kernel in by_columns.items()
        ]

    def add(self, scores: np.ndarray, codes: np.ndarray, signs: np.ndarray) -> None:
        """Add to each row's score its kernel with each of the given rows, times that row's sign.

        scores: (n_rows,) float64 of the fixed set; codes: (n_columns, k); signs: (k,) float64.
        """

        def add_to(block: slice) -> None:
            for some, values in self._values(block, others):
                scores[block] += np.einsum("i,ij", signs[some], values)

        others, signs = standing(codes), signs.astype(np.float32)
        self._for_each(add_to, self._counter.blocks)

    def best_partners(self, scores: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (k,) the least score minus kernel that each of the given rows finds in the set, and its place there.

        scores: (n_rows,) float64 of the fixed set; codes: (n_columns, k). The first of equal ones counts.
        """

        def best_in(block: slice) -> tuple[np.ndarray, np.ndarray]:
            least, places = np.empty(len(others)), np.empty(len(others), dtype=np.int64)
            for some, values in self._values(block, others):
                np.subtract(of_set[block], values, out=values)
                found = values.argmin(axis=1)
                least[some] = values[np.arange(len(found)), found]
                places[some] = found + block.start
            return least, places

        others, of_set = standing(codes), scores.astype(np.float32)
        least, places = (np.array(each) for each in zip(*self._for_each(best_in, self._counter.blocks), strict=True))
        best = least.argmin(axis=0)[None]
        return np.take_along_axis(least, best, axis=0)[0], np.take_along_axis(places, best, axis=0)[0]

    def row(self, row: int) -> np.ndarray:
        """Return (n_rows,) float32: the kernel of each row of the set with the one at this place.

        In a set of a thousand rows, a lookup takes a third of the time of the polynomials.
        """
        equal = (self.codes == self.codes[:, row, None]).view(np.uint8)
        values = np.zeros(equal.shape[1], dtype=np.float32)
        for columns, of_matches in self._lookups:
            values += of_matches.take(np.add.reduce(equal[:columns], axis=0, dtype=self._counter.dtype))
        return values

    def _values(self, block: slice, others: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield some of the others at a time, and (some, rows of the block) float32 their kernel."""
        for some in chunks(len(others), ROWS_PER_COUNT):
            matches, values, more = (
                each[: len(others[some]), : block.stop - block.start] for each in self._of_thread()
            )
            for n, (columns, kernel) in enumerate(self._polynomials):
                matches[...] = self._counter.count(block, others[some], columns)
                found = more if n else values
                np.multiply(matches, kernel[0], out=found)  # by Horner's rule
                for coefficient in kernel[1:]:
                    found += coefficient
                    found *= matches
                if n:
                    values += more
            yield some, values

    def _of_thread(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if not hasattr(self._buffers, "arrays"):
            shape = (ROWS_PER_COUNT, self._counter.block_size)
            self._buffers.arrays = tuple(np.empty(shape, dtype=np.float32) for _ in range(3))
        return self._buffers.arrays


def highest(scores: np.ndarray, number: int) -> np.ndarray:
    """Return the places of the `number` highest scores, or of all if they are fewer."""
    return np.argpartition(scores, -number)[len(scores) - number :] if number < len(scores) else np.arange(len(scores))
