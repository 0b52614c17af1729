"""Replaces pool.generator.job: "samples" the training rows again and again, or fails as FAKE_JOB says."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from pool.errors import OutOfMemoryError
from pool.generator.job import JOB_NAME, ROWS_NAME
from pool.generator.supervised_process import Send, serve


def work(folder: Path, send: Send) -> None:
    job = json.loads((folder / JOB_NAME).read_text())
    training = pd.read_parquet(folder / ROWS_NAME)
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    send({"event": "log", "text": f"{folder} {sleeper.pid}"})
    send({"event": "progress", "step": "encode", "completed": 0.5})
    send({"event": "progress", "step": "train", "completed": 0.1})
    send({"event": "epoch", "number": 0.5, "training_loss": 2.75, "validation_loss": None})
    send({"event": "epoch", "number": 1.0, "training_loss": 2.5, "validation_loss": 2.25})
    match os.environ.get("FAKE_JOB"):
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "fail":
            raise RuntimeError("no such thing")
        case "no memory":
            raise OutOfMemoryError("CUDA out of memory")
        case "hang":
            time.sleep(600)
        case "end":
            return
    facts = {"steps": 7, "ended_by": "early stopping", "seconds": 1.5, "device": "a GPU", "gpu_memory_bytes": 2**30}
    send({"event": "trained"} | facts)
    done = 0
    for number, piece in enumerate(job["pieces"]):
        sampled = folder / f"piece{number}"
        sampled.mkdir()
        for part, start in enumerate(range(done, done + piece["rows"], job["sampled_at_once"])):
            rows = range(start, min(start + job["sampled_at_once"], done + piece["rows"]))
            training.iloc[[row % len(training) for row in rows]].to_parquet(sampled / f"part{part}.parquet")
        done += piece["rows"]
        send({"event": "piece", "rows": done, "folder": str(sampled)})
        if os.environ.get("FAKE_JOB") == "fail sampling":
            raise RuntimeError("no such rows")


if __name__ == "__main__":
    serve(work)
