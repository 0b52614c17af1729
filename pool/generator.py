"""MOSTLY AI's generator: trained on a frame, sampled in pieces. The only module that imports the SDK.

`train_and_sample` is the caller's side. The SDK runs in a process of its own (`python -m pool.generator`, see
pool/worker.py), because it neither ends with its caller nor notices when the process it trains in is gone.
"""

import json
import os
import re
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pool.columns import Columns
from pool.errors import PoolError
from pool.follow import follow_sampling, follow_training
from pool.gpu import GpuMemory
from pool.parameters import CycleSettings
from pool.protocols import Progress, Tell
from pool.sdk_job import TrainingReporter, finish, sampling_reporter
from pool.worker import LOG_NAME, Send, Worker, serve
from pool.workspace import workspace

PROGRAM = "pool.generator"  # what the process runs
PIECE_ROWS = 250_000  # sampled at a time: what bounds the memory
LONGEST_FOLDER = 60  # characters: the SDK's socket lies below it, and a socket's path must be under 108
REQUEST_SECONDS = 3600.0  # of one call of the SDK's local server, which answers only when it has copied all rows
ERROR_LINE = re.compile(r"[\w.]*(Error|Exception)\b")  # the last line of what Python prints of an error
EPOCH_MARGIN = 1e-6  # the SDK stops only once it is past its last epoch, which can take it a whole epoch more

