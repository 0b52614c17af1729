"""What the selection used of its pool, and how the result came out: figures that only the report needs."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from postprocess.data.column_bins import MISSING

PARTS = 10  # of a pool that nothing is known of


def origin(rows: np.ndarray, pool: Path, pool_rows: int) -> dict[str, object]:
    """The parts of the pool with their rows and how many of those were chosen, as plain values.

    rows: sorted numbers of the chosen pool rows. The parts are the cycles that the manifest beside the pool names, or
    tenths of the pool where there is none, or one that does not fit.
    """
    cycles = _cycles(pool)
    if cycles and sum(count for _, count in cycles) == pool_rows:
        kind, names, counts = "cycle", [name for name, _ in cycles], [count for _, count in cycles]
    else:
        kind = "tenth"
        counts = np.diff(np.linspace(0, pool_rows, PARTS + 1).astype(np.int64)).tolist()
        names = [str(number) for number in range(1, PARTS + 1)]
    chosen = np.diff(np.searchsorted(rows, np.cumsum([0, *counts])))
    return {
        "parts_are": kind,
        "parts": [
            {"name": name, "pool_rows": count, "chosen_rows": int(number)}
            for name, count, number in zip(names, counts, chosen, strict=True)
        ],
    }


def trainings(pool: Path, pool_rows: int) -> list[dict[str, object]]:
    """Return how each cycle of the pool was trained, as plain values; nothing without a manifest that fits."""
    with suppress(KeyError, TypeError):
        cycles = _manifest(pool)["cycles"]
        if sum(cycle["rows"] for cycle in cycles) == pool_rows:
            return [
                {name: cycle[name] for name in ("number", "rows", "seconds", "accuracy")}
                | {name: cycle["settings"][name] for name in ("model_name", "batch_size")}
                | {name: cycle["training"][name] for name in ("epochs", "steps", "ended_by", "device")}
                for cycle in cycles
            ]
    return []


def _cycles(pool: Path) -> list[tuple[str, int]]:
    """Number and rows of each cycle, in the order in which they lie in the pool; empty without a readable manifest."""
    try:
        return [(str(cycle["number"]), int(cycle["rows"])) for cycle in _manifest(pool)["cycles"]]
    except (ValueError, KeyError, TypeError):
        return []


def _manifest(pool: Path) -> dict:
    """The content of the manifest beside a pool; empty if there is none that can be read."""
    try:
        content = json.loads(pool.with_name(f"{pool.stem}_manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


BINS_A_DECADE = 2
DECADES = 6  # below 1; smaller weights share a bin
MOST_OF_THE_WEIGHT = 0.99


def weight_summary(weights: np.ndarray) -> dict[str, object]:
    """What a page tells of the weights (n_rows,), as plain values.

    histogram: bins of weight on a logarithmic scale up to 1, each with its bounds, its number of rows and its share of
    the weight. effective_rows: (sum w)^2 / sum w^2, the rows of equal weight that would vary as much (Kish).
    carrying_rows: the fewest rows that hold MOST_OF_THE_WEIGHT. full_rows: those of weight 1.
    """
    total = float(weights.sum())
    descending = np.sort(weights)[::-1]
    carrying = int(np.searchsorted(np.cumsum(descending), MOST_OF_THE_WEIGHT * total)) + 1
    lowest = -DECADES * BINS_A_DECADE
    smallest = 10.0 ** (lowest / BINS_A_DECADE)
    bins = np.ceil(np.log10(np.maximum(weights, smallest)) * BINS_A_DECADE).astype(np.int64) - lowest
    rows = np.bincount(bins, minlength=1 - lowest)
    shares = np.bincount(bins, weights, minlength=1 - lowest) / total
    return {
        "rows": len(weights),
        "effective_rows": round(total**2 / float(np.square(weights).sum()), 1),
        "carrying_rows": min(carrying, len(weights)),
        "full_rows": int(np.count_nonzero(weights >= 1)),
        "histogram": [
            {
                "above": 10 ** ((lowest + place - 1) / BINS_A_DECADE) if place else 0.0,
                "to": 10 ** ((lowest + place) / BINS_A_DECADE),
                "rows": int(count),
                "weight_share": round(float(share), 6),
            }
            for place, (count, share) in enumerate(zip(rows, shares, strict=True))
        ],
    }


MOST_PATTERNS = 12  # that are told one by one


def missing_patterns(training: np.ndarray, result: np.ndarray, labels: Sequence[Sequence[str]]) -> dict[str, Any]:
    """The most frequent patterns with their rows in either data set, as plain values.

    training, result: (n_columns, n_rows) uint8 codes; labels: of each column's codes. Columns without missing cells in
    the training data have no code for them and no part in a pattern. Each pattern names its columns by number.
    """
    able = [(column, names.index(MISSING)) for column, names in enumerate(labels) if MISSING in names]
    columns = np.array([column for column, _ in able], dtype=np.int64)
    codes = np.array([code for _, code in able], dtype=np.uint8)[:, None]
    found = [_patterns(data[columns] == codes) for data in (training, result)]
    rows = [data.shape[1] for data in (training, result)]
    share = {
        key: max(counts.get(key, 0) / n for counts, n in zip(found, rows, strict=True)) for key in found[0] | found[1]
    }
    top = sorted(share, key=lambda key: (-share[key], key))[:MOST_PATTERNS]
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
    """How many columns of this (n_columns, n_rows) mask are alike, each packed into bytes."""
    if not len(missing):
        return {b"": missing.shape[1]}
    packed = np.ascontiguousarray(np.packbits(missing, axis=0).T)
    keys, counts = np.unique(packed.view(f"V{packed.shape[1]}").ravel(), return_counts=True)
    return {key.tobytes(): int(count) for key, count in zip(keys, counts, strict=True)}


def _columns(key: bytes, columns: np.ndarray) -> list[int]:
    bits = np.unpackbits(np.frombuffer(key, np.uint8), count=len(columns)).astype(bool)
    return columns[bits].tolist()


def summarise(closest: np.ndarray) -> dict[str, float]:
    """Distances to the closest training row in figures: rows, how many of distance 0, minimum, 1 % quantile, median."""
    lowest, median = np.quantile(closest, [0.01, 0.5], method="lower")
    return {
        "rows": len(closest),
        "identical": int(np.count_nonzero(closest == 0)),
        "minimum": int(closest.min()),
        "percentile_1": int(lowest),
        "median": int(median),
    }
