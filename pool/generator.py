"""MOSTLY AI's generator: trained on a frame, sampled in pieces. The only module that knows the SDK.

`train_and_sample` is the caller's side. The SDK runs in a process of its own (`python -m pool.generator`, see
pool/worker.py), because it neither ends with its caller nor notices when the process it trains in is gone.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil

from pool.columns import Columns
from pool.errors import PoolError
from pool.follow import follow_sampling, follow_training
from pool.parameters import PoolParameters
from pool.protocols import Progress
from pool.worker import Send, Worker, describe_exit, serve

PROGRAM = "pool.generator"  # what the process runs
PIECE_ROWS = 250_000  # sampled at a time: what bounds the memory
LONGEST_FOLDER = 60  # characters: the SDK's socket lies below it, and a socket's path must be under 108
REQUEST_SECONDS = 3600.0  # of one call of the SDK's local server, which answers only when it has copied all rows
STATUS_SECONDS = 1.0  # between looks at what the SDK is doing
GOODBYE_SECONDS = 60.0  # for the SDK's process to end after its work is done
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
    parameters: PoolParameters,
    seed: int,
    label: str,
    progress: Progress,
) -> Generator[pd.DataFrame, None, None]:
    """Train a fresh generator on `training` and yield `rows` synthetic rows, in frames of at most PIECE_ROWS.

    Their columns and dtypes are those of `training`; values too rare to be shown are `_RARE_` in text columns. The
    same arguments give the same rows on the same kind of machine. seed: 0 to 2^32 - 1. label: names this training in
    the log. Closing the iterator kills what runs and removes all files; they lie under TMPDIR, or /tmp.

    Raises PoolError when training or sampling fails, or when the process it runs in is gone.
    """
    columns = Columns.of(training)
    if not columns.codings:
        raise PoolError(f"{label}: the training data has no values to learn from")
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="pool-")))
        if len(str(folder)) > LONGEST_FOLDER:
            raise PoolError(f"{label}: the temporary folder {folder.parent} has too long a path; set TMPDIR to another")
        columns.encode(training).to_parquet(folder / "training.parquet", index=False)
        job = _job(columns.kinds(), rows=rows, parameters=parameters, seed=seed)
        (folder / "job.json").write_text(json.dumps(job))
        try:
            worker = cleanup.enter_context(Worker(PROGRAM, folder=folder, environment=_environment(folder)))
            events = worker.events()
            follow_training(events, label=label, max_epochs=parameters.max_epochs, progress=progress)
            for piece in follow_sampling(events, rows=rows, label=label, progress=progress):
                coded = pd.read_parquet(piece)
                piece.unlink()
                yield columns.decode(coded)
        except PoolError as error:
            raise PoolError(f"{label}: the generator failed: {error}") from error


def _job(kinds: dict[str, str], *, rows: int, parameters: PoolParameters, seed: int) -> dict[str, Any]:
    """What the SDK is asked for: its training configuration, and one sampling configuration for each piece."""
    sizes = [min(PIECE_ROWS, rows - start) for start in range(0, rows, PIECE_ROWS)]
    piece_seeds = np.random.SeedSequence(seed).generate_state(len(sizes)).tolist()
    model = {
        "model": parameters.model_name,
        "max_training_time": parameters.max_training_time,
        "max_epochs": parameters.max_epochs - EPOCH_MARGIN,
        "batch_size": parameters.batch_size,
        # Rows are never completed from given columns, so the columns may keep one order, which is more accurate.
        "enable_flexible_generation": False,
        "value_protection": True,
        "rare_category_replacement_method": "CONSTANT",
        "enable_model_report": False,
    }
    columns = [{"name": name, "model_encoding_type": ENCODINGS[kind]} for name, kind in kinds.items()]
    sampling = {"sampling_temperature": parameters.sampling_temperature, "enable_data_report": False}
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
    send({"event": "log", "text": f"training on {_device(torch)}"})
    mostly = MostlyAI(local=True, local_dir=folder / "sdk", quiet=True, timeout=REQUEST_SECONDS)
    job["training"]["tables"][0]["data"] = pd.read_parquet(folder / "training.parquet")
    generator = mostly.train(config=job["training"], start=False, wait=False, progress_bar=False)
    _finish(generator.training, what="training", look=_TrainingReporter(send))
    send({"event": "trained"})

    done = 0
    for number, piece in enumerate(job["pieces"]):
        size = piece["tables"][0]["configuration"]["sample_size"]
        dataset = mostly.generate(generator, config=piece, start=False, wait=False, progress_bar=False)
        _finish(dataset.generation, what="sampling", look=_sampling_reporter(send, done=done, size=size))
        file = folder / f"piece{number:04d}.parquet"
        dataset.data(return_type="auto").to_parquet(file, index=False)
        dataset.delete()
        done += size
        send({"event": "piece", "rows": done, "file": str(file)})
    generator.delete()


def _device(torch: Any) -> str:
    return (
        torch.cuda.get_device_name()
        if torch.cuda.is_available()
        else f"CPU, {torch.get_num_threads()} threads: no usable GPU, which would be far faster"
    )


def _finish(job: Any, *, what: str, look: Callable[[Any], None]) -> None:
    """Start a job of the SDK and wait for its end; `look` is shown its state on the way.

    The SDK runs each job in a process that it forgets about: should that end, the job's status stays IN_PROGRESS.
    """
    before = psutil.Process().children()
    job.start()
    processes = [process for process in psutil.Process().children() if process not in before]
    while True:
        is_running = any(map(_is_running, processes))
        state = job.progress()
        look(state)
        if state.status in ("DONE", "FAILED", "CANCELED"):
            psutil.wait_procs(processes, timeout=GOODBYE_SECONDS)
            break
        if not is_running:
            status = next((process.wait(0) for process in processes), None)
            raise PoolError(f"the process of the {what} {describe_exit(status)}")
        time.sleep(STATUS_SECONDS)
    if state.status != "DONE":
        raise PoolError(f"{what} ended with status {state.status.value}")


def _is_running(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class _TrainingReporter:
    """Sends how far the training is, and each message about an epoch once."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._sent = 0

    def __call__(self, state: Any) -> None:
        step = next(step for step in state.steps if step.step_code == "TRAIN_MODEL")
        fraction = _fraction(step)
        messages = step.messages or []
        for message in messages[self._sent :]:
            self._send({"event": "epoch", "message": message, "fraction": fraction})
        self._sent = len(messages)
        if messages:
            self._send({"event": "training", "fraction": fraction})
        else:
            current = next((step.step_code for step in state.steps if step.status != "DONE"), step.step_code)
            self._send({"event": "preparing", "step": current.value.lower().replace("_", " ")})


def _sampling_reporter(send: Send, *, done: int, size: int) -> Callable[[Any], None]:
    def look(state: Any) -> None:
        step = next(step for step in state.steps if step.step_code.startswith("GENERATE_DATA"))
        send({"event": "sampling", "rows": done + int(size * _fraction(step))})

    return look


def _fraction(step: Any) -> float:
    return min(1.0, step.progress.value / max(1, step.progress.max))


if __name__ == "__main__":
    serve(_train_and_sample_with_sdk)
