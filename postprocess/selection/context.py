"""What the steps of the selection share: their names, their common inputs, and the accuracies that they reach."""

import time
from collections.abc import Sequence
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
    MEASURING = "measuring"
    TRIMMING = "trimming"
    REFINEMENT = "refinement"


@dataclass(frozen=True)
class Context:
    """The inputs that all steps share. No step changes them.

    training, pool: (n_columns, n_rows) uint8 codes, their columns in the order of the layout.
    """

    training: np.ndarray
    pool: np.ndarray
    layout: Layout
    parameters: SelectionParameters
    workers: Workers
    journal: Journal

    @property
    def n(self) -> int:
        """The number of rows to select."""
        return self.training.shape[1]

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
    """The accuracies that the steps have reached, with the seconds since the selection began."""

    def __init__(self, journal: Journal) -> None:
        self.accuracy: dict[str, Accuracy] = {}
        self.curve: list[tuple[float, float]] = []
        self._journal, self._started = journal, time.monotonic()

    def seconds(self) -> float:
        """Return the seconds since the selection began."""
        return time.monotonic() - self._started

    def reached(self, key: str, what: str, accuracy: Accuracy) -> None:
        """Record and log the accuracy of a step's rows."""
        self.accuracy[key] = accuracy
        self.curve.append((self.seconds(), accuracy.overall))
        self._journal.progress.log(f"accuracy of {what}: {accuracy}")

    def add_rounds(self, began: float, rounds: Curve) -> None:
        """Record the accuracies of rounds, whose seconds count from `began`."""
        self.curve += [(began + seconds, overall) for seconds, overall in rounds]
