"""Which pool rows may be selected at all: no copies of training rows, and none with a made-up `_RARE_` value."""

from collections.abc import Callable

import numpy as np

from postprocess.data.codes import Codes

EXCLUSION_REASONS = {  # why a pool row is not eligible
    "training_copies": "equal to a training row",
    "rare": "with a _RARE_ value that the training data does not have",
    "near_copies": "too close to a training row (privacy_filter)",
    "not_compared": "not drawn to be considered, by IPF weight",
}


def eligible_rows(
    training: Codes, pool: Codes, *, allow_copies: bool, warn: Callable[[str], None]
) -> tuple[np.ndarray, dict[str, int]]:
    """Return the sorted numbers of the eligible pool rows, and how many rows are excluded for each reason.

    The reasons are `training_copies`, unless they are allowed, and `rare`: rows with a `_RARE_` value that the training
    data does not have. A reason is dropped, with a warning, if it would leave fewer rows than the training data has.
    """
    reasons = {} if allow_copies else {"training_copies": training_copies(training, pool)}
    reasons["rare"] = pool.rare
    counts = {"training_copies": 0, "rare": 0}
    excluded = np.zeros(pool.n_rows, dtype=bool)
    for reason, rows in reasons.items():
        number = int(np.count_nonzero(rows & ~excluded))
        if pool.n_rows - np.count_nonzero(excluded | rows) >= training.n_rows:
            excluded |= rows
            counts[reason] = number
        elif number:
            warn(
                f"{number:,} pool rows {EXCLUSION_REASONS[reason]} may be selected, because without them fewer than "
                f"{training.n_rows:,} rows are left"
            )
    return np.flatnonzero(~excluded), counts


def training_copies(training: Codes, pool: Codes) -> np.ndarray:
    """Return (n_rows,) bool: the pool rows that equal a training row."""
    return np.isin(pool.fingerprints, training.fingerprints)
