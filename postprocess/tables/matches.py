"""In how many columns rows match other rows: the innermost loop of the privacy filter, of trimming and of refinement.

Memory bounds the comparison, so some rows stay in the cache while the others pass by.
"""

import threading

import numpy as np

from postprocess.runtime.threads import chunks

MAX_BYTES_PER_BLOCK = 1 << 19  # codes of the rows that stay in the cache
MIN_BYTES_PER_BLOCK = 1 << 16  # in smaller blocks, threads would wait for the interpreter
BLOCKS_TO_SHARE = 8  # the number of blocks is a multiple of it, so that threads share them evenly, or lower than it
ROWS_PER_CALL = 8  # other rows in each call of NumPy: in shorter calls, threads would wait for the interpreter
ROWS_PER_COUNT = 32  # other rows whose counts are returned at once, so that calls on the counts are long as well


class MatchCounter:
    """Counts in how many columns rows match others; `blocks` cuts the rows into parts that fit the cache.

    codes: (n_columns, n_rows) uint8, copied unless they are C-contiguous. Several threads may count at the same time.
    """

    def __init__(self, codes: np.ndarray) -> None:
        n_columns, n_rows = codes.shape
        self.codes = np.ascontiguousarray(codes)  # the columns of a transposed array are many times slower to read
        self.dtype = np.dtype(np.uint8 if n_columns < np.iinfo(np.uint8).max else np.uint16)
        to_share = min(BLOCKS_TO_SHARE, max(1, self.codes.size // MIN_BYTES_PER_BLOCK))
        n_blocks = -(-self.codes.size // (to_share * MAX_BYTES_PER_BLOCK)) * to_share
        self.block_size = max(1, -(-n_rows // max(1, n_blocks)))
        self.blocks = chunks(n_rows, self.block_size)
        self._buffers = threading.local()  # made once for each thread: fresh memory costs more than the work done in it

    def count(self, block: slice, others: np.ndarray, columns: int | None = None) -> np.ndarray:
        """Return (k, rows of the block): in how many of the first `columns` columns (None: all) the rows match.

        others: (k, n_columns, 1) uint8, at most ROWS_PER_COUNT of them. The result is a buffer that the thread's next
        call fills anew.
        """
        n_rows = block.stop - block.start
        equal, counts = self._of_this_thread()
        equal, counts = equal[:, :columns, :n_rows], counts[: len(others), :n_rows]
        for some in chunks(len(others), ROWS_PER_CALL):
            of_some = equal[: len(others[some])]
            np.equal(self.codes[:columns, block], others[some, :columns], out=of_some)
            np.add.reduce(of_some.view(np.uint8), axis=1, dtype=counts.dtype, out=counts[some])
        return counts

    def _of_this_thread(self) -> tuple[np.ndarray, np.ndarray]:
        if not hasattr(self._buffers, "pair"):
            equal = np.empty((ROWS_PER_CALL, len(self.codes), self.block_size), dtype=bool)
            self._buffers.pair = equal, np.empty((ROWS_PER_COUNT, self.block_size), dtype=self.dtype)
        return self._buffers.pair


def standing(codes: np.ndarray) -> np.ndarray:
    """Return (n_rows, n_columns, 1) C-contiguous: rows as `MatchCounter.count` takes them, of (n_columns, n_rows)."""
    return np.ascontiguousarray(codes.T)[:, :, None]
