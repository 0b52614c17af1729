"""What the pool needs from its surroundings: a place to report progress, and a generator to train and to sample."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from threading import Event
from typing import Protocol

import pandas as pd

from pool.errors import StoppedError
from pool.parameters import CyclePlan

EARLY_STOPPING, EPOCHS, TIME = "early stopping", "max_epochs", "max_training_time"


class Task(Protocol):
    """One running piece of work."""

    def advance(self, steps: float = 1, *, note: str | None = None) -> None: ...

    def update(self, completed: float, *, note: str | None = None) -> None: ...


class Progress(Protocol):
    """The place where work reports how far it is. It may be used by several threads."""

    def task(self, label: str, *, total: float | None = None, unit: str = "step") -> AbstractContextManager[Task]: ...

    def log(self, text: str) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """The mean losses of one epoch, or of the part of an epoch that a time limit has left."""

    number: float
    training_loss: float | None
    validation_loss: float | None


@dataclass(frozen=True, kw_only=True)
class TrainingRecord:
    """How a training went.

    ended_by: EARLY_STOPPING, EPOCHS or TIME; None if the generator does not say.
    gpu_memory_bytes: the most GPU memory that the training held; None without a GPU.
    """

    epochs: tuple[Epoch, ...] = ()
    steps: int = 0
    ended_by: str | None = None
    seconds: float = 0.0
    device: str | None = None
    gpu_memory_bytes: int | None = None

    @property
    def epochs_done(self) -> float:
        return max((epoch.number for epoch in self.epochs), default=0.0)

    @property
    def validation_losses(self) -> list[float]:
        return [epoch.validation_loss for epoch in self.epochs if epoch.validation_loss is not None]

    @property
    def was_still_improving(self) -> bool:
        """Whether a limit ended the training in an epoch that had the lowest validation loss so far."""
        losses = self.validation_losses
        return self.ended_by in (EPOCHS, TIME) and (not losses or losses[-1] == min(losses))


class TrainedGenerator(Protocol):
    """A generator after its training."""

    @property
    def record(self) -> TrainingRecord: ...

    def sample(self) -> Iterator[pd.DataFrame]:
        """Yield frames of `plan.rows` rows in all, with the columns and dtypes of the training data."""
        ...


# A function `train(rows, plan, progress, stop)` that trains a fresh generator on the frame `rows`. It returns a context
# that yields the TrainedGenerator; leaving the context releases all that the generator holds. The same rows, seed and
# settings give the same sample. Entering and sampling raise OutOfMemoryError if memory runs out, StoppedError soon
# after `stop` is set, and PoolError for any other failure.
Train = Callable[[pd.DataFrame, CyclePlan, Progress, Event], AbstractContextManager[TrainedGenerator]]


def check_stop(stop: Event) -> None:
    """Raise StoppedError if the event is set."""
    if stop.is_set():
        raise StoppedError
