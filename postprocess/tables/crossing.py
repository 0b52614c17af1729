"""Tables of a key with each of some columns, counted or looked up for many columns at a time.

The key of a row is the combination of its codes in one or two first columns. Nearly all the time goes into one lookup
for each row and each last column. Two neighbouring last columns, a couple, need one lookup together: a table of the key
with both of them is counted, and its sums over either column are the two tables asked for. Likewise, the sum of two
values is looked up at once. That pays if the rows are many beside the cells of such a table.
"""

from collections.abc import Iterator
from math import prod

import numpy as np

from postprocess.runtime.threads import chunks
from postprocess.tables.cells import cells_of
from postprocess.tables.layout import Layout

FEW_ROWS = 1 << 13  # up to as many, all last columns are looked up in one call
ROWS_PER_PART = 1 << 16  # rows whose cells are looked up together, so that the cells stay in the cache
MAX_COUPLE_CELLS, MAX_COUPLE_CELLS_PER_ROW = 1 << 17, 2  # of the table of a key and a couple
FACTOR = np.int32  # of the cells of a couple: half as wide as an index, and multiplied twice as fast


class KeyedRows:
    """Rows of codes, ready to be counted by key.

    codes: (n_columns, n_rows) uint8; layout: of their tables. `first` is the columns of the key, one or two, in
    ascending order. The last columns are those after them, up to `stop`.
    A block is (n_keys, width): the keys run over the codes of the first columns, the later one fastest, and the codes
    of the last columns stand side by side along the width.
    """

    def __init__(self, codes: np.ndarray, layout: Layout) -> None:
        self.codes, self.n_codes = codes, layout.n_codes

    @staticmethod
    def of(codes: np.ndarray, layout: Layout) -> "KeyedRows":
        """Return the rows in the form that suits their number."""
        return (FewRows if codes.shape[1] <= FEW_ROWS else ManyRows)(codes, layout)

    def counts_of(self, column: int, weights: np.ndarray | None = None) -> np.ndarray:
        """Return (1, n_codes): how many rows have each code of a column, or the sum of their weights."""
        return np.bincount(self.codes[column], weights, minlength=self.n_codes[column])[None]

    def counts(self, first: tuple[int, ...], stop: int, weights: np.ndarray | None = None) -> np.ndarray:
        """Return a block of counts: int64, or float64 with weights (n_rows,)."""
        raise NotImplementedError

    def sums(self, block: np.ndarray, first: tuple[int, ...], stop: int) -> np.ndarray:
        """Return (n_rows,) float32: the sum of the block's float32 values in the cells of each row."""
        raise NotImplementedError

    def _keys(self, first: tuple[int, ...], dtype: type) -> tuple[np.ndarray, int]:
        """Return (n_rows,) keys, and the number of keys that there may be."""
        return cells_of(self.codes, self.n_codes, first, dtype=dtype), prod(self.n_codes[list(first)].tolist())


class FewRows(KeyedRows):
    """Rows that are so few that the calls of NumPy count: each takes all last columns."""

    def __init__(self, codes: np.ndarray, layout: Layout) -> None:
        super().__init__(codes, layout)
        self._start, self._stacked = layout.code_start, layout.stacked(codes)

    def counts(self, first: tuple[int, ...], stop: int, weights: np.ndarray | None = None) -> np.ndarray:
        cells, n_keys = self._cells(first, stop)
        each = None if weights is None else np.tile(weights, len(cells))
        width = self._start[stop] - self._start[first[-1] + 1]
        return np.bincount(cells.ravel(), each, minlength=n_keys * width).reshape(n_keys, width)

    def sums(self, block: np.ndarray, first: tuple[int, ...], stop: int) -> np.ndarray:
        return np.add.reduce(block.ravel().take(self._cells(first, stop)[0], mode="clip"), axis=0)

    def _cells(self, first: tuple[int, ...], stop: int) -> tuple[np.ndarray, int]:
        """Return (n_last, n_rows) intp: where each row's cells lie in the flat block; and the number of keys."""
        begin = first[-1] + 1
        key, n_keys = self._keys(first, np.intp)
        width = self._start[stop] - self._start[begin]
        return self._stacked[begin:stop] + (key * width - self._start[begin]), n_keys


class ManyRows(KeyedRows):
    """Rows that are looked up one couple of columns after the other, or one column after the other."""

    def __init__(self, codes: np.ndarray, layout: Layout) -> None:
        super().__init__(codes, layout)
        self._parts = chunks(codes.shape[1], ROWS_PER_PART)
        self._couples = {
            column: cells_of(codes, self.n_codes, (column, column + 1), dtype=FACTOR)
            for column in range(0, len(codes) - 1, 2)
            if self._pays(self.n_codes[column] * self.n_codes[column + 1])
        }

    def counts(self, first: tuple[int, ...], stop: int, weights: np.ndarray | None = None) -> np.ndarray:
        key, n_keys = self._keys(first, FACTOR)
        dtype = np.int64 if weights is None else np.float64
        columns = []
        for sizes, codes in self._groups(first[-1] + 1, stop, n_keys):
            counted = np.zeros(prod(sizes) * n_keys, dtype=dtype)
            for part, cells in self._cells(codes, key, n_keys):
                each = None if weights is None else weights[part]
                counted += np.bincount(cells, each, minlength=len(counted))
            table = counted.reshape(*sizes, n_keys)
            columns += [table] if len(sizes) == 1 else [table.sum(axis=1), table.sum(axis=0)]
        if not columns:
            return np.zeros((n_keys, 0), dtype=dtype)
        return np.ascontiguousarray(np.concatenate(columns).T)

    def sums(self, block: np.ndarray, first: tuple[int, ...], stop: int) -> np.ndarray:
        key, n_keys = self._keys(first, FACTOR)
        by_code = np.ascontiguousarray(block.T)
        total = np.zeros(len(key), dtype=block.dtype)
        found = np.empty(min(len(key), ROWS_PER_PART), dtype=block.dtype)
        begin = 0
        for sizes, codes in self._groups(first[-1] + 1, stop, n_keys):
            ends = begin + np.cumsum(sizes)
            table = by_code[begin : ends[0]]
            if len(sizes) == 2:
                table = table[:, None] + by_code[ends[0] : ends[1]]
            begin = ends[-1]
            for part, cells in self._cells(codes, key, n_keys):
                total[part] += np.take(table.ravel(), cells, out=found[: len(cells)], mode="clip")
        return total

    def _pays(self, n_cells: int) -> bool:
        return n_cells <= min(MAX_COUPLE_CELLS, MAX_COUPLE_CELLS_PER_ROW * self.codes.shape[1])

    def _groups(self, begin: int, stop: int, n_keys: int) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
        """Yield the numbers of codes of a couple, or of a single column, and (n_rows,) its combined codes."""
        column = begin
        while column < stop:
            sizes = tuple(self.n_codes[column : column + 2].tolist())
            if column in self._couples and column + 1 < stop and self._pays(n_keys * prod(sizes)):
                yield sizes, self._couples[column]
                column += 2
            else:
                yield sizes[:1], self.codes[column].astype(FACTOR)
                column += 1

    def _cells(self, codes: np.ndarray, key: np.ndarray, n_keys: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield some rows at a time, and where they lie in the table of a group and the key. The key runs fastest."""
        scaled = np.empty(min(len(key), ROWS_PER_PART), dtype=FACTOR)
        cells = np.empty(len(scaled), dtype=np.intp)
        for part in self._parts:
            some = slice(part.stop - part.start)
            np.multiply(codes[part], n_keys, out=scaled[some])
            yield part, np.add(scaled[some], key[part], out=cells[some])
