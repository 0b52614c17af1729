import signal
import subprocess
import sys
from types import SimpleNamespace

import psutil
import pytest

from pool import sdk_job
from pool.errors import OutOfMemoryError, PoolError
from pool.gpu import GpuMemory
from pool.sdk_job import TrainingReporter, finish, sampling_reporter

SLEEP = "import time; time.sleep(600)"


class FakeJob:
    """A job of the SDK that runs `code` in a process and never looks at it again."""

    def __init__(self, code, *statuses):
        self.code, self.statuses = code, list(statuses)

    def start(self):
        self.process = subprocess.Popen([sys.executable, "-c", self.code])

    def progress(self):
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        step = SimpleNamespace(step_code="TRAIN_MODEL", progress=SimpleNamespace(value=1, max=2), messages=None)
        return SimpleNamespace(status=sdk_status(status), steps=[step])


def sdk_status(text):
    from mostlyai.sdk.domain import ProgressStatus

    return ProgressStatus(text)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(sdk_job, "STATUS_SECONDS", 0.05)


def run(job, *, what="training", look=lambda state: None, error=""):
    finish(job, what=what, look=look, memory=GpuMemory(None), last_error=lambda: error)


KILLED = f"import os; os.kill(os.getpid(), {signal.SIGKILL})"


def test_a_job_whose_process_was_killed_is_an_error(quick):
    with pytest.raises(PoolError, match=r"the process of the training was killed \(SIGKILL\)") as failure:
        run(FakeJob(KILLED, "IN_PROGRESS"))
    assert type(failure.value) is PoolError


LINGERING = f"""
import ctypes, os, threading, time
threading.Thread(target=lambda: (time.sleep(1), os.kill(os.getpid(), {signal.SIGKILL}))).start()
ctypes.CDLL(None).pthread_exit(None)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads end otherwise there")
def test_a_killed_process_whose_threads_take_longer_to_end_is_waited_for(quick):
    with pytest.raises(PoolError, match=r"the process of the training was killed \(SIGKILL\)"):
        run(FakeJob(LINGERING, "IN_PROGRESS"))


def test_a_process_that_the_kernel_killed_ran_out_of_memory(quick, monkeypatch):
    counts = iter((3, 4))
    monkeypatch.setattr("pool.memory._kills", lambda: next(counts))
    with pytest.raises(OutOfMemoryError, match="killed"):
        run(FakeJob(KILLED, "IN_PROGRESS"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [("", PoolError), ("ValueError: no", PoolError), ("torch.OutOfMemoryError: CUDA out of memory.", OutOfMemoryError)],
)
def test_a_failed_job_is_an_error_with_its_reason(quick, error, kind):
    job = FakeJob("", "IN_PROGRESS", "FAILED")
    with pytest.raises(PoolError, match=f"sampling ended with status FAILED(: {error})?$") as failure:
        run(job, what="sampling", error=error)
    assert type(failure.value) is kind
    job.process.wait()


def test_a_job_that_stands_still_is_an_error(quick, monkeypatch):
    monkeypatch.setattr("pool.stall.STALL_SECONDS", 1.0)
    monkeypatch.setattr("pool.stall.IDLE_SHARE", 0.5)  # an interpreter's start counts for work
    job = FakeJob(SLEEP, "IN_PROGRESS")
    with pytest.raises(PoolError, match="the training stalled: no progress for"):
        run(job)
    job.process.kill()
    job.process.wait()


def test_a_job_that_is_done_is_shown_to_the_end_and_its_process_has_ended(quick):
    seen = []
    job = FakeJob("import time; time.sleep(0.5)", "NEW", "IN_PROGRESS", "DONE")
    run(job, look=lambda state: seen.append(state.status.value))
    assert seen == ["NEW", "IN_PROGRESS", "DONE"]
    assert not psutil.pid_exists(job.process.pid)


def step(code, status, value, most, messages=None):
    from mostlyai.sdk.domain import StepCode

    return SimpleNamespace(
        step_code=StepCode(code), status=status, progress=SimpleNamespace(value=value, max=most), messages=messages
    )


def test_a_training_is_reported_by_its_steps_and_each_epoch_once():
    sent, messages = [], []
    report = TrainingReporter(sent.append)
    encode, train = step("ENCODE_TRAINING_DATA", "IN_PROGRESS", 1, 2), step("TRAIN_MODEL", "NEW", 0, 0, messages)
    state = SimpleNamespace(steps=[encode, train])
    report(state)
    encode.status = "DONE"
    report(state)
    train.progress = SimpleNamespace(value=5, max=10)
    messages.append({"epoch": 1.0})
    report(state)
    train.progress = SimpleNamespace(value=12, max=10)
    report(state)
    assert sent == [
        {"event": "preparing", "step": "encode training data"},
        {"event": "preparing", "step": "train model"},
        {"event": "epoch", "message": {"epoch": 1.0}, "fraction": 0.5},
        {"event": "training", "fraction": 0.5},
        {"event": "training", "fraction": 1.0},
    ]


def test_a_sampling_is_reported_in_rows_of_all_pieces():
    sent = []
    report = sampling_reporter(sent.append, done=100, size=40)
    report(SimpleNamespace(steps=[step("GENERATE_DATA_TABULAR", "IN_PROGRESS", 1, 4)]))
    assert sent == [{"event": "sampling", "rows": 110}]
