"""Contingency tables of one, two and three columns of codes: all of them counted into one flat array."""

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from postprocess.runtime.threads import Workers, chunks
from postprocess.tables.layout import Layout, exclusive_cumsum

ROWS_PER_GATHER = 256  # rows whose cells are looked up together: the buffers of indices and values stay in the cache
ROWS_PER_COUNT = 1 << 13  # rows counted together
CELLS_PER_CHUNK = 1 << 20
CELL = np.float32  # exact for whole counts below 16.7 million; targets between two counts need no more


class _Pairs:
    """The bivariate cells of a row in the tables of the first `columns` columns, counted from the first such cell."""

    def __init__(self, layout: Layout, columns: int) -> None:
        n_codes, width = layout.n_codes[:columns], layout.trailing_width(columns)
        self.start = exclusive_cumsum(n_codes * width)
        self.first, self.second = np.triu_indices(columns, 1)
        self.first_pair = np.searchsorted(self.first, np.arange(columns + 1))
        self.stride = width[self.first]
        self.shift = self.start[self.first] + layout.code_start[self.second] - layout.code_start[self.first + 1]

    def cells(self, codes: np.ndarray) -> np.ndarray:
        """Return (n_pairs, n_rows) int64 cells of int64 codes (n_columns, n_rows)."""
        cells = codes[self.first]
        cells *= self.stride[:, None]
        cells += codes[self.second]
        cells += self.shift[:, None]
        return cells


class Tables:
    """A value for each cell of all tables of a layout: counts, target counts or residuals.

    values: (n_cells,) float32, in one allocation.
    """

    def __init__(self, layout: Layout, *, workers: Workers, values: np.ndarray | None = None) -> None:
        self.layout = layout
        self.workers = workers
        self.values = np.zeros(layout.order_start[-1], dtype=CELL) if values is None else values
        self._pairs = _Pairs(layout, layout.pair_columns)
        same = layout.triple_columns == layout.pair_columns
        self._inner = self._pairs if same else _Pairs(layout, layout.triple_columns)

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
        """Count rows: codes (n_columns, n_rows) uint8, each row once or by its weight (n_rows,); -1 takes it out."""
        data = [codes.astype(np.intp)]
        row_weights = None if weights is None else [np.asarray(weights, dtype=np.float64)]

        def add_tables_from(i: int) -> None:
            for order, after, (counted,) in count_tables_starting_at(self.layout, i, data, row_weights):
                cells = self.block(order, i, after)
                np.add(cells, counted.reshape(cells.shape), out=cells, casting="unsafe")

        self.workers.map(add_tables_from, range(len(self.layout.n_codes)))

    def block(self, order: int, i: int, after: int) -> np.ndarray:
        """Return a view of the cells that `count_tables_starting_at` counts together, in its order."""
        layout, cells = self.layout, self.orders()[order - 1]
        if order == 1:
            return cells[layout.code_start[i] : layout.code_start[i + 1]]
        if order == 2:
            return cells[layout.pair_start[i] : layout.pair_start[i + 1]]
        inner = self._inner.start
        block = cells[layout.triple_start[i] : layout.triple_start[i + 1]].reshape(layout.n_codes[i], -1)
        block = block[:, inner[after] - inner[i + 1] : inner[after + 1] - inner[i + 1]]
        return block.reshape(layout.n_codes[i], layout.n_codes[after], -1)

    def cells(self, codes: np.ndarray) -> np.ndarray:
        """Return (n_rows, n_columns + n_pairs) int64: the univariate and bivariate cells of each row."""
        codes = codes.astype(np.int64)
        pairs = self._pairs.cells(codes) + self.layout.order_start[1]
        return np.ascontiguousarray(np.concatenate([codes + self.layout.code_start[:-1, None], pairs]).T)

    def row_sums(self, codes: np.ndarray) -> np.ndarray:
        """Return (3, n_rows) float64: the sum of the values in the cells of each row, order by order.

        codes: (n_columns, n_rows) uint8. If the values are residuals, the sum is the gradient of half the squared
        error.
        """
        parts = self.workers.map(lambda part: self._row_sums(codes[:, part]), chunks(codes.shape[1], ROWS_PER_GATHER))
        return np.concatenate(parts, axis=1) if parts else np.zeros((3, 0))

    def _row_sums(self, codes: np.ndarray) -> np.ndarray:
        layout, n_rows = self.layout, codes.shape[1]
        one, two, three = self.orders()
        codes = codes.astype(np.int64)
        sums = np.zeros((3, n_rows))
        sums[0] = one[codes + layout.code_start[:-1, None]].sum(axis=0, dtype=np.float64)
        cells = self._pairs.cells(codes)
        sums[1] = two.take(cells, mode="clip").sum(axis=0, dtype=np.float64)
        inner = self._inner
        if inner is not self._pairs:
            cells = inner.cells(codes)
        index, found = np.empty_like(cells), np.empty(cells.shape, dtype=CELL)
        block = inner.start[-1] - inner.start[1:]
        for i in range(layout.triple_columns - 2):
            pairs = slice(inner.first_pair[i + 1], None)
            count = len(inner.first) - inner.first_pair[i + 1]
            offset = codes[i] * block[i]
            offset += layout.triple_start[i] - inner.start[i + 1]
            np.add(cells[pairs], offset, out=index[:count])
            np.take(three, index[:count], out=found[:count], mode="clip")
            sums[2] += found[:count].sum(axis=0)  # float32 sums are twice as fast as float64 sums
        return sums

    def absolute_sums(self) -> np.ndarray:
        """Return (3,) float64: the sum of the absolute values, order by order."""

        def of_order(cells: np.ndarray) -> float:
            parts = chunks(len(cells), CELLS_PER_CHUNK)
            return sum(self.workers.map(lambda part: np.abs(cells[part]).sum(dtype=np.float64), parts))

        return np.array([of_order(cells) for cells in self.orders()], dtype=np.float64)


