"""A job of the SDK, a training or a sampling: watched until its end, and how far it is told on the way."""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import psutil

from pool.errors import OutOfMemoryError, PoolError
from pool.gpu import GpuMemory
from pool.memory import KernelWatch, speaks_of_memory
from pool.stall import StallWatch
from pool.worker import Send, describe_exit

STATUS_SECONDS = 1.0  # between looks at what the SDK is doing
GOODBYE_SECONDS = 60.0  # for the SDK's process to end after its work is done


def finish(
    job: Any, *, what: str, look: Callable[[Any], None], memory: GpuMemory, last_error: Callable[[], str]
) -> None:
    """Start a job of the SDK and wait for its end; `look` is shown its state on the way.

    The SDK runs each job in a process that it forgets about: should that end, the job's status stays IN_PROGRESS.
    memory: looks at the GPU's on the way. last_error: the error that the process left, for the reason of a failure.

    Raises OutOfMemoryError, or else PoolError, when the job fails, its process ends, or it comes to a standstill.
    """
    before, kernel, stall = psutil.Process().children(), KernelWatch(), StallWatch(what)
    job.start()
    processes = [process for process in psutil.Process().children() if process not in before]
    while True:
        is_running = any(map(_is_running, processes))
        state = job.progress()
        look(state)
        memory.look()
        if state.status in ("DONE", "FAILED", "CANCELED"):
            psutil.wait_procs(processes, timeout=GOODBYE_SECONDS)
            break
        if not is_running:
            status = next((process.wait(GOODBYE_SECONDS) for process in processes), None)
            error = OutOfMemoryError if kernel.has_killed(status) else PoolError
            raise error(f"the process of the {what} {describe_exit(status)}")
        stall.look(_state_of(state), processor_seconds=_processor_seconds(processes))
        time.sleep(STATUS_SECONDS)
    if state.status != "DONE":
        reason = last_error()
        error = OutOfMemoryError if speaks_of_memory(reason) else PoolError
        raise error(f"{what} ended with status {state.status.value}{f': {reason}' if reason else ''}")


class TrainingReporter:
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


def sampling_reporter(send: Send, *, done: int, size: int) -> Callable[[Any], None]:
    """Sends how many rows are there, when `done` rows were there before and `size` are sampled now."""

    def look(state: Any) -> None:
        step = next(step for step in state.steps if step.step_code.startswith("GENERATE_DATA"))
        send({"event": "sampling", "rows": done + int(size * _fraction(step))})

    return look


def _fraction(step: Any) -> float:
    return min(1.0, step.progress.value / max(1, step.progress.max))


def _is_running(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _state_of(state: Any) -> object:
    return [(step.step_code, step.progress.value, len(step.messages or [])) for step in state.steps]


def _processor_seconds(processes: Iterable[psutil.Process]) -> float:
    """Processor time of processes and of all that they started."""
    seconds = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            for one in [process, *process.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    times = one.cpu_times()
                    seconds += times.user + times.system
    return seconds
