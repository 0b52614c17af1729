"""One cycle: a fresh generator is trained, and its rows are written to a file of their own."""

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event

import numpy as np
import pandas as pd

from pool.cycle_writer import CycleWriter, TrainingRows
from pool.errors import OutOfMemoryError, PoolError
from pool.files import sha256_of
from pool.parameters import BOOTSTRAP, CyclePlan
from pool.protocols import Progress, Train
from pool.storage.manifest import CycleRecord

FAILURES = (PoolError, OSError)  # of one cycle: they say nothing about the other cycles


@dataclass(frozen=True)
class FinishedCycle:
    """A cycle whose rows are complete in its part file. first_rows: at most the number of training rows."""

    record: CycleRecord
    first_rows: pd.DataFrame


def run_cycle(
    plan: CyclePlan, part: Path, training: TrainingRows, train: Train, progress: Progress, stop: Event
) -> FinishedCycle:
    """Train a generator and sample it into the new file `part`. The file of the first cycle begins with the header.

    Raises OutOfMemoryError or another PoolError if the cycle fails, and StoppedError soon after `stop` is set. A cycle
    that fails leaves no file.
    """
    started = time.monotonic()
    try:
        with part.open("xb") as file:
            writer = CycleWriter(file, training, with_header=plan.number == 1)
            with train(_rows_to_train_on(plan, training.with_indicators), plan, progress, stop) as trained:
                for frame in trained.sample():
                    writer.write(frame)
            if writer.rows != plan.rows:
                raise PoolError(f"{plan.label}: the generator gave {writer.rows} rows instead of {plan.rows}")
            file.flush()
            os.fsync(file.fileno())
        record = CycleRecord(
            number=plan.number,
            seed=plan.seed,
            rows=plan.rows,
            settings=plan.settings,
            retry_reason=None,
            size=part.stat().st_size,
            sha256=sha256_of(part),
            seconds=time.monotonic() - started,
            training=trained.record,
            accuracy=None,
            contradictions=writer.contradictions,
            repaired=dict(writer.repaired),
            part=part.name,
        )
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return FinishedCycle(record, writer.first_rows())


def run_cycle_in_little_memory(
    plan: CyclePlan, part: Path, training: TrainingRows, train: Train, progress: Progress, stop: Event
) -> FinishedCycle:
    """Run a cycle as `run_cycle` does, but train once more with half the batch size if memory runs out."""
    try:
        return run_cycle(plan, part, training, train, progress, stop)
    except OutOfMemoryError as error:
        if plan.batch_size == 1:
            raise
        smaller = plan.with_batch_size(plan.batch_size // 2)
        progress.log(f"warning: {error}; training once more with batch_size={smaller.batch_size}")
        cycle = run_cycle(smaller, part, training, train, progress, stop)
        return replace(cycle, record=replace(cycle.record, retry_reason=str(error)))


def _rows_to_train_on(plan: CyclePlan, rows: pd.DataFrame) -> pd.DataFrame:
    if plan.settings.training_rows != BOOTSTRAP:
        return rows
    drawn = np.random.default_rng(plan.seed).integers(len(rows), size=len(rows))
    return rows.take(drawn).reset_index(drop=True)