def count_tables_starting_at(
    layout: Layout, i: int, data: Sequence[np.ndarray], weights: Sequence[np.ndarray] | None = None
) -> Iterator[tuple[int, int, list[np.ndarray]]]:
    """Count the tables that begin with column i, in blocks of several tables.

    data: (n_columns, n_rows) intp codes of each data set; weights: (n_rows,) float64 for each.

    Yields (order, after, counts of each data set). Order 1 is the table of column i. Order 2 is the block of its tables
    with each column after i. Order 3 is one block for each column `after`: the tables of columns i and `after` with
    each column after that. Counts are (cells of the first columns, width): `Layout.block_offsets` says where the last
    columns begin along the width. They are int64, or float64 with weights.
    """
    row_weights: Sequence[np.ndarray | None] = [None] * len(data) if weights is None else weights
    first = [codes[i] for codes in data]
    n_codes = layout.n_codes
    yield 1, i, [np.bincount(key, w, minlength=n_codes[i])[None] for key, w in zip(first, row_weights, strict=True)]

    def with_each(keys: list[np.ndarray], n_keys: int, after: int, columns: int) -> list[np.ndarray]:
        width = int(layout.code_start[columns] - layout.code_start[after + 1])
        return [
            count_pairs_with(key, layout.stacked_cells(codes, after + 1, columns), width, n_keys * width, w).reshape(
                -1, width
            )
            for key, codes, w in zip(keys, data, row_weights, strict=True)
        ]

    if i < layout.pair_columns - 1:
        yield 2, i, with_each(first, n_codes[i], i, layout.pair_columns)
    for j in range(i + 1, layout.triple_columns - 1):
        first_two = [codes[i] * n_codes[j] + codes[j] for codes in data]
        yield 3, j, with_each(first_two, n_codes[i] * n_codes[j], j, layout.triple_columns)


def count_pairs_with(
    key: np.ndarray, others: np.ndarray, width: int, n_cells: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """Count the tables of `key` with each of some other columns at once; returns (n_cells,).

    key: (n_rows,) intp; others: (n_others, n_rows) cells below `width`, each column in a range of its own. The result
    reads as (n_keys, width). It is int64, or float64 with weights (n_rows,).
    """
    counted = np.zeros(n_cells, dtype=np.int64 if weights is None else np.float64)
    for part in chunks(len(key), ROWS_PER_COUNT):
        cells = others[:, part] + key[part] * width
        each = None if weights is None else np.tile(weights[part], len(others))
        counted += np.bincount(cells.ravel(), each, minlength=n_cells)
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


def count_table(codes: np.ndarray, n_codes: np.ndarray, columns: Sequence[int]) -> np.ndarray:
    """Return (n_cells,) int64 counts of one table, flat as in `cells_of`; codes (n_columns, n_rows) uint8."""
    n_cells = prod(int(n_codes[column]) for column in columns)
    return np.bincount(cells_of(codes, n_codes, columns), minlength=n_cells)
