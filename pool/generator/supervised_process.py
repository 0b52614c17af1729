"""A Python module run as a supervised process: it sends events, and nothing that it started outlives the caller.

The process leads a session of its own. Ctrl-C on a terminal therefore does not reach it, and it can be killed together
with all that it started. Its events are JSON lines in a pipe. Only the process itself writes to that pipe, so the end
of the pipe is the end of the process, even if a process that it started lives on. Its standard input is its lifeline:
when the caller ends, the input ends, and the process ends itself.
"""

import json
import os
import select
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

from pool.errors import OutOfMemoryError, PoolError, one_line
from pool.generator.temporary_folder import LOCK_NAME
from pool.protocols import check_stop

PROJECT = Path(__file__).resolve().parents[2]
EVENTS_VARIABLE = "POOL_PROCESS_EVENTS"  # the file descriptor of the pipe for events
LOG_NAME = "process.log"  # all that the process and its children print
MAX_QUOTED_LINES, MAX_QUOTED_CHARACTERS = 5, 1000  # of the log, if the process fails
POLL_SECONDS = 0.25
STALL_SECONDS = 15 * 60.0  # a process has stalled if it is silent and idle for this long
IDLE_SHARE = 0.01  # of one core: a process that uses less only waits
READ_BYTES = 65536
KERNEL_COUNTS = Path("/proc/vmstat")
OWN_OOM_SCORE = Path("/proc/self/oom_score_adj")
FIRST_TO_KILL = "500"  # if memory runs out, the kernel kills this process rather than the caller

# Removes the folder $2 once the processes of the killed group $1 have ended, or after five seconds. The lock $3 goes
# last: see `temporary_folder`.
REMOVE_AFTER_THEIR_END = """
for _ in $(seq 50); do kill -0 "-$1" || break; sleep 0.1; done
find "$2" -mindepth 1 -maxdepth 1 ! -name "$3" -exec rm -rf -- {} +
exec rm -rf -- "$2"
"""

Event = dict[str, Any]
Send = Callable[[Event], None]


