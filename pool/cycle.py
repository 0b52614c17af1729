"""One cycle: a fresh generator is trained, and its rows are written to a file of their own."""

import os
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from pool.disk import sha256_of
from pool.errors import OutOfMemoryError, PoolError
from pool.manifest import CycleRecord, TrainingFacts
from pool.parameters import BOOTSTRAP
from pool.plan import CyclePlan
from pool.protocols import Generator, Progress
from pool.rows import CycleWriter, TrainingRows


@dataclass(frozen=True)
class FinishedCycle:
    """A cycle whose rows are whole in its part file; `first_rows` are as many as the training has, for scoring."""

    record: CycleRecord
    first_rows: pd.DataFrame


def run_cycle(
    plan: CyclePlan, part: Path, training: TrainingRows, generator: Generator, progress: Progress
) -> FinishedCycle:
    """Train and sample into the new file `part`; where memory runs out, once more with half the batch size.

    The first cycle's file begins with the header. Raises PoolError, and leaves no file, when the cycle fails.
    """
    started = time.monotonic()
    try:
        cycle = _attempt(plan, part, training, generator, progress)
    except OutOfMemoryError as error:
        smaller = replace(plan.settings, batch_size=plan.settings.batch_size // 2)
        if smaller.batch_size == 0:
            raise
        progress.log(f"warning: {error}; training once more with batch_size={smaller.batch_size}")
        cycle = _attempt(replace(plan, settings=smaller), part, training, generator, progress)
        cycle = replace(cycle, record=replace(cycle.record, retry_reason=str(error)))
    return replace(cycle, record=replace(cycle.record, seconds=time.monotonic() - started))


def _attempt(
    plan: CyclePlan, part: Path, training: TrainingRows, generator: Generator, progress: Progress
) -> FinishedCycle:
    facts = TrainingFacts()

    def tell(told: TrainingFacts) -> None:
        nonlocal facts
        facts = told

    try:
        with part.open("xb") as file:
            writer = CycleWriter(file, training, with_header=plan.number == 1)
            frames = generator(
                _rows_to_train_on(plan, training.with_indicators),
                rows=plan.rows,
                settings=plan.settings,
                seed=plan.seed,
                label=plan.label,
                progress=progress,
                tell=tell,
            )
            with closing(frames):
                for frame in frames:
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
            seconds=0.0,
            training=facts,
            accuracy=None,
            contradictions=writer.contradictions,
            rare_cells=writer.rare_cells,
            training_copies=writer.training_copies,
            part=part.name,
        )
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return FinishedCycle(record, writer.first_rows())


def _rows_to_train_on(plan: CyclePlan, rows: pd.DataFrame) -> pd.DataFrame:
    if plan.settings.training_rows != BOOTSTRAP:
        return rows
    drawn = np.random.default_rng(plan.seed).integers(len(rows), size=len(rows))
    return rows.take(drawn).reset_index(drop=True)
