"""Univariate, bivariate and trivariate tables of codes, all of them in one flat array."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from postprocess.runtime.threads import Workers, chunks
from postprocess.tables.layout import Layout, starts

ROWS_A_GATHER = 256  # rows whose cells are looked up together: index and value buffers stay in the cache
ROWS_A_COUNT = 1 << 13  # rows counted together
CELLS_A_CHUNK = 1 << 20
CELL = np.float32  # exact for whole counts below 16.7 million, and for a target between two counts exact enough


class _Pairs:
    """Bivariate cells of a row among the first `columns` columns, counted from the first bivariate cell."""

    def __init__(self, layout: Layout, columns: int) -> None:
        sizes, width = layout.sizes[:columns], layout.width(columns)
        start = starts(sizes * width)
        self.start = start
        self.first, self.second = np.triu_indices(columns, 1)
        self.first_pair = np.searchsorted(self.first, np.arange(columns + 1))
        self.stride = width[self.first]
        self.shift = start[self.first] + layout.code_start[self.second] - layout.code_start[self.first + 1]

    def cells(self, codes: np.ndarray) -> np.ndarray:
        """(n_pairs, n_rows) int64 cells of int64 codes (n_columns, n_rows)."""
        cells = codes[self.first]
        cells *= self.stride[:, None]
        cells += codes[self.second]
        cells += self.shift[:, None]
        return cells


class Tables:
    """Counts, targets or residuals of all tables of a layout.

    values: (n_cells,) float32, in one allocation.
    """

    def __init__(self, layout: Layout, *, workers: Workers) -> None:
        self.layout = layout
        self.workers = workers
        self.values = np.zeros(layout.level_start[-1], dtype=CELL)
        self._pairs = _Pairs(layout, layout.pair_columns)
        same = layout.triple_columns == layout.pair_columns
        self._inner = self._pairs if same else _Pairs(layout, layout.triple_columns)

    def levels(self) -> list[np.ndarray]:
        """The univariate, bivariate and trivariate cells: views."""
        start = self.layout.level_start
        return [self.values[start[k] : start[k + 1]] for k in range(3)]

    def negate(self) -> None:
        """Turn all signs, which makes a target's counts the residuals of an empty selection."""
        np.negative(self.values, out=self.values)

    def add(self, codes: np.ndarray, weights: np.ndarray | None = None) -> None:
        """Count each row once, or by its weight (-1: out): codes (n_columns, n_rows) uint8, weights (n_rows,)."""
        data = [codes.astype(np.intp)]
        of_rows = None if weights is None else [np.asarray(weights, dtype=np.float64)]

        def add_tables_from(i: int) -> None:
            for level, after, (counted,) in counts_from(self.layout, i, data, of_rows):
                cells = self.block(level, i, after)
                np.add(cells, counted.reshape(cells.shape), out=cells, casting="unsafe")

        self.workers.map(add_tables_from, range(len(self.layout.sizes)))

    def block(self, level: int, i: int, after: int) -> np.ndarray:
        """View of the cells that `counts_from` counts together, in its order."""
        layout, cells = self.layout, self.levels()[level]
        if level == 0:
            return cells[layout.code_start[i] : layout.code_start[i + 1]]
        if level == 1:
            return cells[layout.pair_start[i] : layout.pair_start[i + 1]]
        inner = self._inner.start
        block = cells[layout.triple_start[i] : layout.triple_start[i + 1]].reshape(layout.sizes[i], -1)
        block = block[:, inner[after] - inner[i + 1] : inner[after + 1] - inner[i + 1]]
        return block.reshape(layout.sizes[i], layout.sizes[after], -1)

    def cells(self, codes: np.ndarray) -> np.ndarray:
        """(n_rows, n_columns + n_pairs) int64: the univariate and bivariate cells of each row."""
        codes = codes.astype(np.int64)
        pairs = self._pairs.cells(codes) + self.layout.level_start[1]
        return np.ascontiguousarray(np.concatenate([codes + self.layout.code_start[:-1, None], pairs]).T)

    def row_sums(self, codes: np.ndarray) -> np.ndarray:
        """(3, n_rows) float64: the sum of the values in the cells that each row touches, level by level.

        codes: (n_columns, n_rows) uint8. This is the gradient of half the squared error when the values are residuals.
        """
        parts = self.workers.map(lambda part: self._row_sums(codes[:, part]), chunks(codes.shape[1], ROWS_A_GATHER))
        return np.concatenate(parts, axis=1) if parts else np.zeros((3, 0))

    def _row_sums(self, codes: np.ndarray) -> np.ndarray:
        layout, n_rows = self.layout, codes.shape[1]
        one, two, three = self.levels()
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
            sums[2] += found[:count].sum(axis=0)  # in float32, which is twice as fast as float64
        return sums

    def absolute_sums(self) -> np.ndarray:
        """(3,) float64: the sum of the absolute values, level by level."""

        def of_level(cells: np.ndarray) -> float:
            parts = chunks(len(cells), CELLS_A_CHUNK)
            return sum(self.workers.map(lambda part: np.abs(cells[part]).sum(dtype=np.float64), parts))

        return np.array([of_level(cells) for cells in self.levels()], dtype=np.float64)


