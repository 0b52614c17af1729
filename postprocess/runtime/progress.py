"""Progress of the long stages: bars on a terminal, log lines anywhere else.

with progress.task("IPF sweeps", total=10, unit="sweep") as task:
    task.advance(note="largest error 0.01")
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO, cast

from rich import progress as rich_progress
from rich.console import Console
from rich.text import Text

LINE_SECONDS = 10.0  # an advancing task logs a line at most this often
HEARTBEAT_SECONDS = 55.0  # a log that was silent for this long gets a line ...
CHECK_SECONDS = 5.0  # ... and is looked at this often, so that it is never silent for more than a minute
BAR_WIDTH = 20  # characters: the rest of the line is for the numbers

Clock = Callable[[], float]


class Task:
    """One running piece of work; made by `Progress.task`, and safe to advance from several threads."""

    def __init__(
        self, label: str, *, total: float | None, unit: str, clock: Clock, changed: Callable[["Task"], None]
    ) -> None:
        self.label, self.total, self.completed, self.note = label, total, 0.0, ""
        self._unit, self._clock, self._changed = unit, clock, changed
        self._started = self._stepped = clock()
        self._lock = threading.Lock()

    def advance(self, steps: float = 1, *, note: str | None = None) -> None:
        """Count `steps` more as completed; `note` is a short text for the end of the line and stays until the next."""
        with self._lock:
            self._set(self.completed + steps, note)
        self._changed(self)

    def update(self, completed: float, *, note: str | None = None) -> None:
        """Set how much is completed since the start; `note` as for `advance`."""
        with self._lock:
            self._set(completed, note)
        self._changed(self)

    def count(self) -> str:
        """How much is completed: `3/10 (30 %)`, or `3 sweeps` where the total is unknown."""
        if self.total is None:
            return f"{self.completed:,.0f} {self._unit}s" if self.completed else ""
        percent = f" ({100 * self.completed // self.total:.0f} %)" if self.total else ""
        return f"{self.completed:,.0f}/{self.total:,.0f}{percent}"

    def status(self) -> str:
        """How far the task is: `3/10 (30 %)  1.2 sweeps/s  6 s left  largest error 0.01`."""
        left = self._seconds_left()
        time_text = f"{format_seconds(self._elapsed())} so far" if left is None else f"{format_seconds(left)} left"
        return _join(self.count(), self._rate(), time_text, self.note)

    def summary(self) -> str:
        """What the task came to: as `status`, with the time it took."""
        return _join(self.count(), self._rate(), f"took {format_seconds(self._elapsed())}", self.note)

    def _set(self, completed: float, note: str | None) -> None:
        self.completed, self._stepped = completed, self._clock()
        if note is not None:
            self.note = note

    def _elapsed(self) -> float:
        return self._clock() - self._started

    def _seconds_per_step(self) -> float | None:
        seconds = self._stepped - self._started
        return seconds / self.completed if self.completed > 0 and seconds > 0 else None

    def _seconds_left(self) -> float | None:
        seconds = self._seconds_per_step()
        if self.total is None or seconds is None:
            return None
        # The time spent on the step under way counts, but an overdue step does not eat up the steps after it.
        under_way = min(self._clock() - self._stepped, seconds)
        return max(0.0, (self.total - self.completed) * seconds - under_way)

    def _rate(self) -> str:
        seconds = self._seconds_per_step()
        if seconds is None or not self._unit:
            return ""
        if seconds > 1:
            return f"{format_seconds(seconds)}/{self._unit}"
        rate = 1 / seconds
        return f"{rate:,.0f} {self._unit}s/s" if rate >= 10 else f"{rate:.1f} {self._unit}s/s"


class Progress:
    """What a stage is handed to tell how far it is; `open_progress` makes the fitting kind, this one shows nothing."""

    def __init__(self, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock

    @contextmanager
    def task(self, label: str, *, total: float | None = None, unit: str = "step") -> Iterator[Task]:
        """Show work of `total` steps (None: unknown); `unit` names one step in the singular ("": no pace)."""
        task = Task(label, total=total, unit=unit, clock=self._clock, changed=self._changed)
        self._begin(task)
        outcome = "stopped"
        try:
            yield task
            outcome = "done"
        finally:
            self._end(task, outcome)

    def log(self, text: str) -> None:
        """Write one line, with the time of day, above any bar."""

    def _begin(self, task: Task) -> None: ...

    def _changed(self, task: Task) -> None: ...

    def _end(self, task: Task, outcome: str) -> None: ...


class Silent(Progress):
    """Shows nothing: for tests and for use as a library."""


class Lines(Progress):
    """Log lines: when a task starts and ends, about every 10 s while it advances, and at least once a minute."""

    def __init__(self, stream: TextIO, *, clock: Clock = time.monotonic) -> None:
        super().__init__(clock=clock)
        self._stream = stream
        self._lock = threading.RLock()
        self._line_due: dict[Task, float] = {}  # of the running tasks, the innermost one last
        self._written = clock()
        self._idle = threading.Event()

    def log(self, text: str) -> None:
        with self._lock:
            self._written = self._clock()
            self._stream.write(_timed(text) + "\n")
            self._stream.flush()

    def heartbeat(self) -> None:
        """Write a line for the innermost running task where the log has been silent for long."""
        with self._lock:
            if self._line_due and self._clock() >= self._written + HEARTBEAT_SECONDS:
                task = next(reversed(self._line_due))
                self._write(task, task.status())

    def _begin(self, task: Task) -> None:
        with self._lock:
            if not self._line_due:
                self._idle = threading.Event()
                threading.Thread(target=self._beat, args=(self._idle,), daemon=True).start()
            self._write(task, _join("starts", task.count()))

    def _changed(self, task: Task) -> None:
        with self._lock:
            if task in self._line_due and self._clock() >= self._line_due[task]:
                self._write(task, task.status())

    def _end(self, task: Task, outcome: str) -> None:
        with self._lock:
            self._write(task, _join(outcome, task.summary()))
            del self._line_due[task]
            if not self._line_due:
                self._idle.set()

    def _write(self, task: Task, text: str) -> None:
        self._line_due[task] = self._clock() + LINE_SECONDS
        self.log(_join(task.label, text))

    def _beat(self, idle: threading.Event) -> None:
        while not idle.wait(CHECK_SECONDS):
            self.heartbeat()


class Bars(Progress):
    """One bar for each running task, drawn by rich; a task that ends leaves a log line."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._console = Console(file=stream, force_terminal=True)
        self._lock = threading.RLock()
        self._shown: dict[Task, rich_progress.TaskID] = {}
        self._bars = self._new_bars()

    def log(self, text: str) -> None:
        self._console.print(Text(_timed(text)), soft_wrap=True)

    def _new_bars(self) -> rich_progress.Progress:
        return rich_progress.Progress(
            rich_progress.TextColumn("{task.description}", markup=False),
            rich_progress.BarColumn(bar_width=BAR_WIDTH),
            _StatusColumn(),
            console=self._console,
            transient=True,
            # What libraries print goes above the bars, except where stdout is not this terminal but a file or a pipe.
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
        )

    def _begin(self, task: Task) -> None:
        with self._lock:
            if not self._shown:
                self._bars = self._new_bars()
                self._bars.start()
            self._shown[task] = self._bars.add_task(task.label, total=task.total, shown=task)

    def _changed(self, task: Task) -> None:
        with self._lock:
            if task in self._shown:
                self._bars.update(self._shown[task], completed=task.completed)

    def _end(self, task: Task, outcome: str) -> None:
        with self._lock:
            self._bars.remove_task(self._shown.pop(task))
            if not self._shown:
                self._bars.stop()
            self.log(_join(task.label, outcome, task.summary()))


