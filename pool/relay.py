"""The progress of cycles that run in other processes or on other machines, by way of files that both sides see."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pool.protocols import Progress, Task

STATUS_SECONDS = 30.0  # a task under way writes a line at most this often
LOOK_SECONDS = 2.0  # between looks at the files
MINUTE = 60.0


class Sender:
    """A progress that writes lines to a file; tasks write how far they are now and then."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self.clock = path, clock

    def log(self, text: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(" ".join(text.split()) + "\n")

    @contextmanager
    def task(self, label: str, *, total: float | None = None, unit: str = "step") -> Iterator[Task]:
        yield _SentTask(self, label, total)


class _SentTask:
    def __init__(self, sender: Sender, label: str, total: float | None) -> None:
        self._sender, self._label, self._total = sender, label, total
        self._completed, self._started = 0.0, sender.clock()
        self._due = self._started + STATUS_SECONDS

    def advance(self, steps: float = 1, *, note: str | None = None) -> None:
        self.update(self._completed + steps, note=note)

    def update(self, completed: float, *, note: str | None = None) -> None:
        self._completed, now = completed, self._sender.clock()
        if self._total and completed and now >= self._due:
            self._due = now + STATUS_SECONDS
            minutes = (now - self._started) * (self._total - completed) / completed / MINUTE
            self._sender.log(f"{self._label}: {100 * completed / self._total:.0f} %, {minutes:.0f} min left")


@contextmanager
def followed(paths: Sequence[Path], progress: Progress) -> Iterator[None]:
    """Log each line that is added to one of the files, as long as the block lasts; then the files go."""
    ended, told = threading.Event(), dict.fromkeys(paths, 0)

    def look() -> None:
        for path in paths:
            with suppress(OSError):
                lines = path.read_text(encoding="utf-8").split("\n")[:-1]
                for line in lines[told[path] :]:
                    progress.log(line)
                told[path] = len(lines)

    def follow() -> None:
        while not ended.wait(LOOK_SECONDS):
            look()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        look()
        for path in paths:
            path.unlink(missing_ok=True)
