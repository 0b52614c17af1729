"""Which pool rows may be selected, how many the oversized subset takes, and which ones refinement tries."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from postprocess.data.codes import Codes
from postprocess.selection.parameters import SelectionParameters

Warn = Callable[[str], None]
KEPT_OUT = {  # why pool rows may not be selected
    "training_copies": "equal to a training row",
    "rare": "with a _RARE_ value that the training data does not have",
    "near_copies": "too near to a training row (privacy_filter)",
}


def admitted_rows(
    training: Codes, pool: Codes, parameters: SelectionParameters, *, warn: Warn
) -> tuple[np.ndarray, dict[str, int]]:
    """Sorted numbers of the pool rows that may be selected, and how many were kept out, by reason.

    Kept out where enough others serve: rows equal to a training row (`training_copies`), and rows with a `_RARE_` cell
    that the training data does not have (`rare`).
    """
    reasons = [("rare", pool.rare)]
    if not parameters.allow_training_copies:
        reasons.insert(0, ("training_copies", training_copies(training, pool)))
    excluded = {"training_copies": 0, "rare": 0}
    out = np.zeros(pool.n_rows, dtype=bool)
    for reason, rows in reasons:
        number = int(np.count_nonzero(rows & ~out))
        if pool.n_rows - np.count_nonzero(out | rows) >= training.n_rows:
            out |= rows
            excluded[reason] = number
        elif number:
            warn(
                f"{number:,} pool rows {KEPT_OUT[reason]} may be selected: without them fewer than "
                f"{training.n_rows:,} are left"
            )
    return np.flatnonzero(~out), excluded


def training_copies(training: Codes, pool: Codes) -> np.ndarray:
    """(n_rows,) bool: pool rows that equal a training row."""
    return np.isin(pool.fingerprints, training.fingerprints)
