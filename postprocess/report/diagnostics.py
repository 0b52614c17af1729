"""A close look at a result that only the report needs: how near its rows come to training rows, and what is missing."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from postprocess.data.column_bins import MISSING
from postprocess.runtime.random_streams import random_stream
from postprocess.runtime.threads import Workers
from postprocess.selection.nearest import compare_with_training

MAX_PATTERNS = 12  # of missing values that are listed
DCR_SAMPLE_ROWS = 5_000  # of each data set whose distances to the training rows are measured


def closest_training_rows(
    training: np.ndarray,
    samples: Mapping[str, np.ndarray],
    training_dcr: np.ndarray | None,
    *,
    seed: int,
    workers: Workers,
) -> dict[str, dict[str, float]]:
    """Return the distances of each sample to the closest training row, in figures, and of `training` rows to others.

    training, samples: (n_columns, n_rows) uint8 codes; at most DCR_SAMPLE_ROWS rows of each are compared, drawn at
    random. training_dcr: (n_training,) distance of each training row to the nearest other one, or None if it is not
    known yet.
    """

    def drawn(name: str, n_rows: int) -> np.ndarray:
        rng = random_stream(seed, f"closest training rows of {name}")
        return np.sort(rng.permutation(n_rows)[:DCR_SAMPLE_ROWS])

    def dcr(name: str, codes: np.ndarray, own_number: np.ndarray | None = None) -> np.ndarray:
        label = f"Comparing {name.replace('_', ' ')} with the training rows"
        found = compare_with_training(codes, training, own_number=own_number, workers=workers, label=label)
        return found.dcr

    distances = {name: dcr(name, codes.take(drawn(name, codes.shape[1]), axis=1)) for name, codes in samples.items()}
    own = drawn("training", training.shape[1])
    distances["training"] = (
        dcr("training", training.take(own, axis=1), own) if training_dcr is None else training_dcr[own]
    )
    return {name: summarise(values) for name, values in distances.items()}


def summarise(dcr: np.ndarray) -> dict[str, float]:
    """Return distances in figures: rows, how many of distance 0, minimum, 1 % quantile, median."""
    lowest, median = np.quantile(dcr, [0.01, 0.5], method="lower")
    return {
        "rows": len(dcr),
        "identical": int(np.count_nonzero(dcr == 0)),
        "minimum": int(dcr.min()),
        "percentile_1": int(lowest),
        "median": int(median),
    }


def missing_patterns(training: np.ndarray, result: np.ndarray, labels: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Return the most frequent patterns of missing values, with their rows in either data set, as plain values.

    training, result: (n_columns, n_rows) uint8 codes; labels: of each column's codes. A pattern names, by number, the
    columns that are missing together. Columns without missing values in the training data have no part in a pattern.
    """
    able = [(column, names.index(MISSING)) for column, names in enumerate(labels) if MISSING in names]
    columns = np.array([column for column, _ in able], dtype=np.int64)
    codes = np.array([code for _, code in able], dtype=np.uint8)[:, None]
    found = [_patterns(data[columns] == codes) for data in (training, result)]
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


def _patterns(missing: np.ndarray) -> dict[bytes, int]:
    """Return how many rows of this (n_columns, n_rows) mask have each pattern; a pattern is packed into bytes."""
    if not len(missing):
        return {b"": missing.shape[1]}
    packed = np.ascontiguousarray(np.packbits(missing, axis=0).T)
    keys, counts = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_counts=True)
    return {key.tobytes(): int(count) for key, count in zip(keys, counts, strict=True)}


def _columns(key: bytes, columns: np.ndarray) -> list[int]:
    bits = np.unpackbits(np.frombuffer(key, np.uint8), count=len(columns)).astype(bool)
    return columns[bits].tolist()