def counts_from(
    layout: Layout, i: int, data: Sequence[np.ndarray], weights: Sequence[np.ndarray] | None = None
) -> Iterator[tuple[int, int, list[np.ndarray]]]:
    """Count the tables that begin with column i, several at a time: its own, and those with all columns after another.

    data: (n_columns, n_rows) intp codes of each data set; weights: (n_rows,) float64 for each. Yields (level, after,
    counts of each data set): level 0 is the table of column i; level 1 its tables with each column after i; level 2
    those of columns i and `after` with each column after that. Counts are (cells of the first columns, width), the
    codes of the last columns side by side as `Layout.begins` says; int64, or float64 with weights.
    """
    of_rows: Sequence[np.ndarray | None] = [None] * len(data) if weights is None else weights
    first = [codes[i] for codes in data]
    sizes = layout.sizes
    yield 0, i, [np.bincount(key, w, minlength=sizes[i])[None] for key, w in zip(first, of_rows, strict=True)]

    def with_each(keys: list[np.ndarray], n_keys: int, after: int, columns: int) -> list[np.ndarray]:
        width = int(layout.code_start[columns] - layout.code_start[after + 1])
        return [
            count_each(key, layout.cells_among(codes, after + 1, columns), width, n_keys * width, w).reshape(-1, width)
            for key, codes, w in zip(keys, data, of_rows, strict=True)
        ]

    if i < layout.pair_columns - 1:
        yield 1, i, with_each(first, sizes[i], i, layout.pair_columns)
    for j in range(i + 1, layout.triple_columns - 1):
        first_two = [codes[i] * sizes[j] + codes[j] for codes in data]
        yield 2, j, with_each(first_two, sizes[i] * sizes[j], j, layout.triple_columns)


def count_each(
    key: np.ndarray, others: np.ndarray, width: int, n_cells: int, weights: np.ndarray | None = None
) -> np.ndarray:
    """(n_cells,) tables of `key` with each of some other columns, at once.

    key: (n_rows,) intp; others: (n_others, n_rows) cells below `width`, a range of its own for each column. The result
    reads as (n_keys, width): int64, or float64 with weights (n_rows,).
    """
    counted = np.zeros(n_cells, dtype=np.int64 if weights is None else np.float64)
    for part in chunks(len(key), ROWS_A_COUNT):
        cells = others[:, part] + key[part] * width
        each = None if weights is None else np.tile(weights[part], len(others))
        counted += np.bincount(cells.ravel(), each, minlength=n_cells)
    return counted


def cells_of(codes: np.ndarray, sizes: np.ndarray, columns: Sequence[int], out: np.ndarray | None = None) -> np.ndarray:
    """(n_rows,) intp: the cell of each row in the flat table of these columns, the last one's codes running fastest."""
    if out is None:
        out = np.empty(codes.shape[1], dtype=np.intp)
    out[...] = codes[columns[0]]
    for column in columns[1:]:
        out *= sizes[column]
        out += codes[column]
    return out


def count_table(codes: np.ndarray, sizes: np.ndarray, columns: Sequence[int]) -> np.ndarray:
    """(n_cells,) int64 counts of one table, flat as `cells_of` says; codes (n_columns, n_rows) uint8."""
    n_cells = prod(int(sizes[column]) for column in columns)
    return np.bincount(cells_of(codes, sizes, columns), minlength=n_cells)
