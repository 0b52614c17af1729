"""What the pool asks of what it is handed: somewhere to tell its progress, and a generator of rows."""

from collections import abc
from contextlib import AbstractContextManager
from typing import Protocol

import pandas as pd

from pool.manifest import TrainingFacts
from pool.parameters import CycleSettings

Tell = abc.Callable[[TrainingFacts], None]


class Task(Protocol):
    """One running piece of work."""

    def advance(self, steps: float = 1, *, note: str | None = None) -> None: ...

    def update(self, completed: float, *, note: str | None = None) -> None: ...


class Progress(Protocol):
    """Where the work tells how far it is."""

    def task(self, label: str, *, total: float | None = None, unit: str = "step") -> AbstractContextManager[Task]: ...

    def log(self, text: str) -> None: ...


class Generator(Protocol):
    """Trains on rows and yields synthetic ones; the same training, settings and seed give the same rows."""

    def __call__(
        self,
        training: pd.DataFrame,
        *,
        rows: int,
        settings: CycleSettings,
        seed: int,
        label: str,
        progress: Progress,
        tell: Tell,
    ) -> abc.Generator[pd.DataFrame, None, None]:
        """Yield frames of `rows` rows in all, with the columns and dtypes of `training`.

        Everything it holds is released at the end, and when it is closed.
        seed: 0 to 2^32 - 1. label: names this training in the log. tell: may be called, once all rows are there, with
        what is known of the training. Raises OutOfMemoryError when memory runs out in training, else PoolError.
        """
        ...
