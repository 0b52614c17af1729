"""Stand-ins for the generator and the progress, for tests that train nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pool.parameters import CyclePlan
from pool.protocols import EARLY_STOPPING, Epoch, Progress, Train, TrainingRecord

PIECE_ROWS = 10_000
NOISE_SHARE = 0.1  # of the values: each is exchanged for another row's value of that column
RECORD = TrainingRecord(
    epochs=(
        Epoch(number=1.0, training_loss=2.0, validation_loss=1.5),
        Epoch(number=2.0, training_loss=1.0, validation_loss=1.25),
    ),
    steps=1_200,
    ended_by=EARLY_STOPPING,
    seconds=3.0,
    device="none",
)

Sample = Callable[[pd.DataFrame, CyclePlan, Progress], Iterator[pd.DataFrame]]


@dataclass(frozen=True)
class _Trained:
    record: TrainingRecord
    frames: Iterator[pd.DataFrame]

    def sample(self) -> Iterator[pd.DataFrame]:
        return self.frames


def train_with(sample: Sample, record: TrainingRecord = RECORD) -> Train:
    """Return a `train` that trains nothing and samples with a function of the rows, the plan and the progress."""

    @contextmanager
    def train(rows, plan, progress, stop):
        yield _Trained(record, sample(rows, plan, progress))

    return train


def resampled(rows: pd.DataFrame, plan: CyclePlan, progress: Progress) -> Iterator[pd.DataFrame]:
    """Draw training rows with replacement and shuffle some values. The same seed gives the same rows."""
    rng = np.random.default_rng(plan.seed)
    with progress.task(f"{plan.label}: sampling", total=plan.rows, unit="row") as task:
        for start in range(0, plan.rows, PIECE_ROWS):
            size = min(PIECE_ROWS, plan.rows - start)
            drawn = rng.integers(len(rows), size=(size, rows.shape[1]))
            is_kept = rng.random(drawn.shape) >= NOISE_SHARE
            drawn = np.where(is_kept, drawn[:, :1], drawn)
            columns = [rows[name].take(drawn[:, n]).reset_index(drop=True) for n, name in enumerate(rows)]
            task.advance(size)
            yield pd.concat(columns, axis=1)


resample = train_with(resampled)


class Recorder:
    """A progress that remembers its log lines, the notes of all tasks, and the last count of each task."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []
        self.completed: dict[str, float] = {}

    def log(self, text: str) -> None:
        self.lines.append(text)

    @contextmanager
    def task(self, label: str, *, total: float | None = None, unit: str = "step") -> Iterator["_RecordedTask"]:
        self.completed[label] = 0
        yield _RecordedTask(self, label)


class _RecordedTask:
    def __init__(self, recorder: Recorder, label: str) -> None:
        self._recorder, self._label = recorder, label

    def advance(self, steps: float = 1, *, note: str | None = None) -> None:
        self._recorder.completed[self._label] += steps
        self._recorder.notes += [note] * (note is not None)

    def update(self, completed: float, *, note: str | None = None) -> None:
        self._recorder.completed[self._label] = completed
        self._recorder.notes += [note] * (note is not None)
