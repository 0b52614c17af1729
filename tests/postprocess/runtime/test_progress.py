"""Tests the progress on and off a terminal."""

import io
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from postprocess.runtime.progress import Bars, Lines, Progress, Task, format_seconds, open_progress

PROJECT = Path(__file__).parents[3]


class FakeClock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def lines(stream, clock) -> Lines:
    return Lines(stream, clock=clock)


def texts(stream: io.StringIO) -> list[str]:
    """Return the log lines without their time of day, which two blanks separate from the text."""
    return [line.split("  ", 1)[1] for line in stream.getvalue().splitlines()]


def new_task(clock, *, total: float | None, unit: str = "sweep") -> Task:
    return Task("IPF sweeps", total=total, unit=unit, book=Progress(clock=clock)._book)


def test_the_status_shows_count_pace_time_left_and_note(clock):
    task = new_task(clock, total=10)
    clock.seconds += 2.5
    task.advance(3, note="largest error 0.01")
    assert task.status() == "3/10 (30 %)  1.2 sweeps/s  5.8 s left  largest error 0.01"
    task.advance()
    assert task.status() == "4/10 (40 %)  1.6 sweeps/s  3.8 s left  largest error 0.01"
    task.update(10, note="")
    clock.seconds += 5
    assert task.summary() == "10/10 (100 %)  4.0 sweeps/s  took 7.5 s"


def test_the_status_of_an_unknown_total_shows_the_time_so_far(clock):
    task = new_task(clock, total=None, unit="row")
    assert task.status() == "0.0 s so far"
    clock.seconds += 70
    task.advance(1_234_567)
    assert task.status() == "1,234,567 rows  17,637 rows/s  1 min 10 s so far"


def test_steps_without_a_unit_have_no_pace(clock):
    task = new_task(clock, total=100, unit="")
    clock.seconds += 5
    task.update(25)
    assert task.status() == "25/100 (25 %)  15 s left"


def test_slow_steps_show_the_time_per_step_and_count_the_running_step(clock):
    task = new_task(clock, total=10, unit="cycle")
    clock.seconds += 2400
    task.advance(2)
    clock.seconds += 1140
    assert task.status() == "2/10 (20 %)  20 min 0 s/cycle  2 h 21 min left"
    clock.seconds += 10_000
    assert task.status() == "2/10 (20 %)  20 min 0 s/cycle  2 h 20 min left"


