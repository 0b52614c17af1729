"""Which columns are missing together: the patterns of missing values in two data sets of the same columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from postprocess.data.column_bins import MISSING

MAX_PATTERNS = 12  # that are listed


def missing_patterns(
    training: np.ndarray, result: np.ndarray, labels: Sequence[Sequence[str]], weights: np.ndarray | None = None
) -> dict[str, Any]:
    """Return the most frequent patterns of missing values, with their rows in either data set, as plain values.

    training, result: (n_columns, n_rows) uint8 codes; labels: of each column's codes. weights: (n_rows,) of the
    training rows; None: each counts once. A pattern names, by number, the columns that are missing together. Columns
    without missing values in the training data have no part in a pattern.
    """
    able = [(column, names.index(MISSING)) for column, names in enumerate(labels) if MISSING in names]
    columns = np.array([column for column, _ in able], dtype=np.int64)
    codes = np.array([code for _, code in able], dtype=np.uint8)[:, None]
    found = [_patterns(training[columns] == codes, weights), _patterns(result[columns] == codes)]
    rows = [data.shape[1] for data in (training, result)]
    share = {
        key: max(counts.get(key, 0) / n for counts, n in zip(found, rows, strict=True)) for key in found[0] | found[1]
    }
    top = sorted(share, key=lambda key: (-share[key], key))[:MAX_PATTERNS]
    return {
        "columns_with_missing_cells": len(columns),
        "original_patterns": len(found[0]),
        "synthetic_patterns": len(found[1]),
        "shared_patterns": len(found[0].keys() & found[1].keys()),
        "most_frequent": [
            {"columns": _columns(key, columns), "original": found[0].get(key, 0), "synthetic": found[1].get(key, 0)}
            for key in top
        ],
    }


def _patterns(missing: np.ndarray, weights: np.ndarray | None = None) -> dict[bytes, float]:
    """Return how many rows of this (n_columns, n_rows) mask have each pattern; a pattern is packed into bytes."""
    if not len(missing):
        return {b"": missing.shape[1]}
    packed = np.ascontiguousarray(np.packbits(missing, axis=0).T)
    keys, which = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_inverse=True)
    counts = np.bincount(which, weights, minlength=len(keys))
    return {key.tobytes(): count for key, count in zip(keys, counts.tolist(), strict=True)}


def _columns(key: bytes, columns: np.ndarray) -> list[int]:
    bits = np.unpackbits(np.frombuffer(key, np.uint8), count=len(columns)).astype(bool)
    return columns[bits].tolist()
