"""The rows of a file as small integers, with a fingerprint of each row. The selection sees nothing else of the data."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Codes:
    """The rows of a file as codes.

    codes: (n_columns, n_rows) uint8, C-contiguous, columns in the training data's order.
    fingerprints: (n_rows,) uint64. Rows of equal values have equal fingerprints, however the values are written.
    rare: (n_rows,) bool. True if a column has the value `_RARE_` in this row but never in the training data.
    combinations: (n_rows,) uint64, the fingerprints of the quasi-identifiers alone; None if none were named.
    weights: (n_rows,) float64 with a sum of n_rows, for how many rows each one counts; None: each counts once.
    rare_in: number of rows with a `_RARE_` that counts in `rare`, by the name of the column.
    broken: (n_rows,) bool for each rule, by its text: whether the row breaks it.
    """

    codes: np.ndarray
    fingerprints: np.ndarray
    rare: np.ndarray
    combinations: np.ndarray | None = None
    weights: np.ndarray | None = None
    rare_in: Mapping[str, int] = field(default_factory=dict)
    broken: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n_rows = self.codes.shape[1]
        for name in ("fingerprints", "rare", "combinations", "weights"):
            if (values := getattr(self, name)) is not None and values.shape != (n_rows,):
                raise ValueError(f"codes and {name} must have the same number of rows")

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return self.codes.shape[1]
