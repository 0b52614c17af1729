"""Trains MOSTLY AI's generator on a frame and samples it. The engine runs in a process of its own (`job`)."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from threading import Event as Flag
from typing import Any

import numpy as np
import pandas as pd

from pool.errors import PoolError
from pool.generator.column_codecs import ColumnCodecs
from pool.generator.job import JOB_NAME, ROWS_NAME
from pool.generator.supervised_process import Event, SupervisedProcess
from pool.generator.temporary_folder import temporary_folder
from pool.parameters import CyclePlan
from pool.protocols import Epoch, Progress, TrainingRecord

PROGRAM = "pool.generator.job"
VALIDATION_SHARE = 0.1  # of the rows: the engine does not train on them, and stops when their loss no longer falls
PIECE_ROWS = 250_000  # sampled with one seed: bounds the memory and the disk
ROWS_SAMPLED_AT_ONCE = 10_000
PERCENT = 100
DECODING = 1  # names the random stream of the decoding, beside the seed of the cycle
PREPARING_STEPS = ("split", "analyze", "encode")  # of the engine, before the training

# Training consists of very many small operations. More threads do not speed them up, and on a busy machine they wait
# for each other by spinning. With one thread, the rows do not depend on the number of cores either.
THREADS = 1
SINGLE_THREADED = {name: str(THREADS) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")}
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
# These folders would keep encoded training data, or files in the home folder. They go into the temporary folder.
REDIRECTED = (
    *("HF_HOME", "HF_DATASETS_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "TMPDIR"),
    "JOBLIB_TEMP_FOLDER",  # else in /dev/shm, where it outlives a killed process
)


@contextmanager
def train(rows: pd.DataFrame, plan: CyclePlan, progress: Progress, stop: Flag) -> Iterator["TrainedProcess"]:
    """Train a fresh generator; see `pool.protocols.Train`.

    A value that is too rare to be shown is not sampled; see `number_codec` and `text_codec`. Leaving the context kills
    the process and removes its files. They lie in TMPDIR, or in /tmp.

    Raises OutOfMemoryError if memory runs out in the training, StoppedError if it was stopped, and PoolError if it
    fails or stalls, if its process is gone, or if the temporary folder cannot be written.
    """
    codecs = ColumnCodecs.of(rows)
    if not codecs.codecs:
        raise PoolError(f"{plan.label}: the training data has no values to learn from")
    with temporary_folder() as folder:
        try:
            codecs.encode(rows).to_parquet(folder / ROWS_NAME, index=False)
            (folder / JOB_NAME).write_text(json.dumps(describe_job(plan, codecs.encodings())))
            process = SupervisedProcess(PROGRAM, folder=folder, environment=_environment(folder))
        except OSError as error:
            raise PoolError(
                f"{plan.label}: {folder}: {error.strerror or error}; set TMPDIR to another folder"
            ) from error
        with process:
            events = process.events(stop)
            try:
                record = follow_training(events, plan, progress)
            except PoolError as error:
                raise type(error)(f"{plan.label}: the generator failed: {error}") from error
            yield TrainedProcess(record, events, codecs, plan, progress)


@dataclass(frozen=True)
class TrainedProcess:
    """A generator whose process is about to sample; see `pool.protocols.TrainedGenerator`."""

    record: TrainingRecord
    _events: Iterator[Event]
    _codecs: ColumnCodecs
    _plan: CyclePlan
    _progress: Progress

    def sample(self) -> Iterator[pd.DataFrame]:
        """Yield the rows in frames of at most ROWS_SAMPLED_AT_ONCE."""
        rng = np.random.default_rng([self._plan.seed, DECODING])
        try:
            for folder in follow_sampling(self._events, self._plan, self._progress):
                for part in sorted(folder.iterdir()):
                    coded = pd.read_parquet(part)
                    part.unlink()
                    yield self._codecs.decode(coded, rng)
        except PoolError as error:
            raise PoolError(f"{self._plan.label}: the generator failed: {error}") from error


def describe_job(plan: CyclePlan, encodings: dict[str, str]) -> dict[str, Any]:
    """Describe what the process has to do, as plain values."""
    sizes = [min(PIECE_ROWS, plan.rows - start) for start in range(0, plan.rows, PIECE_ROWS)]
    seeds = np.random.SeedSequence(plan.seed).generate_state(len(sizes)).tolist()
    return {
        "seed": plan.seed,
        "threads": THREADS,
        "encodings": encodings,
        "trained_share": 1 - VALIDATION_SHARE,
        "model_name": plan.settings.model_name,
        "max_epochs": plan.settings.max_epochs,
        "max_training_time": plan.settings.max_training_time,
        "batch_size": plan.batch_size,
        "sampling_temperature": plan.settings.sampling_temperature,
        "sampled_at_once": ROWS_SAMPLED_AT_ONCE,
        "pieces": [{"rows": size, "seed": seed} for size, seed in zip(sizes, seeds, strict=True)],
    }


def follow_training(events: Iterator[Event], plan: CyclePlan, progress: Progress) -> TrainingRecord:
    """Report the progress of a training until its events say that it has ended, and return how it went."""
    epochs, done = list[Epoch](), 0.0
    first = _follow_preparing(events, plan, progress)
    with progress.task(f"{plan.label}: training", total=PERCENT, unit="") as task:
        for event in chain(first, events):
            match event:
                case {"event": "progress", "completed": completed}:
                    done = PERCENT * completed
                    task.update(done)
                case {"event": "epoch"}:
                    epoch = Epoch(**{name: value for name, value in event.items() if name != "event"})
                    task.update(done, note=_describe_epoch(epoch))
                    if epoch.validation_loss is not None:  # or else the epoch has not ended
                        epochs.append(epoch)
                case {"event": "trained"}:
                    task.update(PERCENT, note=f"ended by {event['ended_by']}")
                    facts = {name: value for name, value in event.items() if name != "event"}
                    return TrainingRecord(epochs=tuple(epochs), **facts)
    raise PoolError("its process ended before the training did")


def _follow_preparing(events: Iterator[Event], plan: CyclePlan, progress: Progress) -> list[Event]:
    """Report the progress until the training proper begins, and return the event that says so."""
    with progress.task(f"{plan.label}: preparing", total=PERCENT, unit="") as task:
        for event in events:
            match event:
                case {"event": "log", "text": text}:
                    progress.log(f"{plan.label}: {text}")
                    settings = plan.settings
                    progress.log(
                        f"{plan.label}: training stops once it no longer improves, at the latest after "
                        f"{settings.max_epochs} epochs or {settings.max_training_time:g} minutes"
                    )
                case {"event": "progress", "step": step, "completed": completed} if step in PREPARING_STEPS:
                    done = PREPARING_STEPS.index(step) + completed
                    task.update(PERCENT * done / len(PREPARING_STEPS), note=step)
                case _:
                    task.update(PERCENT, note="")
                    return [event]
    return []


def follow_sampling(events: Iterator[Event], plan: CyclePlan, progress: Progress) -> Iterator[Path]:
    """Report the progress of the sampling, and yield the folder of each piece."""
    with progress.task(f"{plan.label}: sampling", total=plan.rows, unit="row") as task:
        for event in events:
            match event:
                case {"event": "progress", "completed": completed}:
                    task.update(int(completed))
                case {"event": "piece", "rows": rows, "folder": folder}:
                    task.update(rows)
                    yield Path(folder)


def _describe_epoch(epoch: Epoch) -> str:
    losses = (("training", epoch.training_loss), ("validation", epoch.validation_loss))
    known = [f"{value:.2f} in {name}" for name, value in losses if value is not None]
    return ", loss ".join([f"epoch {epoch.number:g}", *[" and ".join(known)] * bool(known)])


def _environment(folder: Path) -> dict[str, str]:
    redirected = {name: str(folder / name.lower()) for name in REDIRECTED}
    for path in redirected.values():
        Path(path).mkdir()
    return OFFLINE | SINGLE_THREADED | redirected
