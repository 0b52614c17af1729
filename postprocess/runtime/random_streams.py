"""One stream of random numbers for each step of a run."""

import numpy as np


def random_stream(seed: int, step: str) -> np.random.Generator:
    """Return the stream of a step. It depends on the seed and the name of the step, and on no other step's draws."""
    return np.random.default_rng([seed, *step.encode()])


def random_rows(n_pool: int, n: int, seed: int) -> np.ndarray:
    """Return sorted numbers of n random pool rows: the plain sample with which a result is compared."""
    return np.sort(random_stream(seed, "pool sample").choice(n_pool, n, replace=False))
