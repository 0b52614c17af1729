"""What the pool is built with, checked as a whole before anything is trained."""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, TypeGuard

MODEL_NAMES = ("MOSTLY_AI/Small", "MOSTLY_AI/Medium", "MOSTLY_AI/Large")
HIGHEST_TEMPERATURE = 2.0  # the generator takes no more
ALL_ROWS, BOOTSTRAP = "all", "bootstrap"
BACKENDS = ("loky", "threading", "dask")  # of joblib

Names = str | tuple[str, ...]
Whole = int | tuple[int, ...]
Number = float | tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class CycleSettings:
    """How one cycle is trained and sampled."""

    model_name: str
    max_epochs: int
    max_training_time: float
    batch_size: int
    sampling_temperature: float
    training_rows: str


@dataclass(frozen=True, kw_only=True)
class PoolParameters:
    """How the pool is trained and sampled; the result of a run depends on nothing else but the training data.

    Those of CycleSettings take one value, or a list or tuple with one for each cycle, the last one repeating.

    train_iterations: cycles, each one a fresh generator.
    model_name: size of the generator, one of MODEL_NAMES.
    max_epochs: most passes over the training rows in a cycle; training stops earlier once it no longer improves.
    max_training_time: most minutes that a cycle trains.
    batch_size: rows in a training step; halved once where memory runs out.
    sample_size: rows of the whole pool, as a multiple of the training rows.
    sampling_temperature: above 1 the rows are more varied than the generator believes, below 1 less.
    training_rows: what a cycle is trained on: "all" training rows, or a "bootstrap": as many, drawn with replacement.
    cycle_backend: None: one cycle after the other; else the parallel backend of joblib, one of BACKENDS, that runs them
        at once.
    seed: where all randomness starts.

    Raises ValueError, in one line that names the parameter, its value and what is allowed.
    """

    train_iterations: int = 2
    model_name: Names = "MOSTLY_AI/Large"
    max_epochs: Whole = 17
    max_training_time: Number = 60.0
    batch_size: Whole = 1024
    sample_size: float = 25.0
    sampling_temperature: Number = 1.05
    training_rows: Names = ALL_ROWS
    cycle_backend: str | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        for field in fields(CycleSettings):
            value = getattr(self, field.name)
            if isinstance(value, list):
                object.__setattr__(self, field.name, tuple(value))
        for name, least in (("train_iterations", 1), ("seed", 0)):
            self._check(name, f"a whole number of at least {least}", partial(_is_whole, least=least))
        self._check("sample_size", "a number of at least 1", lambda value: _is_number(value) and value >= 1)
        self._check(
            "cycle_backend",
            f"None or one of {', '.join(BACKENDS)}",
            lambda value: value is None or value in BACKENDS,
        )
        for name in ("max_epochs", "batch_size"):
            self._check_each(name, "a whole number of at least 1", partial(_is_whole, least=1))
        for name, allowed in (("model_name", MODEL_NAMES), ("training_rows", (ALL_ROWS, BOOTSTRAP))):
            self._check_each(name, f"one of {', '.join(allowed)}", allowed.__contains__)
        self._check_each(
            "max_training_time", "a number of minutes above 0", lambda value: _is_number(value) and value > 0
        )
        self._check_each(
            "sampling_temperature",
            f"a number above 0 and at most {HIGHEST_TEMPERATURE:g}",
            lambda value: _is_number(value) and 0 < value <= HIGHEST_TEMPERATURE,
        )

    def of_cycle(self, number: int) -> CycleSettings:
        """The settings of a cycle, the first one being number 1."""
        entries = {field.name: _entries(getattr(self, field.name)) for field in fields(CycleSettings)}
        return CycleSettings(**{name: values[min(number, len(values)) - 1] for name, values in entries.items()})

    def _check(self, name: str, allowed: str, is_valid: Callable[[object], bool]) -> None:
        value = getattr(self, name)
        if not is_valid(value):
            raise ValueError(f"{name}={value!r}: must be {allowed}")

    def _check_each(self, name: str, allowed: str, is_valid: Callable[[object], bool]) -> None:
        value = getattr(self, name)
        entries = _entries(value)
        shown = list(value) if isinstance(value, tuple) else value
        if not entries or not all(map(is_valid, entries)):
            raise ValueError(f"{name}={shown!r}: must be {allowed}, or a list of such, one for each cycle")
        if len(entries) > self.train_iterations:
            raise ValueError(
                f"{name}={shown!r}: must have no more entries than there are cycles, train_iterations="
                f"{self.train_iterations}"
            )


def _entries(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def _is_whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
