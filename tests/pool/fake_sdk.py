"""In place of pool.generator's process: it "samples" the training rows again and again, or does what FAKE_SDK says."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd

from pool.errors import OutOfMemoryError
from pool.worker import Send, serve


def work(folder: Path, send: Send) -> None:
    job = json.loads((folder / "job.json").read_text())
    training = pd.read_parquet(folder / "training.parquet")
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    send({"event": "log", "text": f"{folder} {sleeper.pid}"})
    send({"event": "preparing", "step": "encode training data"})
    message = {"epoch": 1.0, "trn_loss": 2.5, "val_loss": None}
    send({"event": "epoch", "message": message, "fraction": 0.5})
    match os.environ.get("FAKE_SDK"):
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "fail":
            raise RuntimeError("no such thing")
        case "no memory":
            raise OutOfMemoryError("CUDA out of memory")
        case "hang":
            time.sleep(600)
    send({"event": "trained"})
    done = 0
    for number, piece in enumerate(job["pieces"]):
        size = piece["tables"][0]["configuration"]["sample_size"]
        file = folder / f"piece{number}.parquet"
        training.iloc[[row % len(training) for row in range(done, done + size)]].to_parquet(file)
        done += size
        send({"event": "piece", "rows": done, "file": str(file)})
        if os.environ.get("FAKE_SDK") == "fail sampling":
            raise RuntimeError("no such rows")
    send({"event": "machine", "device": "a GPU", "gpu_memory_bytes": 2**30})


if __name__ == "__main__":
    serve(work)
