"""A pool built from small data by a generator that trains nothing, for several tests."""

from datetime import datetime

import pandas as pd

from pool.build import build_pool
from tests.parameters import pool_parameters
from tests.pool.fakes import Recorder, resample, resampled, train_with

NOON = datetime(2025, 1, 2, 12, 0)
STEM = "flat_pool_20250102_1200"
FILES = [f"{STEM}.csv", f"{STEM}_manifest.json"]  # of a finished pool
TRAINING = pd.DataFrame(
    {
        "id": pd.Series(range(40), dtype="Int64"),
        "x": pd.Series([0.5, None] * 20),
        "name, quoted": pd.Series(['say "x"', "a,b", "two\nlines", None] * 10, dtype="str"),
    }
)
OPTIONS = ("to_text", "repair", "score", "before_training", "training_sha256", "treatment", "suffix", "memory_bytes")


def build(folder, *, training=TRAINING, train=resample, progress=None, **changes):
    """Build three cycles of 34, 33 and 33 rows. changes: parameters, or options of build_pool."""
    options = {name: changes.pop(name) for name in OPTIONS if name in changes}
    parameters = pool_parameters(**({"train_iterations": 3, "sample_size": 2.5, "cycle_backend": None} | changes))
    progress = progress or Recorder()
    return build_pool(
        training, parameters, folder=folder, progress=progress, train=train, clock=lambda: NOON, **options
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fail_in_cycle(number, error):
    """Return a generator that raises `error` once it has given all rows of that cycle."""

    def sample(rows, plan, progress):
        yield from resampled(rows, plan, progress)
        if plan.number == number:
            raise error

    return train_with(sample)
