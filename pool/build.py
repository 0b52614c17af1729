"""Builds the pool: cycle after cycle, a fresh generator is trained and its rows are added to one CSV."""

import errno
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pandas as pd

from pool.cycle_writer import Repair, ToText, TrainingRows
from pool.errors import PoolError
from pool.generator.train import train as train_with_mostlyai
from pool.parallel import run_cycles
from pool.parameters import MIN_BATCH_SIZE, PoolParameters, plan_cycles
from pool.protocols import EARLY_STOPPING, Progress, Train
from pool.storage.manifest import CycleRecord, Manifest
from pool.storage.pool_file import PoolFile, PoolResult
from pool.storage.resume import open_pool

Score = Callable[[pd.DataFrame], float]
BeforeTraining = Callable[[int, int], None]

NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
MIN_STEPS = 1_000  # a training of fewer steps gets a warning
MEMORY_BYTES = 0  # if the free memory is unknown, one cycle runs at a time


def build_pool(
    training: pd.DataFrame,
    parameters: PoolParameters,
    *,
    folder: Path,
    progress: Progress,
    suffix: str = "",
    to_text: ToText | None = None,
    repair: Repair | None = None,
    score: Score | None = None,
    before_training: BeforeTraining | None = None,
    memory_bytes: int = MEMORY_BYTES,
    train: Train = train_with_mostlyai,
    clock: Callable[[], datetime] = datetime.now,
    training_sha256: str | None = None,
    treatment: Sequence[str] = (),
) -> PoolResult:
    """Train and sample cycle after cycle into flat_pool_YYYYMMDD_HHMM{suffix}.csv. No file is ever overwritten.

    training: typed columns with NaN, None or NA for missing values; at least one row.
    to_text: turns sampled rows into the text of the CSV, with None for a missing value. None: pandas decides.
    repair: makes sampled rows keep rules; returns them and how many broke each rule, by its text.
    score: returns the overall accuracy, 0 to 1, of the first len(training) rows of a cycle. The log shows it.
    before_training: called with the number of rows of the whole pool and the number of rows that are still to be
        written: those of the missing cycles, and those of the whole pool when the cycles are joined. If it raises,
        nothing is trained.
    memory_bytes: free memory of this machine; it decides how many cycles run at once.
    train: trains a generator, see `pool.protocols.Train`.
    training_sha256: checksum of the training file. A pool in `folder` of the same data and parameters is continued, or
        used as it is if it is complete. None: the pool is always new.
    treatment: what `training` and `repair` owe to other choices, in words. A pool of another treatment is left alone.

    Each cycle has its own seed, which follows from parameters.seed and the number of the cycle. The file
    ..._manifest.json beside the CSV says how each cycle was made. It is brought up to date after every cycle.

    Raises ParameterError if there are fewer rows to sample than cycles, and PoolError if a cycle fails or the disk is
    full. In that case, and after Ctrl-C, the finished cycles stay and the others leave nothing.
    """
    wanted = Manifest.of(parameters, plan_cycles(parameters, training_rows=len(training)), training_sha256, treatment)
    folder.mkdir(parents=True, exist_ok=True)
    with open_pool(folder, wanted, suffix=suffix, time=clock(), progress=progress) as pool, _explained(pool, progress):
        cycles = [(plan, pool.new_part(plan)) for plan in pool.missing()]
        if cycles:
            if before_training is not None:
                missing = [plan.rows for plan, _ in cycles]
                pool_rows = sum(plan.rows for plan in wanted.plan)
                before_training(pool_rows, sum(missing) + pool_rows)
            finished = run_cycles(
                cycles,
                TrainingRows.of(training, to_text=to_text, repair=repair),
                train,
                backend=parameters.cycle_backend,
                memory_bytes=memory_bytes,
                progress=progress,
            )
            with closing(finished):
                for cycle in finished:
                    record = cycle.record
                    pool.keep(record)
                    if score is not None:
                        record = replace(record, accuracy=float(score(cycle.first_rows)))
                        pool.keep(record)
                    progress.log(f"cycle {record.number} of {len(wanted.plan)}: {_describe(record)}")
        return pool.finish()


def training_warnings(cycles: Iterable[CycleRecord]) -> list[str]:
    """Say, with a remedy, which cycles were trained too little."""
    warnings = []
    for cycle in cycles:
        record, label = cycle.training, f"cycle {cycle.number}"
        if record.was_still_improving:
            warnings.append(
                f"{label}: {record.ended_by} ended the training after {record.steps:,} steps, while its validation "
                f"loss still fell; raise {record.ended_by} for a better pool"
            )
        elif 0 < record.steps < MIN_STEPS:
            if record.ended_by != EARLY_STOPPING:
                remedy = f"raise {record.ended_by}, or give more training rows"
            elif (cycle.settings.batch_size or 0) > MIN_BATCH_SIZE:
                remedy = "lower batch_size, or give more training rows"
            else:
                remedy = "give more training rows, because the training stopped by itself"
            warnings.append(
                f"{label}: the generator made only {record.steps:,} training steps; {MIN_STEPS:,} or more are better: "
                f"{remedy}"
            )
    return warnings


@contextmanager
def _explained(pool: PoolFile, progress: Progress) -> Iterator[None]:
    """Say which cycles are kept if building ends early."""
    try:
        yield
    except BaseException as error:
        finished, folder = len(pool.manifest.cycles), pool.path.parent
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise PoolError(
                f"{folder}: no space left on the device; finished cycles kept there: {finished}; make room and run the "
                "same command again"
            ) from error
        if finished:
            progress.log(f"finished cycles kept in {folder}: {finished}; run the same command again to continue")
        raise


def _describe(cycle: CycleRecord) -> str:
    record = cycle.training
    parts = [f"{cycle.rows:,} rows in {cycle.seconds:,.0f} s"]
    if record.ended_by is not None:
        parts.append(f"{record.steps:,} steps in {record.epochs_done:g} epochs, ended by {record.ended_by}")
    if cycle.accuracy is not None:
        parts.append(f"overall accuracy {cycle.accuracy:.4f}")
    if record.gpu_memory_bytes is not None:
        parts.append(f"at most {record.gpu_memory_bytes / 2**30:.1f} GiB of GPU memory")
    blanked, unfilled = cycle.contradictions.blanked, cycle.contradictions.unfilled
    if blanked or unfilled:
        parts.append(
            f"{blanked:,} values removed because their indicator says missing, {unfilled:,} values missing although "
            "their indicator says present"
        )
    if repaired := sum(cycle.repaired.values()):
        parts.append(f"{repaired:,} values set by rules")
    return ", ".join(parts)