TABLE = "data"
ENCODINGS = {
    "category": "TABULAR_CATEGORICAL",
    "text": "TABULAR_CHARACTER",
    "number": "TABULAR_NUMERIC_AUTO",
    "date": "TABULAR_DATETIME",
}
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
# What would keep encoded training data, or leave files in the home folder, goes into the run's temporary folder.
REDIRECTED = ("HF_HOME", "HF_DATASETS_CACHE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "TMPDIR")


def train_and_sample(
    training: pd.DataFrame,
    *,
    rows: int,
    settings: CycleSettings,
    seed: int,
    label: str,
    progress: Progress,
    tell: Tell,
) -> Generator[pd.DataFrame, None, None]:
    """Train a fresh generator on `training` and yield `rows` synthetic rows, in frames of at most PIECE_ROWS.

    Their columns and dtypes are those of `training`; values too rare to be shown are `_RARE_` in text columns. The
    same arguments give the same rows on the same kind of machine. seed: 0 to 2^32 - 1. label: names this training in
    the log. tell: called with what is known of the training, after the last row. Closing the iterator kills what runs
    and removes all files; they lie under TMPDIR, or /tmp.

    Raises OutOfMemoryError when memory runs out in training, else PoolError when training or sampling fails or stalls,
    or when the process it runs in is gone.
    """
    columns = Columns.of(training)
    if not columns.codings:
        raise PoolError(f"{label}: the training data has no values to learn from")
    with ExitStack() as cleanup:
        folder = cleanup.enter_context(workspace())
        if len(str(folder)) > LONGEST_FOLDER:
            raise PoolError(f"{label}: the temporary folder {folder.parent} has too long a path; set TMPDIR to another")
        try:
            columns.encode(training).to_parquet(folder / "training.parquet", index=False)
            (folder / "job.json").write_text(json.dumps(_job(columns.kinds(), rows=rows, settings=settings, seed=seed)))
            worker = cleanup.enter_context(Worker(PROGRAM, folder=folder, environment=_environment(folder)))
        except OSError as error:
            raise PoolError(f"{label}: {folder}: {error.strerror or error}; set TMPDIR to another folder") from error
        try:
            events = worker.events()
            facts = follow_training(events, label=label, max_epochs=settings.max_epochs, progress=progress)
        except PoolError as error:
            raise type(error)(f"{label}: the generator failed: {error}") from error
        try:
            for piece in follow_sampling(events, facts, rows=rows, label=label, progress=progress, tell=tell):
                coded = pd.read_parquet(piece)
                piece.unlink()
                yield columns.decode(coded)
        except PoolError as error:
            raise PoolError(f"{label}: the generator failed: {error}") from error


def _job(kinds: dict[str, str], *, rows: int, settings: CycleSettings, seed: int) -> dict[str, Any]:
    """What the SDK is asked for: its training configuration, and one sampling configuration for each piece."""
    sizes = [min(PIECE_ROWS, rows - start) for start in range(0, rows, PIECE_ROWS)]
    piece_seeds = np.random.SeedSequence(seed).generate_state(len(sizes)).tolist()
    model = {
        "model": settings.model_name,
        "max_training_time": settings.max_training_time,
        "max_epochs": settings.max_epochs - EPOCH_MARGIN,
        "batch_size": settings.batch_size,
        # Rows are never completed from given columns, so the columns may keep one order, which is more accurate.
        "enable_flexible_generation": False,
        "value_protection": True,
        "rare_category_replacement_method": "CONSTANT",
        "enable_model_report": False,
    }
    columns = [{"name": name, "model_encoding_type": ENCODINGS[kind]} for name, kind in kinds.items()]
    sampling = {"sampling_temperature": settings.sampling_temperature, "enable_data_report": False}
    return {
        "training": {
            "name": TABLE,
            "random_state": seed,
            "tables": [{"name": TABLE, "columns": columns, "tabular_model_configuration": model}],
        },
        "pieces": [
            {
                "random_state": piece_seed,
                "tables": [{"name": TABLE, "configuration": {"sample_size": size, **sampling}}],
            }
            for size, piece_seed in zip(sizes, piece_seeds, strict=True)
        ],
    }


def _environment(folder: Path) -> dict[str, str]:
    redirected = {name: str(folder / name.lower()) for name in REDIRECTED}
    for path in redirected.values():
        Path(path).mkdir()
    project = str(Path(__file__).resolve().parents[1])
    paths = [project, *filter(None, [os.environ.get("PYTHONPATH")])]
    return OFFLINE | redirected | {"PYTHONPATH": os.pathsep.join(paths)}


def _train_and_sample_with_sdk(folder: Path, send: Send) -> None:
    """What the process does: the job in `folder`, with the SDK, which reads its environment when it is imported."""
    import torch
    from mostlyai.sdk import MostlyAI

    job = json.loads((folder / "job.json").read_text())
    device, memory = _device(torch), GpuMemory(_gpu_uuid(torch))
    send({"event": "log", "text": f"training on {device}"})

    def run(job: Any, what: str, report: Callable[[Any], None]) -> None:
        finish(job, what=what, look=report, memory=memory, last_error=lambda: _last_error(folder))

    mostly = MostlyAI(local=True, local_dir=folder / "sdk", quiet=True, timeout=REQUEST_SECONDS)
    job["training"]["tables"][0]["data"] = pd.read_parquet(folder / "training.parquet")
    generator = mostly.train(config=job["training"], start=False, wait=False, progress_bar=False)
    run(generator.training, "training", TrainingReporter(send))
    send({"event": "trained"})

    done = 0
    for number, piece in enumerate(job["pieces"]):
        size = piece["tables"][0]["configuration"]["sample_size"]
        dataset = mostly.generate(generator, config=piece, start=False, wait=False, progress_bar=False)
        run(dataset.generation, "sampling", sampling_reporter(send, done=done, size=size))
        file = folder / f"piece{number:04d}.parquet"
        dataset.data(return_type="auto").to_parquet(file, index=False)
        dataset.delete()
        done += size
        send({"event": "piece", "rows": done, "file": str(file)})
    generator.delete()
    send({"event": "machine", "device": device, "gpu_memory_bytes": memory.peak_bytes})


def _gpu_uuid(torch: Any) -> str | None:
    return f"GPU-{torch.cuda.get_device_properties(0).uuid}" if torch.cuda.is_available() else None


def _device(torch: Any) -> str:
    if not torch.cuda.is_available():
        return f"CPU, {torch.get_num_threads()} threads: no usable GPU, which would be far faster"
    properties = torch.cuda.get_device_properties(0)
    return f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"


def _last_error(folder: Path) -> str:
    """The last error that the SDK's processes have printed."""
    lines = (folder / LOG_NAME).read_text(errors="replace").splitlines()
    return next((" ".join(line.split()) for line in reversed(lines) if ERROR_LINE.match(line)), "")


if __name__ == "__main__":
    serve(_train_and_sample_with_sdk)
