"""Contingency tables of one, two and three columns of codes: all of them counted into one flat array."""

from collections.abc import Callable, Iterator, Sequence
from math import prod

import numpy as np

from postprocess.runtime.threads import Workers, chunks
from postprocess.tables.layout import Layout

ROWS_PER_GATHER = 1 << 12  # rows whose cells are looked up together: of each table, most lookups then find the cache
ROWS_PER_COUNT = 1 << 13  # rows counted together
CELLS_PER_CHUNK = 1 << 20
CELL = np.float32  # exact for whole counts below 16.7 million; targets between two counts need no more


class Tables:
    """A value for each cell of all tables of a layout: counts, target counts or residuals.

    values: (n_cells,) float32, in one allocation.
    """

    def __init__(self, layout: Layout, *, workers: Workers, values: np.ndarray | None = None) -> None:
        self.layout = layout
        self.workers = workers
        self.values = np.zeros(layout.order_start[-1], dtype=CELL) if values is None else values

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
        data = [self.layout.stacked(codes)]

        def count_tables_from(i: int) -> None:
            for order, after, (counted,) in count_tables_starting_at(self.layout, i, data, weights):
                cells = self.block(order, i, after)
                change(cells, counted.reshape(cells.shape), out=cells, casting="unsafe")

        self.workers.map(count_tables_from, range(len(self.layout.n_codes)))

    def block(self, order: int, i: int, after: int) -> np.ndarray:
        """Return a view of the cells that `count_tables_starting_at` counts together, in its order."""
        layout, cells = self.layout, self.orders()[order - 1]
        if order == 1:
            return cells[layout.code_start[i] : layout.code_start[i + 1]]
        if order == 2:
            return cells[layout.pair_start[i] : layout.pair_start[i + 1]]
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
        error. advance: is told of each number of rows that are done.
        """

        def sums_of(part: slice) -> np.ndarray:
            sums = self._row_sums(codes[:, part])
            advance(sums.shape[1])
            return sums

        parts = self.workers.map(sums_of, chunks(codes.shape[1], ROWS_PER_GATHER))
        return np.concatenate(parts, axis=1) if parts else np.zeros((3, 0))

    def _row_sums(self, codes: np.ndarray) -> np.ndarray:
        layout, (one, two, three) = self.layout, self.orders()
        stacked, codes, after = layout.stacked(codes), codes.astype(np.intp), layout.code_start[1:]
        index, found = np.empty_like(stacked), np.empty(stacked.shape, dtype=CELL)

        def sum_of(values: np.ndarray, first: int, stop: int, base: np.ndarray | int) -> np.ndarray:
            """Sum the values at the cells of some columns; base: (n_rows,) what to add to their univariate cells."""
            n = max(0, stop - first)
            np.add(stacked[first:stop], base, out=index[:n])
            np.take(values, index[:n], out=found[:n], mode="clip")
            return np.add.reduce(found[:n], axis=0)  # of a few float32 values: precise enough, and fast

        sums = np.zeros((3, codes.shape[1]))
        sums[0] = sum_of(one, 0, len(codes), 0)
        columns = layout.pair_columns
        width = layout.trailing_width(columns)
        for i in range(columns - 1):
            sums[1] += sum_of(two, i + 1, columns, codes[i] * width[i] + (layout.pair_start[i] - after[i]))
        columns, inner = layout.triple_columns, layout.inner_start
        width = layout.trailing_width(columns)
        for i in range(columns - 2):
            first = codes[i] * (inner[-1] - inner[i + 1]) + (layout.triple_start[i] - inner[i + 1])
            for j in range(i + 1, columns - 1):
                sums[2] += sum_of(three, j + 1, columns, first + codes[j] * width[j] + (inner[j] - after[j]))
        return sums

    def absolute_sums(self) -> np.ndarray:
        """Return (3,) float64: the sum of the absolute values, order by order."""

        def of_order(cells: np.ndarray) -> float:
            parts = chunks(len(cells), CELLS_PER_CHUNK)
            return sum(self.workers.map(lambda part: np.abs(cells[part]).sum(dtype=np.float64), parts))

        return np.array([of_order(cells) for cells in self.orders()], dtype=np.float64)


def count_tables_starting_at(
    layout: Layout, i: int, data: Sequence[np.ndarray], weights: Sequence[np.ndarray | None] | None = None
) -> Iterator[tuple[int, int, list[np.ndarray]]]:
    """Count the tables that begin with column i, in blocks of several tables.

    data: (n_columns, n_rows) intp of each data set, `Layout.stacked`; weights: (n_rows,) float64 for each, or None
    for a data set whose rows count once each.

    Yields (order, after, counts of each data set). Order 1 is the table of column i. Order 2 is the block of its tables
    with each column after i. Order 3 is one block for each column `after`: the tables of columns i and `after` with
    each column after that. Counts are (cells of the first columns, width): `Layout.block_offsets` says where the last
    columns begin along the width. They are int64, or float64 if there are weights.
    """
    row_weights: Sequence[np.ndarray | None] = [None] * len(data) if weights is None else weights
    n_codes, start = layout.n_codes, layout.code_start

    def codes_of(column: int) -> list[np.ndarray]:
        return [stacked[column] - start[column] for stacked in data]

    first = codes_of(i)
    yield 1, i, [np.bincount(key, w, minlength=n_codes[i])[None] for key, w in zip(first, row_weights, strict=True)]

    def with_each(keys: list[np.ndarray], n_keys: int, after: int, columns: int) -> list[np.ndarray]:
        width = int(start[columns] - start[after + 1])
        return [
            _count_with_each(stacked[after + 1 : columns], key * width - start[after + 1], n_keys * width, w).reshape(
                -1, width
            )
            for key, stacked, w in zip(keys, data, row_weights, strict=True)
        ]

    if i < layout.pair_columns - 1:
        yield 2, i, with_each(first, n_codes[i], i, layout.pair_columns)
    for j in range(i + 1, layout.triple_columns - 1):
        first_two = [of_i * n_codes[j] + of_j for of_i, of_j in zip(first, codes_of(j), strict=True)]
        yield 3, j, with_each(first_two, n_codes[i] * n_codes[j], j, layout.triple_columns)


def _count_with_each(
    stacked: np.ndarray, base: np.ndarray, n_cells: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """Return (n_cells,) counts of the cells `stacked + base`: the tables of one key with each of some columns at once.

    stacked: (n_columns, n_rows) intp; base: (n_rows,) intp. The counts are int64, or float64 with weights (n_rows,).
    """
    counted = np.zeros(n_cells, dtype=np.int64 if weights is None else np.float64)
    buffer = np.empty(len(stacked) * min(len(base), ROWS_PER_COUNT), dtype=np.intp)  # fresh memory costs time
    for part in chunks(len(base), ROWS_PER_COUNT):
        some = stacked[:, part]
        cells = buffer[: some.size]
        np.add(some, base[part], out=cells.reshape(some.shape))
        each = None if weights is None else np.tile(weights[part], len(some))
        counted += np.bincount(cells, each, minlength=n_cells)
    return counted


def cells_of(
    codes: np.ndarray, n_codes: np.ndarray, columns: Sequence[int], out: np.ndarray | None = None
) -> np.ndarray:
    """Return (n_rows,) intp: the cell of each row in the flat table of these columns. The last column runs fastest."""
    if out is None:
        out = np.empty(codes.shape[1], dtype=np.intp)
    out[...] = codes[columns[0]]
    for column in columns[1:]:
        out *= n_codes[column]
        out += codes[column]
    return out


def count_table(
    codes: np.ndarray, n_codes: np.ndarray, columns: Sequence[int], weights: np.ndarray | None = None
) -> np.ndarray:
    """Return (n_cells,) counts of one table, flat as in `cells_of`; codes (n_columns, n_rows) uint8.

    The counts are int64, or float64 with weights (n_rows,).
    """
    n_cells = prod(int(n_codes[column]) for column in columns)
    return np.bincount(cells_of(codes, n_codes, columns), weights, minlength=n_cells)


def design_effect(weights: np.ndarray | None) -> float:
    """Return how many times as much the cells vary as if each row counted once; 1 without weights.

    Kish, 1965, "Survey Sampling". weights: (n_rows,) with a sum of n_rows.
    """
    return 1.0 if weights is None else float(np.mean(weights * weights))