class _StatusColumn(rich_progress.ProgressColumn):
    def render(self, task: rich_progress.Task) -> Text:
        return Text(task.fields["shown"].status(), no_wrap=True, overflow="ellipsis")


class _Lasting:
    """A stream whose writes never fail, so that the run goes on when nobody reads it any more (`| head`)."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._attempt(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._attempt(self._stream.flush)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def _attempt(self, action: Callable[[], object]) -> None:
        with suppress(OSError, ValueError):  # telling how far the work is must not be what ends it
            try:
                action()
            except BrokenPipeError:
                # What could not be written stays buffered, and would fail again when the program ends.
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


def open_progress(stream: TextIO | None) -> Progress:
    """Bars where `stream` is a terminal, log lines where it is not, silence where it is None or closed."""
    if stream is None or stream.closed:
        return Silent()
    lasting = cast(TextIO, _Lasting(stream))  # what it does not have itself, it passes on
    is_terminal = stream.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
    return Bars(lasting) if is_terminal else Lines(lasting)


def format_seconds(seconds: float) -> str:
    """A duration for people: `2.4 s`, `45 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _timed(text: str) -> str:
    return f"{time.strftime('%H:%M:%S')}  {text}"


def _join(*parts: str) -> str:
    return "  ".join(part for part in parts if part)
