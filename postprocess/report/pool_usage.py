"""What the result has used of its pool: rows by cycle, the weights that carry it, and how the cycles were trained.

The manifest beside the pool names the cycles. The room `pool` writes it; here it is read as plain JSON.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

PARTS = 10  # of a pool without a manifest
BINS_PER_DECADE = 2
DECADES = 6  # below 1; smaller weights share a bin
CARRIED_SHARE = 0.99  # of the weight


def pool_usage(rows: np.ndarray, pool: Path, pool_rows: int) -> tuple[dict[str, object], list[dict[str, object]]]:
    """Return the parts of the pool, with how many of their rows were selected, and how each cycle was trained.

    rows: sorted numbers of the selected pool rows. The parts are the cycles that the manifest beside the pool names. If
    there is no manifest that fits, they are tenths of the pool, and nothing is known of a training.
    """
    cycles = _fitting_cycles(pool, pool_rows)
    if cycles:
        kind, names = "cycle", [str(cycle["number"]) for cycle in cycles]
        counts = [int(cycle["rows"]) for cycle in cycles]
    else:
        kind, names = "tenth", [str(number) for number in range(1, PARTS + 1)]
        counts = np.diff(np.linspace(0, pool_rows, PARTS + 1).astype(np.int64)).tolist()
    selected = np.diff(np.searchsorted(rows, np.cumsum([0, *counts])))
    parts = [
        {"name": name, "pool_rows": count, "chosen_rows": int(number)}
        for name, count, number in zip(names, counts, selected, strict=True)
    ]
    return {"parts_are": kind, "parts": parts}, _trainings(cycles)


def _trainings(cycles: list[dict[str, Any]]) -> list[dict[str, object]]:
    """Return how each cycle was trained, as plain values; nothing if the manifest does not say it."""
    with suppress(KeyError, TypeError):
        return [
            {name: cycle[name] for name in ("number", "rows", "seconds", "accuracy")}
            | {name: cycle["settings"][name] for name in ("model_name", "batch_size")}
            | {name: cycle["training"][name] for name in ("epochs", "steps", "ended_by", "device")}
            for cycle in cycles
        ]
    return []


def _fitting_cycles(pool: Path, pool_rows: int) -> list[dict[str, Any]]:
    """Return the cycles of the manifest beside a pool, in order; nothing if it cannot be read or does not fit."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        content = json.loads(pool.with_name(f"{pool.stem}_manifest.json").read_text(encoding="utf-8"))
        cycles = content["cycles"]
        if sum(int(cycle["rows"]) for cycle in cycles) == pool_rows and all("number" in cycle for cycle in cycles):
            return cycles
    return []


def weight_summary(weights: np.ndarray) -> dict[str, object]:
    """Return figures of the IPF weights (n_rows,), as plain values.

    histogram: bins of weight on a logarithmic scale up to 1, each with its bounds, its number of rows and its share of
    the weight. effective_rows: (sum w)^2 / sum w^2, the number of rows of equal weight that would vary as much (Kish).
    carrying_rows: the fewest rows that hold CARRIED_SHARE. full_rows: those of weight 1.
    """
    total = float(weights.sum())
    descending = np.sort(weights)[::-1]
    carrying = int(np.searchsorted(np.cumsum(descending), CARRIED_SHARE * total)) + 1
    lowest = -DECADES * BINS_PER_DECADE
    smallest = 10.0 ** (lowest / BINS_PER_DECADE)
    bins = np.ceil(np.log10(np.maximum(weights, smallest)) * BINS_PER_DECADE).astype(np.int64) - lowest
    rows = np.bincount(bins, minlength=1 - lowest)
    shares = np.bincount(bins, weights, minlength=1 - lowest) / total
    return {
        "rows": len(weights),
        "effective_rows": round(total**2 / float(np.square(weights).sum()), 1),
        "carrying_rows": min(carrying, len(weights)),
        "full_rows": int(np.count_nonzero(weights >= 1)),
        "histogram": [
            {
                "above": 10 ** ((lowest + place - 1) / BINS_PER_DECADE) if place else 0.0,
                "to": 10 ** ((lowest + place) / BINS_PER_DECADE),
                "rows": int(count),
                "weight_share": round(float(share), 6),
            }
            for place, (count, share) in enumerate(zip(rows, shares, strict=True))
        ],
    }
