"""What the steps of the selection share: their names, their common inputs, and what they have reached so far."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from postprocess.runtime.random_streams import random_stream
from postprocess.runtime.stages import Journal
from postprocess.runtime.threads import Workers
from postprocess.selection.parameters import SelectionParameters
from postprocess.tables.accuracy import Accuracy
from postprocess.tables.layout import Layout


class Step(StrEnum):
    """The names of the steps, in order: of their stages in the summary and of their random streams."""

    TARGETS = "targets"
    PRIVACY_FILTER = "privacy filter"
    IPF = "ipf"
    ROUNDING = "oversized subset"
    TRIMMING = "trimming"
    REFINEMENT = "refinement"
    COMPARING = "comparing"


@dataclass(frozen=True)
class Context:
    """The inputs that all steps share. No step changes them.

    training, pool: (n_columns, n_rows) uint8 codes, their columns in the order of the layout. training_weights:
    (n_rows,) as in `Codes`. fixed_columns: places of the columns whose counts have to be the targets exactly.
    """

    training: np.ndarray
    training_weights: np.ndarray | None
    pool: np.ndarray
    layout: Layout
    parameters: SelectionParameters
    workers: Workers
    journal: Journal
    fixed_columns: tuple[int, ...] = ()

    @property
    def n(self) -> int:
        """The number of rows to select."""
        return self.parameters.rows or self.training.shape[1]

    @property
    def targets_are_training(self) -> bool:
        """Whether the targets are the training data's own tables, and all of them."""
        return self.layout.complete and self.parameters.target_smoothing == 0

    def codes(self, rows: np.ndarray) -> np.ndarray:
        """Return the codes of these pool rows, C-contiguous; the pool itself if these are all its rows."""
        return self.pool if len(rows) == self.pool.shape[1] else self.pool.take(rows, axis=1)

    def rng(self, step: Step) -> np.random.Generator:
        """Return the random stream of a step."""
        return random_stream(self.parameters.seed, step)


Curve = Sequence[tuple[float, float]]  # (seconds, overall accuracy)


class Course:
    """When the steps ended, in seconds since the selection began, and the rounds of refinement with their accuracy."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.rounds: Curve = ()
        self._started = time.monotonic()

    def ended(self, step: str, rounds: Curve = ()) -> None:
        """Record that a step has ended; rounds: their seconds count from the end of the step before."""
        before = max(self.seconds.values(), default=0.0)
        self.seconds[step] = time.monotonic() - self._started
        self.rounds = [(before + seconds, overall) for seconds, overall in rounds]

    def curve(self, accuracy: Mapping[str, Accuracy]) -> tuple[tuple[float, float], ...]:
        """Return (seconds, overall accuracy) after each step, and after each round, in order."""
        steps = [(seconds, accuracy[step].overall) for step, seconds in self.seconds.items()]
        return (*steps[:-1], *self.rounds, steps[-1])
