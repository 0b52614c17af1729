"""The distinct values of a column, and the way from values to their numbers and back."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_float_dtype, is_integer_dtype

from postprocess.rules.numbers import as_floats, decimals_of, is_date, is_number, rounded


@dataclass(frozen=True, eq=False)
class Levels:
    """The distinct values of a column of the training data. The last one is a missing value, whether it occurs or not.

    values: the levels. decimals: of numbers; more decimals do not make another value.
    """

    values: pd.Series
    decimals: int | None

    @classmethod
    def of(cls, column: pd.Series) -> "Levels":
        """Return the levels of a column, sorted."""
        distinct = column.drop_duplicates().sort_values(na_position="last", ignore_index=True)
        if not distinct.isna().any():
            distinct = distinct.reindex(range(len(distinct) + 1))
        return cls(distinct, decimals_of(column) if is_number(column) else None)

    def __len__(self) -> int:
        return len(self.values)

    def codes(self, column: pd.Series) -> np.ndarray:
        """Return the numbers of the values: (n_rows,) int64, -1 for a value that is no level."""
        codes = np.asarray(self._index.get_indexer(self._comparable(column)), dtype=np.int64)
        codes[column.isna().to_numpy()] = len(self) - 1
        return codes

    def take(self, codes: np.ndarray) -> pd.api.extensions.ExtensionArray:
        """Return the values of these numbers, in the dtype of the training data's column."""
        return self.values.array.take(codes)

    @cached_property
    def _index(self) -> pd.Index:
        return self._comparable(self.values.iloc[:-1])

    def _comparable(self, column: pd.Series) -> pd.Index:
        """Return the values as an index that finds them. It is not asked for missing ones."""
        if is_bool_dtype(column.dtype):
            return pd.Index(column.fillna(False).to_numpy(np.int64))
        if is_integer_dtype(column.dtype):
            return pd.Index(column.fillna(0).to_numpy(np.int64))
        if is_float_dtype(column.dtype) or is_date(column):
            return pd.Index(rounded(as_floats(column), self.decimals))
        return pd.Index(column)
