"""Where the cells of all univariate, bivariate and trivariate tables lie in one flat array.

The layout nests: column i's block of trivariate cells holds, for each of its codes, one copy of all bivariate cells of
the columns after i, and column j's block of bivariate cells holds, for each of its codes, one cell for every code of
the columns after j. So a row's trivariate cells are its bivariate cells plus one offset a column, and the cells that
one row touches lie close together in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


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

    def cells_among(self, codes: np.ndarray, first: int, stop: int) -> np.ndarray:
        """(stop - first, n_rows) cells of the columns first..stop - 1, one column's codes after the other's."""
        return codes[first:stop] + (self.code_start[first:stop, None] - self.code_start[first])

    def begins(self, level: int, after: int) -> np.ndarray:
        """(n_tables,) where each of the tables that `counts_from` counts together begins along their width."""
        if level == 0:
            return np.zeros(1, dtype=np.int64)
        columns = self.pair_columns if level == 1 else self.triple_columns
        return self.code_start[after + 1 : columns] - self.code_start[after + 1]

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
