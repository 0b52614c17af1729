"""The parameters of the pool, and the plan of the cycles that follows from them and the number of training rows."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any, TypeGuard

import numpy as np

from pool.errors import ParameterError

MODEL_NAMES = ("MOSTLY_AI/Small", "MOSTLY_AI/Medium", "MOSTLY_AI/Large")
MAX_TEMPERATURE = 2.0  # the generator refuses more
ALL_ROWS, BOOTSTRAP = "all", "bootstrap"
AT_ONCE, DASK = "auto", "dask"
BACKENDS = (AT_ONCE, DASK)

# An automatic batch is the largest power of two between these bounds that gives MIN_STEPS_PER_EPOCH. Batches of 32 rows
# trained worse than batches of 64, even on 4,000 rows.
MIN_STEPS_PER_EPOCH = 64
MIN_BATCH_SIZE, MAX_BATCH_SIZE = 64, 1024

Names = str | tuple[str, ...]
Integers = int | tuple[int, ...]
BatchSizes = int | None | tuple[int | None, ...]
Numbers = float | tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class CycleSettings:
    """How one cycle is trained and sampled. In the plan of a cycle, the batch size is a number."""

    model_name: str
    max_epochs: int
    max_training_time: float
    batch_size: int | None
    sampling_temperature: float
    training_rows: str


@dataclass(frozen=True, kw_only=True)
class CyclePlan:
    """One cycle: how it is trained, from which seed (0 to 2^32 - 1), and how many rows it samples."""

    number: int  # from 1
    n_cycles: int
    rows: int
    seed: int
    settings: CycleSettings

    @property
    def label(self) -> str:
        return f"cycle {self.number} of {self.n_cycles}"

    @property
    def batch_size(self) -> int:
        assert self.settings.batch_size is not None, "plan_cycles has chosen one"
        return self.settings.batch_size

    def with_batch_size(self, batch_size: int) -> "CyclePlan":
        return replace(self, settings=replace(self.settings, batch_size=batch_size))


@dataclass(frozen=True, kw_only=True)
class PoolParameters:
    """How the pool is trained and sampled. The rows of the pool depend only on these and on the training data.

    main.py says what each parameter does. Each parameter of CycleSettings takes one value, or a list or tuple with one
    value for each cycle. The last value of a list repeats.

    Raises ValueError if a value is not allowed. Its message is one line with the parameter, its value and the rule.
    """

    train_iterations: int
    model_name: Names
    max_epochs: Integers
    max_training_time: Numbers
    batch_size: BatchSizes
    sample_size: float
    sampling_temperature: Numbers
    training_rows: Names
    cycle_backend: str | None
    seed: int

    def __post_init__(self) -> None:
        for field in fields(CycleSettings):
            value = getattr(self, field.name)
            if isinstance(value, list):
                object.__setattr__(self, field.name, tuple(value))
        for name, minimum in (("train_iterations", 1), ("seed", 0)):
            self._check(name, f"a whole number of at least {minimum}", partial(_is_integer, minimum=minimum))
        self._check("sample_size", "a number of at least 1", lambda value: _is_number(value) and value >= 1)
        self._check(
            "cycle_backend", f"None or one of {', '.join(BACKENDS)}", lambda value: value is None or value in BACKENDS
        )
        self._check_each("max_epochs", "a whole number of at least 1", partial(_is_integer, minimum=1))
        self._check_each(
            "batch_size",
            "None or a whole number of at least 1",
            lambda value: value is None or _is_integer(value, minimum=1),
        )
        for name, allowed in (("model_name", MODEL_NAMES), ("training_rows", (ALL_ROWS, BOOTSTRAP))):
            self._check_each(name, f"one of {', '.join(allowed)}", allowed.__contains__)
        self._check_each(
            "max_training_time", "a number of minutes above 0", lambda value: _is_number(value) and value > 0
        )
        self._check_each(
            "sampling_temperature",
            f"a number above 0 and at most {MAX_TEMPERATURE:g}",
            lambda value: _is_number(value) and 0 < value <= MAX_TEMPERATURE,
        )

    def of_cycle(self, number: int) -> CycleSettings:
        """Return the settings of a cycle. The first cycle has the number 1."""
        entries = {field.name: _entries(getattr(self, field.name)) for field in fields(CycleSettings)}
        return CycleSettings(**{name: values[min(number, len(values)) - 1] for name, values in entries.items()})

    def for_one_cycle(self, **changes: object) -> "PoolParameters":
        """Return the parameters of a pool of one cycle: the first one of these, with some values replaced."""
        return replace(self, train_iterations=1, **(asdict(self.of_cycle(1)) | changes))

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


def _is_integer(value: object, minimum: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= minimum


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def plan_cycles(parameters: PoolParameters, *, training_rows: int) -> tuple[CyclePlan, ...]:
    """Return the plan of each cycle, in order. The rows are shared as evenly as possible, the larger shares first.

    Raises ParameterError if there are fewer rows to sample than cycles.
    """
    rows, cycles = round(parameters.sample_size * training_rows), parameters.train_iterations
    if rows < cycles:
        raise ParameterError(f"train_iterations={cycles}: must be at most the number of rows to sample, here {rows}")
    plans = [
        CyclePlan(
            number=number,
            n_cycles=cycles,
            rows=rows // cycles + (number <= rows % cycles),
            seed=int(np.random.SeedSequence([parameters.seed, number]).generate_state(1)[0]),
            settings=parameters.of_cycle(number),
        )
        for number in range(1, cycles + 1)
    ]
    automatic = automatic_batch_size(training_rows)
    return tuple(plan.with_batch_size(plan.settings.batch_size or automatic) for plan in plans)


def automatic_batch_size(training_rows: int) -> int:
    """Return the largest power of two that gives MIN_STEPS_PER_EPOCH, within MIN_BATCH_SIZE and MAX_BATCH_SIZE."""
    largest = max(1, training_rows // MIN_STEPS_PER_EPOCH)
    return min(MAX_BATCH_SIZE, max(MIN_BATCH_SIZE, 1 << (largest.bit_length() - 1)))
