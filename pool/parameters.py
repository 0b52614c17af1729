"""What the pool is built with, checked as a whole before anything is trained."""

import math
from dataclasses import dataclass

MODEL_NAMES = ("MOSTLY_AI/Small", "MOSTLY_AI/Medium", "MOSTLY_AI/Large")
HIGHEST_TEMPERATURE = 2.0  # the generator takes no more


@dataclass(frozen=True, kw_only=True)
class PoolParameters:
    """How the pool is trained and sampled; the result of a run depends on nothing else but the training data.

    train_iterations: cycles, each one a fresh generator.
    model_name: size of the generator, one of MODEL_NAMES.
    max_epochs: most passes over the training rows in a cycle; training stops earlier once it no longer improves.
    max_training_time: most minutes that a cycle trains.
    batch_size: rows in a training step.
    sample_size: rows of the whole pool, as a multiple of the training rows.
    sampling_temperature: above 1 the rows are more varied than the generator believes, below 1 less.
    seed: where all randomness starts.

    Raises ValueError, in one line that names the parameter, its value and what is allowed.
    """

    train_iterations: int = 2
    model_name: str = "MOSTLY_AI/Large"
    max_epochs: int = 17
    max_training_time: float = 60.0
    batch_size: int = 1024
    sample_size: float = 25.0
    sampling_temperature: float = 1.05
    seed: int = 1

    def __post_init__(self) -> None:
        for name, least in (("train_iterations", 1), ("max_epochs", 1), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, name)
            _check(name, value, f"a whole number of at least {least}", _is_whole(value) and value >= least)
        _check("model_name", self.model_name, f"one of {', '.join(MODEL_NAMES)}", self.model_name in MODEL_NAMES)
        minutes, multiple, temperature = self.max_training_time, self.sample_size, self.sampling_temperature
        _check("max_training_time", minutes, "a number of minutes above 0", _is_number(minutes) and minutes > 0)
        _check("sample_size", multiple, "a number of at least 1", _is_number(multiple) and multiple >= 1)
        _check(
            "sampling_temperature",
            temperature,
            f"a number above 0 and at most {HIGHEST_TEMPERATURE:g}",
            _is_number(temperature) and 0 < temperature <= HIGHEST_TEMPERATURE,
        )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check(name: str, value: object, allowed: str, is_valid: bool) -> None:
    if not is_valid:
        raise ValueError(f"{name}={value!r}: must be {allowed}")
