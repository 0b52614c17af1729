"""Where the cells of all univariate, bivariate and trivariate tables lie in one flat array.

The layout nests. Take three columns A, B and C with 2, 3 and 2 codes:

    univariate   A0 A1 | B0 B1 B2 | C0 C1                            one cell for each code
    bivariate    A0: B0 B1 B2 C0 C1, A1: the same | B0: C0 C1, B1: the same, B2: the same
    trivariate   A0: (B0: C0 C1, B1: C0 C1, B2: C0 C1), A1: the same

So A's bivariate block holds, for each code of A, one cell for every code of the columns after A: its trailing width is
3 + 2 = 5. A's trivariate block holds, for each code of A, a copy of all bivariate cells of the columns after A. A row's
trivariate cells are therefore its bivariate cells plus one offset for each first column, and they lie close together.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Layout:
    """Where the cells of each table lie.

    n_codes: (n_columns,) number of codes of each column. pair_columns, triple_columns: the bivariate tables are those
    of the first pair_columns columns, the trivariate ones those of the first triple_columns columns. triple_columns is
    at most pair_columns, and pair_columns at most n_columns.

    Raises ValueError if the numbers of columns break this order.
    """

    n_codes: np.ndarray
    pair_columns: int
    triple_columns: int
    code_start: np.ndarray = field(init=False, repr=False)  # (n_columns + 1,) first univariate cell of each column
    pair_start: np.ndarray = field(init=False, repr=False)  # (pair_columns + 1,) first bivariate cell of each column
    triple_start: np.ndarray = field(init=False, repr=False)  # (triple_columns + 1,) first trivariate cell of each
    inner_start: np.ndarray = field(init=False, repr=False)  # (triple_columns + 1,) where columns begin inside of these

    def __post_init__(self) -> None:
        if not self.triple_columns <= self.pair_columns <= len(self.n_codes):
            raise ValueError("a layout needs triple_columns <= pair_columns <= number of columns")
        n_codes = np.asarray(self.n_codes, dtype=np.int64)
        set_field = object.__setattr__
        set_field(self, "n_codes", n_codes)
        set_field(self, "code_start", exclusive_cumsum(n_codes))
        set_field(self, "pair_start", self._pair_starts(self.pair_columns))
        inner = self._pair_starts(self.triple_columns)
        set_field(self, "inner_start", inner)
        set_field(self, "triple_start", exclusive_cumsum(n_codes[: self.triple_columns] * (inner[-1] - inner[1:])))

    def _pair_starts(self, columns: int) -> np.ndarray:
        """Return (columns + 1,) first bivariate cells if only the first `columns` columns have such tables."""
        return exclusive_cumsum(self.n_codes[:columns] * self.trailing_width(columns))

    def trailing_width(self, columns: int) -> np.ndarray:
        """Return (columns,): for each of the first `columns` columns, the number of codes in those after it."""
        return self.code_start[columns] - self.code_start[1 : columns + 1]

    def stacked(self, codes: np.ndarray) -> np.ndarray:
        """Return (n_columns, n_rows) intp: the univariate cells, which are the codes with each column in its own range.

        codes: (n_columns, n_rows) uint8. The columns of the result are contiguous.
        """
        return np.add(codes, self.code_start[:-1, None].astype(np.intp), order="C")

    def blocks(self, i: int) -> Iterator[tuple[int, tuple[int, ...], int]]:
        """Yield the blocks of the pairs and triples that begin with column i, which are counted together.

        They are (order, first columns, stop): the last columns are those after the first ones, up to `stop`.
        """
        if i < self.pair_columns - 1:
            yield 2, (i,), self.pair_columns
        for j in range(i + 1, self.triple_columns - 1):
            yield 3, (i, j), self.triple_columns

    def block_offsets(self, order: int, after: int) -> np.ndarray:
        """Return (n_tables,): where each table of a block begins along the width of that block.

        order, after: of the block, as `counts.count_tables_starting_at` yields them.
        """
        if order == 1:
            return np.zeros(1, dtype=np.int64)
        columns = self.pair_columns if order == 2 else self.triple_columns
        return self.code_start[after + 1 : columns] - self.code_start[after + 1]

    @property
    def n_tables(self) -> np.ndarray:
        """(3,) number of univariate, bivariate and trivariate tables."""
        p, t = self.pair_columns, self.triple_columns
        return np.array([len(self.n_codes), p * (p - 1) // 2, t * (t - 1) * (t - 2) // 6])

    @property
    def order_start(self) -> np.ndarray:
        """(4,) first cell of the univariate, bivariate and trivariate tables, and the number of all cells."""
        return exclusive_cumsum(np.array([self.code_start[-1], self.pair_start[-1], self.triple_start[-1]]))

    @property
    def complete(self) -> bool:
        """Whether the layout holds the tables of all columns, pairs and triples."""
        return self.triple_columns == len(self.n_codes)


def exclusive_cumsum(lengths: np.ndarray) -> np.ndarray:
    """Return (len + 1,): where consecutive blocks of these lengths start, and where the last one ends."""
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
