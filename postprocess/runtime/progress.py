"""Progress of the long stages: bars on a terminal, log lines anywhere else.

with progress.task("IPF sweeps", total=10, unit="sweep") as task:
    task.advance(note="largest error 0.01")

rich counts the steps, whether or not it shows its bars.
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

from postprocess.runtime.streams import LastingStream

MIN_SECONDS = 1.0  # a task that takes less leaves no line, unless the log is verbose
SECONDS_PER_LINE = 10.0  # an advancing task logs a line at most this often
MAX_SILENT_SECONDS = 55.0  # a log that was silent for this long gets a line
SECONDS_PER_CHECK = 1.0  # whether a running task is due for a line
DONE = "done"
BAR_WIDTH = 20  # characters: the rest of the line is for the numbers

Clock = Callable[[], float]


class Task:
    """One running piece of work. `Progress.task` makes it, and several threads may advance it."""

    def __init__(
        self,
        label: str,
        *,
        total: float | None,
        unit: str,
        book: rich_progress.Progress,
        changed: Callable[["Task"], None] = lambda _: None,
    ) -> None:
        self.label, self.note = label, ""
        self._unit, self._book, self._changed = unit, book, changed
        self.number = book.add_task(label, total=total, visible=False, shown=self)
        self._counted = next(task for task in book.tasks if task.id == self.number)
        self._started = self._stepped = book.get_time()
        book.update(self.number, visible=True)

    @property
    def completed(self) -> float:
        """The steps completed so far."""
        return self._counted.completed

    @property
    def total(self) -> float | None:
        """The number of steps in all, if it is known."""
        return self._counted.total

    def advance(self, steps: float = 1, *, note: str | None = None) -> None:
        """Count `steps` more as completed. `note` is a short text for the end of the line, until the next one."""
        with suppress(KeyError):  # the task has ended, and this thread comes late
            self._book.advance(self.number, steps)
            self._tell(note)

    def update(self, completed: float, *, note: str | None = None) -> None:
        """Set the number of steps completed since the start. `note` is as in `advance`."""
        with suppress(KeyError):
            self._book.update(self.number, completed=completed)
            self._tell(note)

    def _tell(self, note: str | None) -> None:
        self._stepped = self._book.get_time()
        self.note = self.note if note is None else note
        self._changed(self)

    def count(self) -> str:
        """Return how much is completed: `3/10 (30 %)`, or `3 sweeps` if the total is unknown."""
        total = self.total
        if total is None:
            return f"{self.completed:,.0f} {self._unit}s" if self.completed else ""
        percent = f" ({100 * self.completed // total:.0f} %)" if total else ""
        return f"{self.completed:,.0f}/{total:,.0f}{percent}"

    def status(self) -> str:
        """Return how far the task is: `3/10 (30 %)  1.2 sweeps/s  6 s left  largest error 0.01`."""
        left = self._seconds_left()
        time_text = f"{format_seconds(self.elapsed())} so far" if left is None else f"{format_seconds(left)} left"
        return _join(self.count(), self._pace(), time_text, self.note)

    def summary(self) -> str:
        """Return what the task came to: as `status`, with the time that it took."""
        return _join(self.count(), self._pace(), f"took {format_seconds(self.elapsed())}", self.note)

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return self._book.get_time() - self._started

    def _seconds_per_step(self) -> float | None:
        seconds = self._stepped - self._started  # the mean over the whole task, because a single step may take minutes
        return seconds / self.completed if self.completed > 0 and seconds > 0 else None

    def _seconds_left(self) -> float | None:
        seconds = self._seconds_per_step()
        if self.total is None or seconds is None:
            return None
        # The time spent on the step under way counts. An overdue step does not use up the time of the steps after it.
        under_way = min(self._book.get_time() - self._stepped, seconds)
        return max(0.0, (self.total - self.completed) * seconds - under_way)

    def _pace(self) -> str:
        seconds = self._seconds_per_step()
        if seconds is None or not self._unit:
            return ""
        if seconds > 1:
            return f"{format_seconds(seconds)}/{self._unit}"
        return f"{1 / seconds:,.0f} {self._unit}s/s" if seconds <= 0.1 else f"{1 / seconds:.1f} {self._unit}s/s"


class Progress:
    """The progress of a run, which its stages report. This class shows nothing. `open_progress` opens one that does."""

    def __init__(self, *, book: rich_progress.Progress | None = None, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._book = book or rich_progress.Progress(get_time=clock, console=Console(quiet=True))
        self._lock = threading.RLock()
        self._running: list[Task] = []  # the innermost task is the last one

    @contextmanager
    def task(self, label: str, *, total: float | None = None, unit: str = "step") -> Iterator[Task]:
        """Show work of `total` steps (None: unknown). `unit` names one step in the singular ("": no pace)."""
        task = Task(label, total=total, unit=unit, book=self._book, changed=self._changed)
        with self._lock:
            self._running.append(task)
            self._begin(task)
        outcome = "stopped"
        try:
            yield task
            outcome = DONE
        finally:
            with self._lock:
                self._running.remove(task)
                self._book.remove_task(task.number)
                self._end(task, outcome)

    def log(self, text: str) -> None:
        """Write one line, with the time of day, above any bar."""

    def _begin(self, task: Task) -> None: ...

    def _changed(self, task: Task) -> None: ...

    def _end(self, task: Task, outcome: str) -> None: ...


class Lines(Progress):
    """Log lines: about every 10 s while a task advances, at least once a minute, and when it ends.

    A task that takes less than MIN_SECONDS leaves none, unless `verbose` is set.
    """

    def __init__(self, stream: TextIO, *, verbose: bool = False, clock: Clock = time.monotonic) -> None:
        super().__init__(clock=clock)
        self._stream, self._least = stream, 0.0 if verbose else MIN_SECONDS
        self._line_due: dict[Task, float] = {}
        self._shown: set[Task] = set()  # the running tasks that have a line
        self._written = clock()
        self._idle = threading.Event()

    def log(self, text: str) -> None:
        with self._lock:
            self._written = self._clock()
            print(_timed(text), file=self._stream, flush=True)

    def heartbeat(self) -> None:
        """Write a line for the innermost running task if it has none yet, or if the log has been silent for long."""
        with self._lock:
            if not self._running:
                return
            task = self._running[-1]
            is_new = task not in self._shown and task.elapsed() >= self._least
            if is_new or self._clock() >= self._written + MAX_SILENT_SECONDS:
                self._write(task, task.status())

    def _begin(self, task: Task) -> None:
        if len(self._running) == 1:
            self._idle = threading.Event()
            threading.Thread(target=self._beat, args=(self._idle,), daemon=True).start()
        self._line_due[task] = self._clock() + self._least

    def _changed(self, task: Task) -> None:
        with self._lock:
            if task in self._running and self._clock() >= self._line_due[task]:
                self._write(task, task.status())

    def _end(self, task: Task, outcome: str) -> None:
        if outcome != DONE or task in self._shown or task.elapsed() >= self._least:
            self._write(task, _join(outcome, task.summary()))
        del self._line_due[task]
        self._shown.discard(task)
        if not self._running:
            self._idle.set()

    def _write(self, task: Task, text: str) -> None:
        self._shown.add(task)
        self._line_due[task] = self._clock() + SECONDS_PER_LINE
        self.log(_join(task.label, text))

    def _beat(self, idle: threading.Event) -> None:
        while not idle.wait(SECONDS_PER_CHECK):
            self.heartbeat()


class Bars(Progress):
    """One bar for each running task, drawn by rich. A task that ends leaves a log line, as in `Lines`."""

    def __init__(self, stream: TextIO, *, verbose: bool = False) -> None:
        self._least = 0.0 if verbose else MIN_SECONDS
        self._console = Console(file=stream, force_terminal=True)
        bars = rich_progress.Progress(
            rich_progress.TextColumn("{task.description}", markup=False),
            rich_progress.BarColumn(bar_width=BAR_WIDTH),
            _StatusColumn(),
            console=self._console,
            transient=True,
            # What libraries print goes above the bars, unless stdout is a file or a pipe and not this terminal.
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
        )
        super().__init__(book=bars)

    def log(self, text: str) -> None:
        self._console.print(Text(_timed(text)), soft_wrap=True)

    def _begin(self, task: Task) -> None:
        self._book.start()

    def _end(self, task: Task, outcome: str) -> None:
        if not self._running:
            self._book.stop()
        if outcome != DONE or task.elapsed() >= self._least:
            self.log(_join(task.label, outcome, task.summary()))


class _StatusColumn(rich_progress.ProgressColumn):
    def render(self, task: rich_progress.Task) -> Text:
        return Text(task.fields["shown"].status(), no_wrap=True, overflow="ellipsis")


def open_progress(stream: TextIO | None, *, verbose: bool = False) -> Progress:
    """Return bars for a terminal, log lines for another stream, and silence for one that is None or closed.

    verbose: short tasks leave a line as well.
    """
    if stream is None or stream.closed:
        return Progress()
    lasting = cast(TextIO, LastingStream(stream))  # it passes on the attributes of the stream
    is_terminal = stream.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
    return (Bars if is_terminal else Lines)(lasting, verbose=verbose)


def format_seconds(seconds: float) -> str:
    """Return a duration for people: `2.4 s`, `45 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def _timed(text: str) -> str:
    return " ".join(f"{time.strftime('%H:%M:%S')}  {text}".splitlines())  # a path may contain a line break


def _join(*parts: str) -> str:
    return "  ".join(part for part in parts if part)
