"""Stand-ins for the generator and the progress, for tests that train nothing."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd

from pool.manifest import TrainingFacts
from pool.parameters import CycleSettings
from pool.protocols import Progress, Tell

PIECE_ROWS = 10_000
NOISE_SHARE = 0.1  # of the cells, each exchanged for another row's value of that column


def resample(
    training: pd.DataFrame,
    *,
    rows: int,
    settings: CycleSettings,
    seed: int,
    label: str,
    progress: Progress,
    tell: Tell,
) -> Generator[pd.DataFrame, None, None]:
    """A generator that draws training rows with replacement and shuffles some cells; the same seed, the same rows."""
    rng = np.random.default_rng(seed)
    with progress.task(f"{label}: sampling", total=rows, unit="row") as task:
        for start in range(0, rows, PIECE_ROWS):
            size = min(PIECE_ROWS, rows - start)
            drawn = rng.integers(len(training), size=(size, training.shape[1]))
            is_kept = rng.random(drawn.shape) >= NOISE_SHARE
            drawn = np.where(is_kept, drawn[:, :1], drawn)
            columns = [training[name].take(drawn[:, n]).reset_index(drop=True) for n, name in enumerate(training)]
            task.advance(size)
            yield pd.concat(columns, axis=1)
    tell(TrainingFacts(epochs=3.0, validation_loss=1.25, device="none", gpu_memory_bytes=None))


class Recorder:
    """A progress that remembers its log lines and the last count of each task."""

    def __init__(self) -> None:
        self.lines: list[str] = []
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

    def update(self, completed: float, *, note: str | None = None) -> None:
        self._recorder.completed[self._label] = completed
