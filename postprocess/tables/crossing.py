"""Tables of a key with each of some columns, counted or looked up for many columns at a time.

The key of a row is the combination of its codes in one or two first columns. Nearly all the time goes into one lookup
for each row and each last column. Two neighbouring last columns, a couple, need one lookup together: a table of the key
with both of them is counted, and its sums over either column are the two tables asked for. Likewise, the sum of two
values is looked up at once. That pays if the rows are many beside the cells of such a table.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

import numpy as np

from postprocess.runtime.threads import chunks
from postprocess.tables.cells import cells_of
from postprocess.tables.layout import Layout, exclusive_cumsum

LOOKUPS_PER_CALL = 1 << 18  # in shorter calls, threads would wait for the interpreter
MAX_COUPLE_CELLS, MAX_COUPLE_CELLS_PER_ROW = 1 << 17, 2  # of the table of a key and a couple
FACTOR = np.int32  # of the cells: half as wide as an index, and multiplied twice as fast


@dataclass(frozen=True)
class _Batch:
    """Last columns that are looked up together: `columns` of them from `column` on, one by one or by couples."""

    column: int
    columns: int
    by_couples: bool


class KeyedRows:
    """Rows of codes, ready to be counted by key.

    codes: (n_columns, n_rows) uint8; layout: of their tables. `first` is the columns of the key, one or two, in
    ascending order. The last columns are those after them, up to `stop`. A block is (n_keys, width): the keys run over
    the codes of the first columns, the later one fastest, and the codes of the last columns stand side by side along
    the width.
    """

    def __init__(self, codes: np.ndarray, layout: Layout) -> None:
        self.codes, self.n_codes, self._start = codes, layout.n_codes, layout.code_start
        n_rows, n_couples = codes.shape[1], len(codes) // 2
        even, odd = slice(0, 2 * n_couples, 2), slice(1, 2 * n_couples, 2)
        sizes = self.n_codes[even] * self.n_codes[odd]
        self._of_thread = threading.local()  # buffers, made once: fresh memory costs more than the work done in it
        self._max_couple_cells = min(MAX_COUPLE_CELLS, MAX_COUPLE_CELLS_PER_ROW * n_rows)
        self._couple_sizes, self._couple_start = sizes.tolist(), exclusive_cumsum(sizes)
        self._couples = np.empty((n_couples, n_rows if (sizes <= self._max_couple_cells).any() else 0), dtype=FACTOR)
        if self._couples.size:
            np.multiply(codes[even], self.n_codes[odd, None], out=self._couples, casting="unsafe")
            self._couples += codes[odd]
            self._couples += self._couple_start[:-1, None].astype(FACTOR)

    def counts_of(self, column: int, weights: np.ndarray | None = None) -> np.ndarray:
        """Return (1, n_codes): how many rows have each code of a column, or the sum of their weights."""
        return np.bincount(self.codes[column], weights, minlength=self.n_codes[column])[None]

    def counts(self, first: tuple[int, ...], stop: int, weights: np.ndarray | None = None) -> np.ndarray:
        """Return a block of counts: int64, or float64 with weights (n_rows,)."""
        key, n_keys = self._keys(first)
        tables = []
        for batch in self._batches(first[-1] + 1, stop, n_keys):
            counted: np.ndarray | None = None
            for part, cells in self._cells(batch, key, n_keys):
                each = None if weights is None else np.tile(weights[part], len(cells))
                of_part = np.bincount(cells.ravel(), each, minlength=self._width(batch) * n_keys)
                counted = of_part if counted is None else np.add(counted, of_part, out=counted)
            if counted is not None:  # there are rows
                tables += self._by_column(counted.reshape(-1, n_keys), batch)
        if not tables:
            width = self._start[stop] - self._start[first[-1] + 1]
            return np.zeros((n_keys, width), dtype=np.int64 if weights is None else np.float64)
        return np.ascontiguousarray(np.concatenate(tables).T)

    def sums(self, block: np.ndarray, first: tuple[int, ...], stop: int) -> np.ndarray:
        """Return (n_rows,) float32: the sum of the block's float32 values in the cells of each row."""
        key, n_keys = self._keys(first)
        by_code, begin = np.ascontiguousarray(block.T), self._start[first[-1] + 1]
        total = np.zeros(len(key), dtype=block.dtype)
        found = np.empty(min(LOOKUPS_PER_CALL, self.codes.size), dtype=block.dtype)
        for batch in self._batches(first[-1] + 1, stop, n_keys):
            values = self._values(by_code, begin, batch)
            for part, cells in self._cells(batch, key, n_keys):
                each = found[: cells.size].reshape(cells.shape)
                np.take(values, cells, out=each, mode="clip")
                total[part] += np.add.reduce(each, axis=0)
        return total

    def _keys(self, first: tuple[int, ...]) -> tuple[np.ndarray, int]:
        """Return (n_rows,) keys, and the number of keys that there may be."""
        return cells_of(self.codes, self.n_codes, first, dtype=FACTOR), prod(self.n_codes[list(first)].tolist())

    def _batches(self, begin: int, stop: int, n_keys: int) -> Iterator[_Batch]:
        """Yield the last columns in batches, as many at a time as a call takes."""
        at_a_time = max(1, LOOKUPS_PER_CALL // max(1, self.codes.shape[1]))
        column = begin
        while column < stop:
            by_couples = self._couple_pays(column, stop, n_keys)
            step, columns = 1 + by_couples, 0
            while columns < at_a_time * step and column + columns < stop:
                if self._couple_pays(column + columns, stop, n_keys) != by_couples:
                    break
                columns += step
            yield _Batch(column, columns, by_couples)
            column += columns

    def _couple_pays(self, column: int, stop: int, n_keys: int) -> bool:
        """Return whether this column and the next one are better looked up together."""
        is_couple = column % 2 == 0 and column + 1 < stop
        return is_couple and self._couple_sizes[column // 2] * n_keys <= self._max_couple_cells

    def _couple_range(self, batch: _Batch) -> slice:
        return slice(batch.column // 2, (batch.column + batch.columns) // 2)

    def _starts(self, batch: _Batch) -> np.ndarray:
        """Return where the codes of each column or couple of the batch begin, and where those of the last one end."""
        if batch.by_couples:
            couples = self._couple_range(batch)
            return self._couple_start[couples.start : couples.stop + 1]
        return self._start[batch.column : batch.column + batch.columns + 1]

    def _width(self, batch: _Batch) -> int:
        starts = self._starts(batch)
        return int(starts[-1] - starts[0])

    def _cells(self, batch: _Batch, key: np.ndarray, n_keys: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield some rows at a time, and (columns or couples, rows) intp where they lie in the tables of the batch.

        The tables stand one after the other, and the key runs fastest.
        """
        starts = self._starts(batch)
        for part in chunks(len(key), LOOKUPS_PER_CALL):
            shape = len(starts) - 1, part.stop - part.start
            scaled, cells = (each[: prod(shape)].reshape(shape) for each in self._buffers())
            if batch.by_couples:
                np.multiply(self._couples[self._couple_range(batch), part], FACTOR(n_keys), out=scaled)
                shifted = key[part] - (starts[:1] * n_keys).astype(FACTOR)  # if it wraps around, the sum wraps back
            else:
                scaled[...] = self.codes[batch.column : batch.column + batch.columns, part]
                scaled += (starts[:-1, None] - starts[0]).astype(FACTOR)
                scaled *= FACTOR(n_keys)
                shifted = key[part]
            scaled += shifted
            cells[...] = scaled
            yield part, cells

    def _buffers(self) -> tuple[np.ndarray, np.ndarray]:
        if not hasattr(self._of_thread, "buffers"):
            most = min(LOOKUPS_PER_CALL, self.codes.size)
            self._of_thread.buffers = np.empty(most, FACTOR), np.empty(most, np.intp)
        return self._of_thread.buffers

    def _by_column(self, tables: np.ndarray, batch: _Batch) -> list[np.ndarray]:
        """Return the tables of the single columns: (codes, n_keys) each, or of several columns side by side."""
        if not batch.by_couples:
            return [tables]
        starts, columns = self._starts(batch), []
        for number, column in enumerate(range(batch.column, batch.column + batch.columns, 2)):
            table = tables[starts[number] - starts[0] : starts[number + 1] - starts[0]]
            table = table.reshape(*self.n_codes[column : column + 2], -1)
            columns += [table.sum(axis=1), table.sum(axis=0)]
        return columns

    def _values(self, by_code: np.ndarray, begin: int, batch: _Batch) -> np.ndarray:
        """Return the values, flat, in the tables of the batch. by_code: (width, n_keys), from the code `begin` on."""

        def of(column: int, columns: int = 1) -> np.ndarray:
            return by_code[self._start[column] - begin : self._start[column + columns] - begin]

        if not batch.by_couples:
            return of(batch.column, batch.columns).ravel()
        couples = range(batch.column, batch.column + batch.columns, 2)
        return np.concatenate([(of(column)[:, None] + of(column + 1)).ravel() for column in couples])
