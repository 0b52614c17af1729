"""The pool: cycle after cycle, a fresh generator is trained and its rows are added to one CSV."""

import errno
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import pandas as pd

from pool.backend import run_cycles
from pool.errors import PoolError
from pool.generator import train_and_sample
from pool.manifest import CycleRecord, Manifest
from pool.parameters import PoolParameters
from pool.plan import plan_cycles
from pool.protocols import Generator, Progress
from pool.resume import open_pool
from pool.rows import ToText, TrainingRows
from pool.store import PoolFile, PoolResult

Score = Callable[[pd.DataFrame], float]
Ready = Callable[[int, int], None]

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def build_pool(
    training: pd.DataFrame,
    parameters: PoolParameters,
    *,
    folder: Path,
    progress: Progress,
    to_text: ToText | None = None,
    score: Score | None = None,
    ready: Ready | None = None,
    generator: Generator = train_and_sample,
    clock: Callable[[], datetime] = datetime.now,
    training_sha256: str | None = None,
) -> PoolResult:
    """Train and sample cycle after cycle into `folder`/flat_pool_YYYYMMDD_HHMM.csv; no file is ever overwritten.

    training: typed columns, missing values as NaN, None or NA; at least one row.
    to_text: turns sampled rows into what the CSV shows, text or None for each cell; else pandas decides.
    score: overall accuracy, 0 to 1, of as many sampled rows as `training` has (typed as those); logged for each cycle.
    ready: told the rows of the whole pool, and for how many the disk needs room at once (those that are missing, and
        those of the largest missing cycle, which stand there twice); what it raises ends the run before any training.
    generator: what is trained, see `pool.protocols.Generator`.
    training_sha256: of the training file. A pool of the same data and parameters that an earlier run has left in
        `folder` is gone on with, or used as it is where it is complete; None: a new pool is built in any case.

    Each cycle has a seed of its own, derived from parameters.seed and its number. Beside the CSV, ..._manifest.json
    says what each of its bytes comes from; both are brought up to date after every cycle.

    Raises ParameterError when there are fewer rows to sample than cycles, PoolError when a cycle fails or the disk is
    full. Then, as on Ctrl-C, the finished cycles stay and the others leave nothing.
    """
    wanted = Manifest.of(parameters, plan_cycles(parameters, training_rows=len(training)), training_sha256)
    folder.mkdir(parents=True, exist_ok=True)
    with open_pool(folder, wanted, time=clock(), progress=progress) as pool, _explained(pool, progress):
        pool.add_waiting()
        cycles = [(plan, pool.new_part(plan)) for plan in pool.missing()]
        if cycles:
            if ready is not None:
                missing = [plan.rows for plan, _ in cycles]
                ready(sum(plan.rows for plan in wanted.plan), sum(missing) + max(missing))
            rows = TrainingRows.of(training, to_text=to_text)
            finished = run_cycles(cycles, rows, generator, backend=parameters.cycle_backend, progress=progress)
            with closing(finished):
                for cycle in finished:
                    pool.keep(cycle.record)
                    record = pool.manifest.cycles[cycle.record.number]
                    if score is not None:
                        record = pool.score(record.number, float(score(cycle.first_rows)))
                    progress.log(f"cycle {record.number} of {len(wanted.plan)}: {_describe(record)}")
        return pool.result()


@contextmanager
def _explained(pool: PoolFile, progress: Progress) -> Iterator[None]:
    """Says what is left where building ends early."""
    try:
        yield
    except BaseException as error:
        finished, folder = len(pool.manifest.cycles), pool.path.parent
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise PoolError(
                f"{folder}: no space left on the device; finished cycles kept there: {finished}; make room, then the "
                "same command goes on"
            ) from error
        if finished:
            progress.log(f"finished cycles kept in {folder}: {finished}; the same command goes on from there")
        raise


def _describe(cycle: CycleRecord) -> str:
    parts = [f"{cycle.rows:,} rows in {cycle.seconds:,.0f} s"]
    if cycle.accuracy is not None:
        parts.append(f"overall accuracy {cycle.accuracy:.4f}")
    if cycle.training.gpu_memory_bytes is not None:
        parts.append(f"at most {cycle.training.gpu_memory_bytes / 2**30:.1f} GiB in use on the GPU")
    blanked, unfilled = cycle.contradictions.blanked, cycle.contradictions.unfilled
    if blanked or unfilled:
        parts.append(
            f"{blanked:,} cells blanked that their indicator calls missing, {unfilled:,} left missing that it does not"
        )
    if cycle.rare_cells:
        parts.append(f"{cycle.rare_cells:,} cells _RARE_ (a category too rare to be shown)")
    if cycle.training_copies:
        parts.append(f"{cycle.training_copies:,} rows equal to a training row")
    return ", ".join(parts)
