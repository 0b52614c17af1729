"""Contingency tables of one, two and three columns of codes: all of them counted into one flat array."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np

from postprocess.runtime.threads import Workers, chunks
from postprocess.tables.crossing import KeyedRows
from postprocess.tables.layout import Layout

Result = TypeVar("Result")

CELLS_PER_CHUNK = 1 << 20
CELL = np.float32  # exact for whole counts below 16.7 million; targets between two counts need no more


class Tables:
    """A value for each cell of all tables of a layout: counts, target counts or residuals.

    values: (n_cells,) float32, in one allocation, which is one of `Workers.zeros`.
    """

    def __init__(self, layout: Layout, *, workers: Workers, values: np.ndarray | None = None) -> None:
        self.layout = layout
        self.workers = workers
        self.values = workers.zeros(layout.order_start[-1], CELL) if values is None else values

    def orders(self) -> list[np.ndarray]:
        """Return views of the univariate, bivariate and trivariate cells."""
        start = self.layout.order_start
        return [self.values[start[k] : start[k + 1]] for k in range(3)]

    def spend_on_residuals(self, codes: np.ndarray) -> "Tables":
        """Turn these target counts into the residuals of the given rows: counts of the rows minus target counts.

        The residuals take over the memory of the targets, which may be gigabytes. These tables lose their values, and
        any later use of them raises AttributeError.
        """
        residuals = Tables(self.layout, workers=self.workers, values=np.negative(self.values, out=self.values))
        del self.values
        residuals.add(codes)
        return residuals

    def add(self, codes: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Count rows: codes (n_columns, n_rows) uint8, each row once or by its weight (n_rows,)."""
        self._count(codes, np.add, None if weights is None else [np.asarray(weights, dtype=np.float64)])

    def remove(self, codes: np.ndarray) -> None:
        """Take rows out: codes (n_columns, n_rows) uint8."""
        self._count(codes, np.subtract, None)

    def _count(self, codes: np.ndarray, change: np.ufunc, weights: Sequence[np.ndarray | None] | None) -> None:
        data = [KeyedRows(codes, self.layout)]

        def count_tables_from(i: int) -> None:
            for order, after, (counted,) in count_tables_starting_at(self.layout, i, data, weights):
                cells = self.block(order, i, after)
                change(cells, counted.reshape(cells.shape), out=cells, casting="unsafe")

        for _ in self._by_first_column(count_tables_from, codes):
            pass

    def _by_first_column(self, function: Callable[[int], Result], codes: np.ndarray) -> Iterator[Result]:
        """Yield function(first column) for each column, in order. Together, the calls look up all cells of the rows."""
        lookups = codes.shape[1] * self.layout.n_tables.sum()
        return self.workers.apart(function, range(len(self.layout.n_codes)), lookups=lookups)

    def block(self, order: int, i: int, after: int) -> np.ndarray:
        """Return a view of the cells that `count_tables_starting_at` counts together, in its order."""
        layout, cells = self.layout, self.orders()[order - 1]
        if order == 1:
            return cells[layout.code_start[i] : layout.code_start[i + 1]]
        if order == 2:
            return cells[layout.pair_start[i] : layout.pair_start[i + 1]].reshape(layout.n_codes[i], -1)
        inner = layout.inner_start
        block = cells[layout.triple_start[i] : layout.triple_start[i + 1]].reshape(layout.n_codes[i], -1)
        block = block[:, inner[after] - inner[i + 1] : inner[after + 1] - inner[i + 1]]
        return block.reshape(layout.n_codes[i], layout.n_codes[after], -1)

    def cells(self, codes: np.ndarray) -> np.ndarray:
        """Return (n_rows, n_columns + n_pairs) int64: the univariate and bivariate cells of each row."""
        layout, columns = self.layout, self.layout.pair_columns
        stacked, codes, width = layout.stacked(codes), codes.astype(np.intp), layout.trailing_width(columns)
        start = layout.order_start[1] + layout.pair_start[:-1] - layout.code_start[1 : columns + 1]
        pairs = [stacked[i + 1 : columns] + (codes[i] * width[i] + start[i]) for i in range(columns - 1)]
        return np.ascontiguousarray(np.concatenate([stacked, *pairs]).T)

    def row_sums(self, codes: np.ndarray, advance: Callable[[int], None] = lambda _: None) -> np.ndarray:
        """Return (3, n_rows) float64: the sum of the values in the cells of each row, order by order.

        codes: (n_columns, n_rows) uint8. If the values are residuals, the sum is the gradient of half the squared
        error. advance: is told of each number of tables that are done.
        """
        layout, rows = self.layout, KeyedRows(codes, self.layout)

        def sums_from(i: int) -> np.ndarray:
            sums = np.zeros((3, codes.shape[1]))
            sums[0] = self.block(1, i, i)[codes[i]]
            for order, first, stop in layout.blocks(i):
                block = self.block(order, i, first[-1])
                sums[order - 1] += rows.sums(block.reshape(-1, block.shape[-1]), first, stop)
            return sums

        total = np.zeros((3, codes.shape[1]))
        for i, sums in enumerate(self._by_first_column(sums_from, codes)):
            total += sums
            advance(1 + sum(stop - first[-1] - 1 for _, first, stop in layout.blocks(i)))
        return total

    def absolute_sums(self) -> np.ndarray:
        """Return (3,) float64: the sum of the absolute values, order by order."""

        def of_order(cells: np.ndarray) -> float:
            parts = chunks(len(cells), CELLS_PER_CHUNK)
            return sum(self.workers.map(lambda part: np.abs(cells[part]).sum(dtype=np.float64), parts))

        return np.array([of_order(cells) for cells in self.orders()], dtype=np.float64)


def count_tables_starting_at(
    layout: Layout, i: int, data: Sequence[KeyedRows], weights: Sequence[np.ndarray | None] | None = None
) -> Iterator[tuple[int, int, list[np.ndarray]]]:
    """Count the tables that begin with column i, in blocks of several tables.

    data: the rows of each data set; weights: (n_rows,) float64 for each, or None for a data set whose rows count once
    each.

    Yields (order, after, counts of each data set). Order 1 is the table of column i. Order 2 is the block of its tables
    with each column after i. Order 3 is one block for each column `after`: the tables of columns i and `after` with
    each column after that. Counts are (cells of the first columns, width): `Layout.block_offsets` says where the last
    columns begin along the width. They are int64, or float64 if there are weights.
    """
    of_rows = [None] * len(data) if weights is None else weights
    yield 1, i, [rows.counts_of(i, w) for rows, w in zip(data, of_rows, strict=True)]
    for order, first, stop in layout.blocks(i):
        yield order, first[-1], [rows.counts(first, stop, w) for rows, w in zip(data, of_rows, strict=True)]


def design_effect(weights: np.ndarray | None) -> float:
    """Return how many times as much the cells vary as if each row counted once; 1 without weights.

    Kish, 1965, "Survey Sampling". weights: (n_rows,) with a sum of n_rows.
    """
    return 1.0 if weights is None else float(np.mean(weights * weights))
