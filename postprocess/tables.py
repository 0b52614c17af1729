"""Univariate, bivariate and trivariate tables of integer codes, all of them in one flat array.

The layout nests: column i's block of trivariate cells holds, for each of its codes, one copy of all bivariate cells of
the columns after i, and column j's block of bivariate cells holds, for each of its codes, one cell for every code of
the columns after j. So a row's trivariate cells are its bivariate cells plus one offset a column, and the cells that
one row touches lie close together in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from postprocess.workers import Workers, chunks

ROWS_A_GATHER = 128  # rows whose cells are looked up together: index and value buffers stay in the cache
CELLS_A_CHUNK = 1 << 20


@dataclass(frozen=True)
class Layout:
    """Where each table's cells lie.

    sizes: (n_columns,) number of codes of each column. pair_columns, triple_columns: the bivariate and trivariate
    tables are those among the first so many columns; triple_columns <= pair_columns <= n_columns.
    """

    sizes: np.ndarray
    pair_columns: int
    triple_columns: int
    code_start: np.ndarray = field(init=False, repr=False)  # (n_columns + 1,) first univariate cell of each column
    pair_start: np.ndarray = field(init=False, repr=False)  # (pair_columns + 1,) first bivariate cell of each column
    triple_start: np.ndarray = field(init=False, repr=False)  # (triple_columns + 1,) first trivariate cell of each

    def __post_init__(self) -> None:
        if not self.triple_columns <= self.pair_columns <= len(self.sizes):
            raise ValueError("a layout needs triple_columns <= pair_columns <= number of columns")
        sizes = np.asarray(self.sizes, dtype=np.int64)
        set_field = object.__setattr__
        set_field(self, "sizes", sizes)
        set_field(self, "code_start", starts(sizes))
        set_field(self, "pair_start", starts(sizes[: self.pair_columns] * self.width(self.pair_columns)))
        within = starts(sizes[: self.triple_columns] * self.width(self.triple_columns))
        set_field(self, "triple_start", starts(sizes[: self.triple_columns] * (within[-1] - within[1:])))

    def width(self, columns: int) -> np.ndarray:
        """(columns,) number of codes in all columns after each of the first so many columns."""
        return self.code_start[columns] - self.code_start[1 : columns + 1]

    @property
    def n_tables(self) -> np.ndarray:
        """(3,) number of univariate, bivariate and trivariate tables."""
        p, t = self.pair_columns, self.triple_columns
        return np.array([len(self.sizes), p * (p - 1) // 2, t * (t - 1) * (t - 2) // 6])

    @property
    def level_start(self) -> np.ndarray:
        """(4,) first cell of the univariate, bivariate and trivariate tables, and the number of all cells."""
        return starts(np.array([self.code_start[-1], self.pair_start[-1], self.triple_start[-1]]))

    @property
    def complete(self) -> bool:
        """Whether the layout holds the tables of all columns, pairs and triples."""
        return self.triple_columns == len(self.sizes)


def starts(lengths: np.ndarray) -> np.ndarray:
    """Where consecutive blocks of these lengths start, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


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
    """Counts, or residuals, of all tables of a layout.

    values: (n_cells,) one integer a cell, in one allocation; dtype int16 where the row counts allow it, else int32.
    """

    def __init__(self, layout: Layout, *, most_rows: int, workers: Workers) -> None:
        self.layout = layout
        self.workers = workers
        self.values = np.zeros(layout.level_start[-1], dtype=cell_dtype(most_rows))
        self._pairs = _Pairs(layout, layout.pair_columns)
        inner = _Pairs(layout, layout.triple_columns)
        self._inner = self._pairs if layout.triple_columns == layout.pair_columns else inner

    def levels(self) -> list[np.ndarray]:
        """The univariate, bivariate and trivariate cells: views."""
        start = self.layout.level_start
        return [self.values[start[k] : start[k + 1]] for k in range(3)]

    def add(self, codes: np.ndarray, signs: np.ndarray | int = 1) -> None:
        """Add each row (sign 1) or take it out (sign -1); codes (n_columns, n_rows) uint8, signs one int or (n_rows,)."""
        layout, sizes = self.layout, [int(size) for size in self.layout.sizes]
        one, two, three = self.levels()
        codes = codes.astype(np.intp)
        per_row = None if np.isscalar(signs) else np.asarray(signs, dtype=np.float64)
        factor = int(signs) if np.isscalar(signs) else 1

        def count(key: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
            counted = np.bincount(key, per_row, minlength=int(np.prod(shape))).reshape(shape)
            return (counted * factor).astype(self.values.dtype)

        for i, size in enumerate(sizes):
            one[layout.code_start[i] : layout.code_start[i + 1]] += count(codes[i], (size,))

        def add_tables_from(i: int) -> None:
            for j in range(i + 1, layout.pair_columns):
                key = codes[i] * sizes[j] + codes[j]
                self._pair_view(two, i, j)[...] += count(key, (sizes[i], sizes[j]))
                for k in range(j + 1, layout.triple_columns):
                    shape = (sizes[i], sizes[j], sizes[k])
                    self._triple_view(three, i, j, k)[...] += count(key * sizes[k] + codes[k], shape)

        self.workers.map(add_tables_from, range(layout.pair_columns - 1))

    def _pair_view(self, two: np.ndarray, i: int, j: int) -> np.ndarray:
        layout = self.layout
        block = two[layout.pair_start[i] : layout.pair_start[i + 1]].reshape(layout.sizes[i], -1)
        return block[:, layout.code_start[j] - layout.code_start[i + 1] :][:, : layout.sizes[j]]

    def _triple_view(self, three: np.ndarray, i: int, j: int, k: int) -> np.ndarray:
        layout, inner = self.layout, self._inner.start
        block = three[layout.triple_start[i] : layout.triple_start[i + 1]].reshape(layout.sizes[i], -1)
        block = block[:, inner[j] - inner[i + 1] : inner[j + 1] - inner[i + 1]]
        block = block.reshape(layout.sizes[i], layout.sizes[j], -1)
        return block[:, :, layout.code_start[k] - layout.code_start[j + 1] :][:, :, : layout.sizes[k]]

    def weighted(self, codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(n_cells,) float32: univariate and bivariate tables in which each row counts as its weight."""
        layout, sizes = self.layout, [int(size) for size in self.layout.sizes]
        codes = codes.astype(np.intp)
        counts = np.zeros(layout.level_start[2], dtype=np.float32)
        two = counts[layout.level_start[1] :]
        for i, size in enumerate(sizes):
            counts[layout.code_start[i] : layout.code_start[i + 1]] = np.bincount(codes[i], weights, minlength=size)

        def count_tables_from(i: int) -> None:
            for j in range(i + 1, layout.pair_columns):
                counted = np.bincount(codes[i] * sizes[j] + codes[j], weights, minlength=sizes[i] * sizes[j])
                self._pair_view(two, i, j)[...] = counted.reshape(sizes[i], sizes[j])

        self.workers.map(count_tables_from, range(layout.pair_columns - 1))
        return counts

    def cells(self, codes: np.ndarray) -> np.ndarray:
        """(n_rows, n_columns + n_pairs) int64: the univariate and bivariate cells of each row."""
        codes = codes.astype(np.int64)
        pairs = self._pairs.cells(codes) + self.layout.level_start[1]
        return np.ascontiguousarray(np.concatenate([codes + self.layout.code_start[:-1, None], pairs]).T)

    def row_sums(self, codes: np.ndarray) -> np.ndarray:
        """(3, n_rows) int64: the sum of the values in the cells that each row touches, level by level.

        codes: (n_columns, n_rows) uint8. This is the gradient of half the squared error when the values are residuals.
        """
        parts = self.workers.map(lambda part: self._row_sums(codes[:, part]), chunks(codes.shape[1], ROWS_A_GATHER))
        return np.concatenate(parts, axis=1) if parts else np.zeros((3, 0), dtype=np.int64)

    def _row_sums(self, codes: np.ndarray) -> np.ndarray:
        layout, n_rows = self.layout, codes.shape[1]
        one, two, three = self.levels()
        codes = codes.astype(np.int64)
        sums = np.zeros((3, n_rows), dtype=np.int64)
        sums[0] = one[codes + layout.code_start[:-1, None]].sum(axis=0, dtype=np.int64)
        cells = self._pairs.cells(codes)
        sums[1] = two.take(cells, mode="clip").sum(axis=0, dtype=np.int64)
        inner = self._inner
        if inner is not self._pairs:
            cells = inner.cells(codes)
        index, found = np.empty_like(cells), np.empty(cells.shape, dtype=self.values.dtype)
        block = inner.start[-1] - inner.start[1:]
        for i in range(layout.triple_columns - 2):
            pairs = slice(inner.first_pair[i + 1], None)
            count = len(inner.first) - inner.first_pair[i + 1]
            offset = codes[i] * block[i]
            offset += layout.triple_start[i] - inner.start[i + 1]
            np.add(cells[pairs], offset, out=index[:count])
            np.take(three, index[:count], out=found[:count], mode="clip")
            sums[2] += found[:count].sum(axis=0, dtype=np.int32)
        return sums

    def absolute_sums(self, other: np.ndarray | None = None, factor: float = 0.0) -> np.ndarray:
        """(3,) float64: sum of abs(values - factor * other), level by level."""
        start = self.layout.level_start

        def part_sum(part: slice) -> float:
            part_values = self.values[part]
            if other is not None:
                part_values = part_values - factor * other[part]
            return float(np.abs(part_values).sum(dtype=np.float64))

        sums = []
        for k in range(3):
            parts = [slice(start[k] + p.start, start[k] + p.stop) for p in chunks(start[k + 1] - start[k], CELLS_A_CHUNK)]
            sums.append(sum(self.workers.map(part_sum, parts)))
        return np.array(sums)


def cell_dtype(most_rows: int) -> type:
    """The smallest integer type that holds counts and residuals of at most so many rows."""
    return np.int16 if most_rows <= np.iinfo(np.int16).max else np.int32
