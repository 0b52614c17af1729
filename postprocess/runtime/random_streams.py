"""One stream of random numbers for each step of a run."""

import numpy as np


def random_stream(seed: int, step: str) -> np.random.Generator:
    """Return the stream of a step. It depends on the seed and the name of the step, and on no other step's draws."""
    return np.random.default_rng([seed, *step.encode()])