def test_a_total_of_nothing_is_done_at_once(clock):
    assert new_task(clock, total=0).summary() == "0/0  took 0.0 s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.012, "0.0 s"),
        (2.44, "2.4 s"),
        (9.97, "10 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 0 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations_read_well(seconds, text):
    assert format_seconds(seconds) == text


def test_lines_come_soon_after_the_start_every_ten_seconds_and_at_the_end(lines, stream, clock):
    with lines.task("IPF sweeps", total=10, unit="sweep") as task:
        for _ in range(10):
            clock.seconds += 4
            task.advance()
    assert texts(stream) == [
        "IPF sweeps  1/10 (10 %)  4.0 s/sweep  36 s left",
        "IPF sweeps  4/10 (40 %)  4.0 s/sweep  24 s left",
        "IPF sweeps  7/10 (70 %)  4.0 s/sweep  12 s left",
        "IPF sweeps  10/10 (100 %)  4.0 s/sweep  0.0 s left",
        "IPF sweeps  done  10/10 (100 %)  4.0 s/sweep  took 40 s",
    ]


def test_a_log_line_carries_the_time_of_day(lines, stream):
    lines.log("pool_data/flat_pool.csv")
    time_of_day, text = stream.getvalue().split("  ")
    assert [len(part) for part in time_of_day.split(":")] == [2, 2, 2]
    assert text == "pool_data/flat_pool.csv\n"


def test_a_text_with_line_breaks_is_one_line(lines, stream):
    lines.log("a\nfolder/training.csv: odd")
    assert texts(stream) == ["a folder/training.csv: odd"]


def test_a_failing_task_is_logged_as_stopped(lines, stream):
    with pytest.raises(KeyboardInterrupt), lines.task("Training"):
        raise KeyboardInterrupt
    assert texts(stream) == ["Training  stopped  took 0.0 s"]


def test_a_task_of_less_than_a_second_leaves_a_line_only_in_a_verbose_log(stream, clock):
    for verbose in (False, True):
        with Lines(stream, verbose=verbose, clock=clock).task("Training", total=2) as task:
            clock.seconds += 0.9
            task.advance(2)
        assert len(texts(stream)) == 2 * verbose


def test_the_heartbeat_logs_a_task_that_takes_long_and_does_not_advance(lines, stream, clock):
    with lines.task("Training"):
        lines.heartbeat()
        assert texts(stream) == []
        clock.seconds += 1.5
        lines.heartbeat()
        lines.heartbeat()
        assert texts(stream) == ["Training  1.5 s so far"]


def test_the_heartbeat_logs_the_innermost_task_after_a_long_silence_only(lines, stream, clock):
    lines.heartbeat()
    with lines.task("Cycles", total=3, unit="cycle"), lines.task("Training"):
        clock.seconds += 1
        lines.heartbeat()
        clock.seconds += 54
        lines.heartbeat()
        clock.seconds += 1
        lines.heartbeat()
        lines.heartbeat()
        assert texts(stream) == ["Training  1.0 s so far", "Training  56 s so far"]
    clock.seconds += 100
    lines.heartbeat()
    assert len(texts(stream)) == 4


def test_the_heartbeat_thread_beats_while_nothing_advances_and_ends_with_the_task(stream, monkeypatch):
    monkeypatch.setattr("postprocess.runtime.progress.SECONDS_PER_CHECK", 0.005)
    beaten = threading.Event()
    lines = Lines(stream)
    monkeypatch.setattr(lines, "heartbeat", beaten.set)
    before = set(threading.enumerate())
    with lines.task("Training"):
        (beat,) = (thread for thread in set(threading.enumerate()) - before if "_beat" in thread.name)
        assert beaten.wait(10)
    beat.join(10)
    assert not beat.is_alive()


def test_threads_may_advance_one_task(stream, clock):
    lines = Lines(stream, verbose=True, clock=clock)

    def advance_often() -> None:
        for _ in range(1000):
            task.advance()

    with lines.task("Scores", total=4000, unit="block") as task:
        threads = [threading.Thread(target=advance_often) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert "Scores  done  4,000/4,000 (100 %)" in stream.getvalue()


def test_a_task_that_has_ended_may_still_be_advanced(lines, stream, clock):
    with lines.task("Scores") as task:
        pass
    clock.seconds += 100
    task.advance()
    assert texts(stream) == []


def test_the_base_progress_takes_everything_and_shows_nothing(capsys):
    progress = Progress()
    progress.log("text")
    with progress.task("IPF sweeps", total=2) as task:
        task.advance(note="note")
        task.update(2)
    assert task.completed == 2
    assert capsys.readouterr() == ("", "")


def test_bars_show_the_status_and_leave_one_line_per_task():
    stream = Terminal()
    bars = Bars(stream, verbose=True)
    with bars.task("Cycles", total=2, unit="cycle") as cycles:
        with bars.task("Training [1]", total=4) as training:
            training.update(4, note="loss 0.5")
            bars.log("kept [bold]as it is")
        cycles.advance()
    left = stream.getvalue()
    assert "kept [bold]as it is" in left
    assert "Training [1]  done  4/4 (100 %)" in left
    assert "Cycles  done  1/2 (50 %)" in left
    training.advance()
    assert stream.getvalue() == left


@pytest.mark.parametrize(
    ("stream", "term", "kind"),
    [
        (Terminal(), "xterm-256color", Bars),
        (Terminal(), "dumb", Lines),
        (io.StringIO(), "xterm-256color", Lines),
        (None, "xterm-256color", Progress),
    ],
)
def test_the_stream_decides_which_progress_is_opened(stream, term, kind, monkeypatch):
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert type(open_progress(stream)) is kind


def test_a_stream_closed_before_or_meanwhile_is_no_failure(stream):
    progress = open_progress(stream)
    with progress.task("IPF sweeps") as task:
        stream.close()
        task.advance()
        progress.log("unheard")
    assert type(open_progress(stream)) is Progress


def test_a_reader_that_went_away_does_not_end_the_program():
    program = """
        import sys
        from postprocess.runtime.progress import open_progress
        progress = open_progress(sys.stderr)
        progress.log("first")
        sys.stdin.readline()
        progress.log("unread")
        print("finished")
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr.readline().endswith("first\n")
        process.stderr.close()
        process.stdin.write("go on\n")
        process.stdin.close()
        assert process.stdout.read() == "finished\n"
    assert process.returncode == 0
