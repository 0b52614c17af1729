"""When a rule is more than chance, and samples of rows that rule out most candidates soon."""

import numpy as np

MIN_EXPECTED = 20  # rows that would break a rule if its columns were independent; none does by a chance of about e^-20
SAMPLE_ROWS = (200, 2_000, 20_000, 200_000)  # candidates that break in few rows are not checked on more
SAMPLE_SEED = 1
MAX_RANKED_ROWS = 100_000  # that tell how often independent values would break a rule


def samples(n_rows: int) -> list[np.ndarray | slice]:
    """Return the numbers of rows to check candidates on, more and more of them; the last one is all rows."""
    shuffled = np.random.default_rng(SAMPLE_SEED).permutation(n_rows)
    return [*(np.sort(shuffled[:size]) for size in SAMPLE_ROWS if size < n_rows), slice(None)]


def some(values: np.ndarray) -> np.ndarray:
    """Return at most MAX_RANKED_ROWS of the values, drawn at random."""
    if len(values) <= MAX_RANKED_ROWS:
        return values
    return values[np.random.default_rng(SAMPLE_SEED).choice(len(values), MAX_RANKED_ROWS, replace=False)]
