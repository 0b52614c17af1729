"""Runs cycles on the machines of a Dask scheduler. Their log lines come back as Dask events."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from pool.cycle import FAILURES, FinishedCycle, run_cycle_in_little_memory
from pool.cycle_writer import TrainingRows
from pool.errors import PoolError, one_line
from pool.parameters import CyclePlan
from pool.protocols import Progress, Task, Train

STATUS_SECONDS = 30.0  # a running task sends a line at most this often
MINUTE = 60.0


def run_on_dask(
    cycles: Sequence[tuple[CyclePlan, Path]], training: TrainingRows, train: Train, progress: Progress
) -> Iterator[FinishedCycle]:
    """Yield each cycle when it is finished. The arguments are those of `pool.parallel.run_cycles`.

    Raises PoolError if a cycle or Dask fails. All other cycles are finished and yielded first.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise PoolError("cycle_backend='dask': the package distributed is missing; install it") from error
    failures, topic = list[Exception](), f"pool-{uuid4().hex}"
    with (
        _failures_of_dask(),
        Client() as client,
        progress.task("cycles with Dask", total=len(cycles), unit="cycle") as task,
    ):
        client.subscribe_topic(topic, lambda event: progress.log(event[1]))  # (time, line)
        shared = client.scatter(training, hash=False)
        futures = [client.submit(_run_elsewhere, *cycle, shared, train, topic, pure=False) for cycle in cycles]
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
    plan: CyclePlan, part: Path, training: TrainingRows, train: Train, topic: str
) -> FinishedCycle | PoolError | OSError:
    """Run a cycle in a process of Dask. A failure is returned, so that it does not end the other cycles."""
    from distributed import get_worker

    worker = get_worker()
    progress = SentProgress(lambda line: worker.log_event(topic, line))
    try:
        return run_cycle_in_little_memory(plan, part, training, train, progress, threading.Event())
    except FAILURES as error:
        return error


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
        raise PoolError(f"cycle_backend='dask': {one_line(error)}") from error


class SentProgress:
    """A progress that sends its log lines. A running task regularly sends how far it is."""

    def __init__(self, send: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.log, self.clock = send, clock

    @contextmanager
    def task(self, label: str, *, total: float | None = None, unit: str = "step") -> Iterator[Task]:
        yield _SentTask(self, label, total)


class _SentTask:
    def __init__(self, progress: SentProgress, label: str, total: float | None) -> None:
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