class SupervisedProcess:
    """The caller's side: `with SupervisedProcess(module, folder=folder) as process: for event in process.events(stop)`.

    module: run as `python -m module folder`; it calls `serve`. It can import the project and the installed packages,
        and nothing from the working directory.
    folder: holds all that the process reads and writes. If the caller is killed, the process removes it.
    environment: variables in addition to those of this process.
    """

    def __init__(self, module: str, *, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._log, self._kills_before = folder / LOG_NAME, kernel_kills()
        self._events, events = os.pipe()
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", module, str(folder)],
                    env=os.environ
                    | {"PYTHONPATH": str(PROJECT)}
                    | dict(environment or {})
                    | {EVENTS_VARIABLE: str(events)},
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

    def __enter__(self) -> "SupervisedProcess":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """Kill the process and all it started."""
        self._kill()
        os.close(self._events)

    def events(self, stop: threading.Event) -> Iterator[Event]:
        """Yield the events of the process until it says that it is done.

        Raises OutOfMemoryError or another PoolError as soon as the process fails, ends before that or stalls, and
        StoppedError soon after `stop` is set.
        """
        for event in self._received(stop):
            if event["event"] == "done":
                return
            if event["event"] == "failed":
                error = OutOfMemoryError if event["is_of_memory"] else PoolError
                raise error(f"{event['reason']}{self._last_lines()}")
            yield event
        status = self._kill()
        error = OutOfMemoryError if self._was_killed_for_memory(status) else PoolError
        raise error(f"its process {describe_exit(status)}{self._last_lines()}")

    def _received(self, stop: threading.Event) -> Iterator[Event]:
        buffer = b""
        silence: tuple[float, float] | None = None  # its start, and the processor seconds used by then
        while True:
            check_stop(stop)
            readable, _, _ = select.select([self._events], [], [], POLL_SECONDS)
            if readable:
                received = os.read(self._events, READ_BYTES)
                if not received:
                    return
                *lines, buffer = (buffer + received).split(b"\n")
                yield from map(json.loads, lines)
                silence = None
            elif self._has_ended():
                return
            elif silence is None:
                silence = time.monotonic(), self._processor_seconds()
            elif time.monotonic() - silence[0] >= STALL_SECONDS:
                if self._processor_seconds() - silence[1] < IDLE_SHARE * STALL_SECONDS:
                    minutes = STALL_SECONDS / 60
                    raise PoolError(
                        f"its process stalled: silent and idle for {minutes:.0f} minutes{self._last_lines()}"
                    )
                silence = None

    def _processor_seconds(self) -> float:
        """Return the processor time of the process and of all that it started."""
        seconds = 0.0
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._process.pid)
            for one in [process, *process.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    times = one.cpu_times()
                    seconds += times.user + times.system
        return seconds

    def _was_killed_for_memory(self, status: int) -> bool:
        """Return whether the kernel, and not a person, sent the SIGKILL that ended the process."""
        now = kernel_kills()
        return (
            status == -signal.SIGKILL
            and self._kills_before is not None
            and now is not None
            and now > self._kills_before
        )

    def _has_ended(self) -> bool:
        # It is not reaped here: while it is a zombie, no other process can get the number of its group.
        return self._process.returncode is not None or bool(
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        )

    def _kill(self) -> int:
        """Kill all that still runs. Returns the exit status of the process, also if it had ended before."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            assert self._process.stdin is not None, "a pipe"
            self._process.stdin.close()
        return self._process.returncode

    def _last_lines(self) -> str:
        lines = [line.strip() for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        quoted = " | ".join(lines[-MAX_QUOTED_LINES:])[-MAX_QUOTED_CHARACTERS:]
        return f"; last lines: {quoted}" if quoted else ""


def serve(work: Callable[[Path, Send], None]) -> None:
    """Do `work(folder, send)` on the process's side, and send the caller how it ended.

    send: passes an event to the caller. An event is a JSON object with a text `event`.
    """
    folder = Path(sys.argv[1])
    events = int(os.environ.pop(EVENTS_VARIABLE))
    os.set_inheritable(events, False)
    with suppress(OSError):  # not on every system
        OWN_OOM_SCORE.write_text(FIRST_TO_KILL)
    lifeline = threading.Thread(target=_end_with_caller, args=(folder,), daemon=True)
    lifeline.start()

    def send(event: Event) -> None:
        line = json.dumps(event).encode() + b"\n"
        try:
            while line:
                line = line[os.write(events, line) :]
        except BrokenPipeError:  # the caller is gone: the lifeline ends this process
            lifeline.join()

    try:
        work(folder, send)
    except Exception as error:
        if not isinstance(error, PoolError):  # a PoolError says everything in its message
            traceback.print_exc()
        send({"event": "failed", "reason": one_line(error), "is_of_memory": isinstance(error, OutOfMemoryError)})
        sys.exit(1)
    send({"event": "done"})


def describe_exit(status: int) -> str:
    """Say in words how a process with this exit status ended."""
    if status == -signal.SIGKILL:
        return "was killed (SIGKILL), as happens when memory runs out"
    if status < 0:
        return f"was killed ({signal.Signals(-status).name})"
    return f"ended early with exit status {status}"


def kernel_kills() -> int | None:
    """Return how many processes the kernel has killed so far because memory ran out; None if unknown."""
    with suppress(OSError):
        for line in KERNEL_COUNTS.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return None


def _end_with_caller(folder: Path) -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing is ever written, so this returns when the caller is gone
    # Another process removes the folder: this one would go on writing there meanwhile.
    command = ["/bin/sh", "-c", REMOVE_AFTER_THEIR_END, "sh", str(os.getpgid(0)), str(folder), LOCK_NAME]
    try:
        subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    finally:
        os.killpg(0, signal.SIGKILL)
