"""Where cycles run: one after the other here, or at once on what a parallel backend of joblib reaches."""

import warnings
from collections import abc
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from joblib import Parallel, delayed, effective_n_jobs, parallel_config

from pool.cycle import FinishedCycle, run_cycle
from pool.errors import PoolError
from pool.plan import CyclePlan
from pool.protocols import Generator, Progress
from pool.relay import Sender, followed
from pool.rows import TrainingRows

DASK = "dask"
FAILURES = (PoolError, OSError)  # of one cycle, that says nothing of the others


def run_cycles(
    cycles: Sequence[tuple[CyclePlan, Path]],
    training: TrainingRows,
    generator: Generator,
    *,
    backend: str | None,
    progress: Progress,
) -> abc.Generator[FinishedCycle, None, None]:
    """Yield each cycle as it is finished, whatever its number; `cycles` come with the file that each is to write.

    backend: None, or the name of a backend of joblib. "dask" takes the scheduler at DASK_SCHEDULER_ADDRESS, or starts
    one of this machine's own. All processes must see the files under the same paths, and have this project installed.

    Raises PoolError when a cycle fails or the backend does: with a parallel one, after the other cycles' ends.
    """
    if backend is None:
        for plan, part in cycles:
            yield run_cycle(plan, part, training, generator, progress)
    else:
        yield from _run_at_once(cycles, training, generator, backend, progress)


def _run_at_once(
    cycles: Sequence[tuple[CyclePlan, Path]],
    training: TrainingRows,
    generator: Generator,
    backend: str,
    progress: Progress,
) -> Iterator[FinishedCycle]:
    failures = []
    logs = [_log_of(part) for _, part in cycles]
    with progress.task(f"cycles with {backend}", total=len(cycles), unit="cycle") as task, followed(logs, progress):
        for outcome in _outcomes(cycles, training, generator, backend):
            task.advance()
            if isinstance(outcome, FAILURES):
                failures.append(outcome)
                progress.log(f"warning: {outcome}")
            else:
                _check_is_here(outcome, cycles)
                yield outcome
    if failures:
        raise failures[0]


def _outcomes(
    cycles: Sequence[tuple[CyclePlan, Path]], training: TrainingRows, generator: Generator, backend: str
) -> Iterator[FinishedCycle | PoolError | OSError]:
    with _failures_of(backend), warnings.catch_warnings(), _cluster(backend), parallel_config(backend, n_jobs=-1):
        warnings.filterwarnings("ignore", ".*tasks .* were still being processed", UserWarning)  # when stopped early
        parallel = Parallel(
            n_jobs=min(len(cycles), effective_n_jobs()),
            return_as="generator_unordered",
            pre_dispatch="all",
            max_nbytes=None,  # or else large arrays, of training data too, go through files
        )
        yield from parallel(delayed(_run_elsewhere)(plan, part, training, generator) for plan, part in cycles)


def _run_elsewhere(
    plan: CyclePlan, part: Path, training: TrainingRows, generator: Generator
) -> FinishedCycle | PoolError | OSError:
    """What a process of the backend does; a failure is returned, so that it does not end the other cycles."""
    try:
        return run_cycle(plan, part, training, generator, Sender(_log_of(part)))
    except FAILURES as error:
        return error


def _log_of(part: Path) -> Path:
    return part.with_suffix(".log")


def _check_is_here(cycle: FinishedCycle, cycles: Sequence[tuple[CyclePlan, Path]]) -> None:
    part = next(part for plan, part in cycles if plan.number == cycle.record.number)
    if not part.exists():
        raise PoolError(f"{part}: written elsewhere and not to be seen here; all machines must share the folder")


def _cluster(backend: str) -> AbstractContextManager[object]:
    if backend != DASK:
        return nullcontext()
    try:
        from distributed import Client
    except ImportError as error:
        raise PoolError("cycle_backend='dask': the package distributed is missing; install it") from error
    return Client()


@contextmanager
def _failures_of(backend: str) -> Iterator[None]:
    try:
        yield
    except (PoolError, OSError, GeneratorExit):
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PoolError(f"cycle_backend={backend!r}: {reason}") from error
