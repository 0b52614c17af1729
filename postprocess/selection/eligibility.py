"""Which pool rows may be selected at all.

Not eligible are rows that break a rule, copies of training rows, rows with a made-up `_RARE_` value, and, on request,
rows with a combination of quasi-identifiers that gives a single training row away.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from postprocess.data.codes import Codes
from postprocess.privacy.combinations import single_row_combinations
from postprocess.runtime.exits import InputError
from postprocess.selection.parameters import SelectionParameters

EXCLUSION_REASONS = {  # why a pool row is not eligible
    "unique_combinations": "with quasi-identifiers that one training row alone has",
    "rules": "that break a rule",
    "training_copies": "equal to a training row",
    "rare": "with a _RARE_ value that the training data does not have",
    "near_copies": "too close to a training row (privacy_filter)",
    "not_compared": "not drawn to be considered, by IPF weight",
}
COMMON_SHARE = 0.1  # of the training rows that equal another one: above, equal rows come about by chance
MAX_SHARE_KEPT_OUT = 0.5  # of the pool, without a warning
MAX_RARE_SHARE = 0.1  # of the pool, by one column, without a warning


def eligible_rows(
    training: Codes,
    pool: Codes,
    parameters: SelectionParameters,
    *,
    breaking: np.ndarray | None = None,
    given_pool: Path | None = None,
    warn: Callable[[str], None],
) -> tuple[np.ndarray, dict[str, int]]:
    """Return the sorted numbers of the eligible pool rows, and how many rows are excluded for each reason.

    breaking: (n_pool,) bool, the pool rows that break a rule; None: there are no rules. given_pool: the file of a pool
    that is refused if it consists of copies; None: it is not.

    The reasons are `rules`, if there are any, `unique_combinations`, if the parameters ask for it, `training_copies`,
    unless they are allowed, and `rare`: rows with a `_RARE_` value that the training data does not have. The last two
    are dropped, with a warning, if they would leave fewer rows than the training data has. But a given pool is refused
    then if training rows hardly ever equal each other, because it consists of real rows.

    Raises InputError if `unique_combinations` does, if the pool consists of copies, or if any reason leaves fewer than
    `rows` of the parameters.
    """
    n = parameters.rows or training.n_rows
    excluded, counts = np.zeros(pool.n_rows, dtype=bool), {}
    if parameters.exclude_unique_combinations:
        excluded = single_row_combinations(training, pool)
        counts["unique_combinations"] = int(np.count_nonzero(excluded))
        _require_rows(pool.n_rows, counts["unique_combinations"], n)
    if breaking is not None:
        counts["rules"] = int(np.count_nonzero(breaking & ~excluded))
        excluded = excluded | breaking
    reasons = {} if parameters.allow_training_copies else {"training_copies": training_copies(training, pool)}
    reasons["rare"] = pool.rare
    counts |= {"training_copies": 0, "rare": 0}
    for reason, rows in reasons.items():
        number = int(np.count_nonzero(rows & ~excluded))
        left = pool.n_rows - np.count_nonzero(excluded | rows)
        if left >= n:
            excluded |= rows
            counts[reason] = number
        elif parameters.rows is not None:
            raise InputError(
                f"rows={n}: only {left:,} of {pool.n_rows:,} pool rows may be selected (not those "
                f"{EXCLUSION_REASONS[reason]}); ask for fewer, or bring a larger pool"
            )
        elif given_pool is not None and reason == "training_copies" and not _equal_rows_are_common(training):
            raise InputError(
                f"{given_pool}: only {left:,} of {pool.n_rows:,} pool rows differ from all training rows, and {n:,} "
                "are needed, so real rows would be in the result; bring another pool, or set allow_training_copies=True"
            )
        elif number:
            warn(
                f"{number:,} pool rows {EXCLUSION_REASONS[reason]} may be selected, because without them fewer than "
                f"{n:,} rows are left"
            )
    _warn_of_rows_kept_out(pool, counts, warn)
    return np.flatnonzero(~excluded), counts


def _equal_rows_are_common(training: Codes) -> bool:
    """Return whether training rows often equal each other, as they do in tables of few columns."""
    _, rows = np.unique(training.fingerprints, return_counts=True)
    return int(rows[rows > 1].sum()) > COMMON_SHARE * training.n_rows


def _warn_of_rows_kept_out(pool: Codes, counts: dict[str, int], warn: Callable[[str], None]) -> None:
    for name, rows in pool.rare_in.items():
        if rows > MAX_RARE_SHARE * pool.n_rows:
            warn(
                f"column {name!r} keeps {rows / pool.n_rows:.0%} of the pool rows out, because its value there is "
                "_RARE_, which the training data does not have; leave the column out with exclude, or bring another "
                "pool"
            )
    if sum(counts.values()) > MAX_SHARE_KEPT_OUT * pool.n_rows:
        reasons = ", ".join(f"{rows:,} {EXCLUSION_REASONS[reason]}" for reason, rows in counts.items() if rows)
        warn(
            f"more than half of the {pool.n_rows:,} pool rows may not be selected ({reasons}), so there is less to "
            "choose from; a larger pool makes up for it"
        )


def _require_rows(n_pool: int, n_excluded: int, needed: int) -> None:
    if n_pool - n_excluded < needed:
        raise InputError(
            f"exclude_unique_combinations=True: leaves {n_pool - n_excluded:,} of {n_pool:,} pool rows, and {needed:,} "
            "are needed; name other quasi_identifiers, or bring a larger pool"
        )


def training_copies(training: Codes, pool: Codes) -> np.ndarray:
    """Return (n_rows,) bool: the pool rows that equal a training row."""
    return np.isin(pool.fingerprints, training.fingerprints)
