"""A Python module run as a supervised process: it reports events, and nothing it started outlives the caller.

The process leads a session of its own, so Ctrl-C on a terminal does not reach it, and it is killed together with all it
started. Events travel as JSON lines over a pipe that only the process itself writes to: the pipe's end is its end, even
where a process that it started lives on. Its standard input is the life line: when that ends, so has the caller.
"""

import json
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from pool.errors import OutOfMemoryError, PoolError
from pool.memory import KernelWatch

EVENTS_VARIABLE = "POOL_WORKER_EVENTS"  # file descriptor of the pipe for events
LOG_NAME = "worker.log"  # what the process and all it started print
LAST_LINES = 5  # of the log, quoted when it fails
LAST_LINES_CHARACTERS = 1000
POLL_SECONDS = 1.0
SILENCE_SECONDS = 30 * 60.0  # a process that has anything to do tells of it every second; longer pauses are minutes
LAST_BREATH_SECONDS = 5.0  # for killed processes to end before the files they write are removed
READ_BYTES = 65536

Event = dict[str, Any]
Send = Callable[[Event], None]


class Worker:
    """The caller's side: `with Worker(module, folder=folder) as worker: for event in worker.events(): ...`

    module: run as `python -m module folder`; it calls `serve`.
    folder: all that the process reads and writes; if the caller is killed, the process removes it.
    environment: variables beside those of this process.
    """

    def __init__(self, module: str, *, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._log, self._kernel = folder / LOG_NAME, KernelWatch()
        self._events, events = os.pipe()
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", module, str(folder)],
                    env=os.environ | dict(environment or {}) | {EVENTS_VARIABLE: str(events)},
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    pass_fds=[events],
                    start_new_session=True,
                )
        except BaseException:
            os.close(self._events)
            raise
        finally:
            os.close(events)

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Kill the process and all it started."""
        self._kill()
        os.close(self._events)

    def events(self) -> Iterator[Event]:
        """Yield what the process sends until it says that it is done.

        Raises OutOfMemoryError, or else PoolError, as soon as the process fails or ends before that, and when it has
        been silent for SILENCE_SECONDS.
        """
        for event in self._received():
            if event["event"] == "done":
                return
            if event["event"] == "failed":
                error = OutOfMemoryError if event["is_of_memory"] else PoolError
                raise error(f"{event['reason']}{self._last_lines()}")
            yield event
        status = self._kill()
        error = OutOfMemoryError if self._kernel.has_killed(status) else PoolError
        raise error(f"its process {describe_exit(status)}{self._last_lines()}")

    def _received(self) -> Iterator[Event]:
        buffer, heard = b"", time.monotonic()
        while True:
            readable, _, _ = select.select([self._events], [], [], POLL_SECONDS)
            if readable:
                received = os.read(self._events, READ_BYTES)
                if not received:
                    return
                *lines, buffer = (buffer + received).split(b"\n")
                yield from map(json.loads, lines)
                heard = time.monotonic()
            elif self._has_ended():
                return
            elif time.monotonic() - heard > SILENCE_SECONDS:
                minutes = SILENCE_SECONDS / 60
                raise PoolError(f"its process stalled: silent for {minutes:.0f} minutes{self._last_lines()}")

    def _has_ended(self) -> bool:
        # Without reaping it: while it is a zombie, its group's number cannot pass to another process.
        return self._process.returncode is not None or bool(
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        )

    def _kill(self) -> int:
        """Kill what still runs; returns the exit status: that from before, where the process had already ended."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            assert self._process.stdin is not None, "a pipe"
            self._process.stdin.close()
        return self._process.returncode

    def _last_lines(self) -> str:
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        quoted = " | ".join(lines[-LAST_LINES:])[-LAST_LINES_CHARACTERS:]
        return f"; last lines: {quoted}" if quoted else ""


def serve(work: Callable[[Path, Send], None]) -> None:
    """The process's side: do `work(folder, send)`, and tell the caller how it ended.

    send: passes an event, a JSON object with a text `event`, to the caller.
    """
    folder = Path(sys.argv[1])
    events = int(os.environ.pop(EVENTS_VARIABLE))
    os.set_inheritable(events, False)
    life_line = threading.Thread(target=_end_with_caller, args=(folder,), daemon=True)
    life_line.start()

    def send(event: Event) -> None:
        line = json.dumps(event).encode() + b"\n"
        try:
            while line:
                line = line[os.write(events, line) :]
        except BrokenPipeError:  # the caller is gone: the folder must be gone before this process ends
            life_line.join()

    try:
        work(folder, send)
    except Exception as error:
        if not isinstance(error, PoolError):  # which says it all
            traceback.print_exc()
        reason = " ".join(str(error).split()) or type(error).__name__
        send({"event": "failed", "reason": reason, "is_of_memory": isinstance(error, OutOfMemoryError)})
        sys.exit(1)
    send({"event": "done"})


def describe_exit(status: int | None) -> str:
    """What an exit status says about how a process ended, for a message."""
    if status is None:
        return "ended early"
    if status == -signal.SIGKILL:
        return "was killed (SIGKILL), as happens when memory runs out"
    if status < 0:
        return f"was killed ({signal.Signals(-status).name})"
    return f"ended early with exit status {status}"


def _end_with_caller(folder: Path) -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing is ever written: this returns when the caller is gone
    started = psutil.Process().children(recursive=True)
    for process in started:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(started, timeout=LAST_BREATH_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)
