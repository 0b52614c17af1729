"""Runs cycles on the machines of a Dask scheduler. Their progress comes back by way of files that all machines see."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pool.cycle import FinishedCycle, run_cycle_in_little_memory
from pool.cycle_writer import TrainingRows
from pool.errors import PoolError
from pool.parameters import CyclePlan
from pool.protocols import Progress, Task, Train

FAILURES = (PoolError, OSError)  # of one cycle; they say nothing about the other cycles
STATUS_SECONDS = 30.0  # a running task writes a line at most this often
POLL_SECONDS = 2.0  # between two looks at the files
MINUTE = 60.0


def run_on_dask(
    cycles: Sequence[tuple[CyclePlan, Path]], training: TrainingRows, train: Train, progress: Progress
) -> Iterator[FinishedCycle]:
    """Yield each cycle when it is finished; arguments as for `pool.parallel.run_cycles`.

    Raises PoolError if a cycle or Dask fails. All other cycles are finished and yielded first.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise PoolError("cycle_backend='dask': the package distributed is missing; install it") from error
    failures = list[Exception]()
    logs = [_log_of(part) for _, part in cycles]
    with (
        _failures_of_dask(),
        Client() as client,
        relayed(logs, progress),
        progress.task("cycles with Dask", total=len(cycles), unit="cycle") as task,
    ):
        shared = client.scatter(training, hash=False)
        futures = [client.submit(_run_elsewhere, *cycle, shared, train, pure=False, retries=0) for cycle in cycles]
        for future in as_completed(futures):
            outcome = future.result()
            task.advance()
            if isinstance(outcome, FAILURES):
                failures.append(outcome)
                progress.log(f"warning: {outcome}")
            else:
                _require_here(outcome, cycles)
                yield outcome
    if failures:
        raise failures[0]


def _run_elsewhere(
    plan: CyclePlan, part: Path, training: TrainingRows, train: Train
) -> FinishedCycle | PoolError | OSError:
    """Run a cycle in a process of Dask. A failure is returned, so that it does not end the other cycles."""
    try:
        progress = FileProgress(_log_of(part))
        return run_cycle_in_little_memory(plan, part, training, train, progress, threading.Event())
    except FAILURES as error:
        return error


def _log_of(part: Path) -> Path:
    return part.with_suffix(".log")


def _require_here(cycle: FinishedCycle, cycles: Sequence[tuple[CyclePlan, Path]]) -> None:
    part = next(part for plan, part in cycles if plan.number == cycle.record.number)
    if not part.exists():
        raise PoolError(f"{part}: written on another machine and not visible here; all machines must share the folder")


@contextmanager
def _failures_of_dask() -> Iterator[None]:
    try:
        yield
    except (PoolError, OSError, GeneratorExit):
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PoolError(f"cycle_backend='dask': {reason}") from error


class FileProgress:
    """A progress that writes its lines to a file. A running task writes now and then how far it is."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self.clock = path, clock

    def log(self, text: str) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(" ".join(text.split()) + "\n")

    @contextmanager
    def task(self, label: str, *, total: float | None = None, unit: str = "step") -> Iterator[Task]:
        yield _FileTask(self, label, total)


class _FileTask:
    def __init__(self, progress: FileProgress, label: str, total: float | None) -> None:
        self._progress, self._label, self._total = progress, label, total
        self._completed, self._started = 0.0, progress.clock()
        self._due = self._started + STATUS_SECONDS

    def advance(self, steps: float = 1, *, note: str | None = None) -> None:
        self.update(self._completed + steps, note=note)

    def update(self, completed: float, *, note: str | None = None) -> None:
        self._completed, now = completed, self._progress.clock()
        if self._total and completed and now >= self._due:
            self._due = now + STATUS_SECONDS
            minutes = (now - self._started) * (self._total - completed) / completed / MINUTE
            self._progress.log(f"{self._label}: {100 * completed / self._total:.0f} %, {minutes:.0f} min left")


@contextmanager
def relayed(paths: Sequence[Path], progress: Progress) -> Iterator[None]:
    """Log each line that is added to one of the files while the block runs; then remove the files."""
    ended, told = threading.Event(), dict.fromkeys(paths, 0)

    def relay_new_lines() -> None:
        for path in paths:
            with suppress(OSError):
                lines = path.read_text(encoding="utf-8").split("\n")[:-1]
                for line in lines[told[path] :]:
                    progress.log(line)
                told[path] = len(lines)

    def follow() -> None:
        while not ended.wait(POLL_SECONDS):
            relay_new_lines()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        relay_new_lines()
        for path in paths:
            path.unlink(missing_ok=True)
