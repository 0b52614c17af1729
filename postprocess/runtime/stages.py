"""The stages of a run: how long each took and how it ended, the warnings, and the time limit of a step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from postprocess.runtime.progress import Progress


@dataclass
class Stage:
    """One stage: its wall-clock seconds, the rows that it made or compared, and how it ended.

    ended: the time of its end by time.monotonic.
    """

    name: str
    seconds: float = 0.0
    rows: int = 0
    status: dict[str, object] = field(default_factory=dict)
    ended: float = field(default=0.0, compare=False)


class Journal:
    """A record of a run: its finished stages, in order, and its warnings, each of which is logged at once."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.stages: list[Stage] = []
        self.warnings: list[str] = []
        self._started = time.monotonic()

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Time the block. The block may set the rows and the status of the stage."""
        stage, started = Stage(name), time.monotonic()
        yield stage
        stage.ended = time.monotonic()
        stage.seconds = stage.ended - started
        self.stages.append(stage)

    def warn(self, *texts: str) -> None:
        """Record and log warnings."""
        for text in texts:
            self.warnings.append(text)
            self.progress.log(f"warning: {text}")

    def seconds(self) -> float:
        """Return the seconds since the journal was opened."""
        return time.monotonic() - self._started


@dataclass(frozen=True)
class Deadline:
    """A time limit, in minutes from its creation. Long steps ask for it between two pieces of work."""

    minutes: float
    started: float = field(default_factory=time.monotonic)

    def passed(self) -> bool:
        """Return whether the time is up."""
        return time.monotonic() - self.started >= 60.0 * self.minutes
