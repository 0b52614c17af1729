"""The rows of a file as small integers, with what tells equal rows apart: all that the selection sees of the data."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Codes:
    """A table's rows as codes.

    codes: (n_columns, n_rows) uint8, C-contiguous, columns in the training data's order.
    fingerprints: (n_rows,) uint64, equal for rows of equal values, however these are written.
    rare: (n_rows,) bool, rows with a `_RARE_` cell in any column whose training data has no such value.
    """

    codes: np.ndarray
    fingerprints: np.ndarray
    rare: np.ndarray

    def __post_init__(self) -> None:
        n_rows = self.codes.shape[1]
        if self.fingerprints.shape != (n_rows,) or self.rare.shape != (n_rows,):
            raise ValueError("codes, fingerprints and rare must have the same number of rows")

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.codes.shape[1]
