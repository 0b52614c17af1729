"""The generator's process: it trains MOSTLY AI's engine on the rows in its folder and writes sampled rows there.

Run as `python -m pool.generator.job FOLDER` by `pool.generator.train`, which describes the job in FOLDER/job.json.
"""

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from pool.errors import OutOfMemoryError
from pool.generator.supervised_process import Send, serve
from pool.protocols import EARLY_STOPPING, EPOCHS, TIME

JOB_NAME, ROWS_NAME = "job.json", "training.parquet"
EVENT_SECONDS = 1.0  # a step reports its progress at most this often
EPOCH_MARGIN = 1e-6  # the engine stops once it is past its last epoch; without the margin, up to one epoch later
# How torch (on GPU and CPU), NumPy, Python and the system say that memory ran out.
MEMORY_PHRASES = ("out of memory", "can't allocate memory", "cannot allocate memory", "unable to allocate")


def train_and_sample(folder: Path, send: Send) -> None:
    """Do the job in `folder`. Each sampled piece is a folder of Parquet files, in order of their names."""
    import torch
    from mostlyai import engine

    job = json.loads((folder / JOB_NAME).read_text())
    torch.set_num_threads(job["threads"])
    has_gpu = torch.cuda.is_available()
    device = _describe_device(torch) if has_gpu else "CPU (no usable GPU, which would be faster)"
    send({"event": "log", "text": f"training on {device}"})
    workspace = folder / "workspace"
    try:
        training = _train(engine, job, workspace, pd.read_parquet(folder / ROWS_NAME), send)
    except Exception as error:
        if isinstance(error, MemoryError) or speaks_of_memory(str(error)):
            raise OutOfMemoryError(" ".join(str(error).split()) or "out of memory") from error
        raise
    gpu_memory_bytes = torch.cuda.max_memory_reserved() if has_gpu else None
    send({"event": "trained", "device": device, "gpu_memory_bytes": gpu_memory_bytes} | training)
    _sample(engine, job, workspace, send)


def _train(engine: Any, job: dict[str, Any], workspace: Path, rows: pd.DataFrame, send: Send) -> dict[str, Any]:
    """Train, and return the number of steps, what ended the training, and its seconds."""
    engine.set_random_state(job["seed"])
    engine.split(
        rows,
        tgt_encoding_types=job["encodings"],
        trn_val_split=job["trained_share"],
        workspace_dir=workspace,
        update_progress=StepReporter("split", send),
    )
    engine.analyze(workspace_dir=workspace, update_progress=StepReporter("analyze", send))
    engine.encode(workspace_dir=workspace, update_progress=StepReporter("encode", send))
    started, reporter = time.monotonic(), StepReporter("train", send)
    engine.train(
        model=job["model_name"],
        max_epochs=job["max_epochs"] - EPOCH_MARGIN,
        max_training_time=job["max_training_time"],
        batch_size=job["batch_size"],
        # No row is ever completed from given columns, so the columns keep one order, which is more accurate.
        enable_flexible_generation=False,
        workspace_dir=workspace,
        update_progress=reporter,
    )
    seconds = time.monotonic() - started
    if reporter.epoch >= job["max_epochs"]:
        ended_by = EPOCHS
    else:
        ended_by = TIME if seconds >= 60 * job["max_training_time"] else EARLY_STOPPING
    return {"steps": reporter.steps, "ended_by": ended_by, "seconds": seconds}


def _sample(engine: Any, job: dict[str, Any], workspace: Path, send: Send) -> None:
    done = 0
    for number, piece in enumerate(job["pieces"]):
        engine.set_random_state(piece["seed"])
        engine.generate(
            sample_size=piece["rows"],
            batch_size=job["sampled_at_once"],  # a batch size that follows from the free memory would change the rows
            sampling_temperature=job["sampling_temperature"],
            rare_category_replacement_method="CONSTANT",
            workspace_dir=workspace,
            update_progress=StepReporter("generate", send, start=done, size=piece["rows"]),
        )
        done += piece["rows"]
        sampled = (workspace / "SyntheticData").rename(workspace.with_name(f"piece{number:04d}"))
        send({"event": "piece", "rows": done, "folder": str(sampled)})


class StepReporter:
    """A progress callback of the engine: it sends how far a step is, and each message about an epoch.

    The progress that it sends lies between `start` and `start + size`.
    """

    def __init__(
        self,
        step: str,
        send: Send,
        *,
        start: float = 0.0,
        size: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.steps, self.epoch = 0, 0.0
        self._step, self._send, self._start, self._size, self._clock = step, send, start, size, clock
        self._completed, self._total = 0.0, 1.0
        self._due = clock()

    def __call__(
        self,
        total: float | None = None,
        completed: float | None = None,
        advance: float | None = None,
        message: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        self._total = self._total if total is None else total
        self._completed = (self._completed if completed is None else completed) + (advance or 0)
        if message is not None:
            self._send_epoch(message)
        if message is not None or self._clock() >= self._due:
            self._due = self._clock() + EVENT_SECONDS
            fraction = min(1.0, self._completed / self._total) if self._total else 0.0
            self._send({"event": "progress", "step": self._step, "completed": self._start + self._size * fraction})

    def _send_epoch(self, message: dict[str, Any]) -> None:
        self.steps, self.epoch = message["steps"], message["epoch"]
        losses = {"training_loss": message.get("trn_loss"), "validation_loss": message.get("val_loss")}
        finite = {name: loss if loss is not None and math.isfinite(loss) else None for name, loss in losses.items()}
        self._send({"event": "epoch", "number": message["epoch"], **finite})


def speaks_of_memory(text: str) -> bool:
    """Return whether the text of an error says that memory ran out."""
    return any(phrase in text.lower() for phrase in MEMORY_PHRASES)


def _describe_device(torch: Any) -> str:
    properties = torch.cuda.get_device_properties(0)
    return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"


if __name__ == "__main__":
    serve(train_and_sample)
