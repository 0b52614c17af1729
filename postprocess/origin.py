"""What the manifest beside a pool says: where the chosen rows come from, and how the generators were trained."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import numpy as np

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
