"""Tests how runs end: by interrupts, signals and failures, and with streams that nobody reads."""

import json
import os
import re
import signal
import subprocess
import sys

import pytest

from pool.errors import PoolError
from tests.runs.support import (
    LOG_LINE,
    POOL_FILES,
    PROJECT,
    broken_generator,
    call,
    command,
    complaint,
    files_below,
    save,
    use_generator,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("stage", "left"),
    [("first cycle", set()), ("second cycle", None), ("selection", POOL_FILES), ("writing", POOL_FILES)],
)
def test_an_interrupted_run_leaves_only_whole_cycles(training, output, monkeypatch, capsys, stage, left):
    def interrupt(*_arguments, **_options):
        raise KeyboardInterrupt

    if stage.endswith("cycle"):
        in_cycle = 1 if stage == "first cycle" else 2
        use_generator(monkeypatch, broken_generator(KeyboardInterrupt(), in_cycle=in_cycle))
    else:
        monkeypatch.setattr(
            {"selection": "main.select_rows", "writing": "postprocess.runtime.outputs.publish"}[stage], interrupt
        )
    assert call(training, "--output", output) == 130
    assert complaint(capsys) == "main.py: interrupted"
    if stage == "second cycle":
        manifest = json.loads((output / "pool_data/flat_pool_20260131_0930_manifest.json").read_text())
        (cycle,) = manifest["cycles"]
        left = {"pool_data/flat_pool_20260131_0930_manifest.json", f"pool_data/{cycle['part']}"}
        assert cycle["rows"] == 800
    assert files_below(output) == left


SLEEPING_RUN = """
import contextlib, functools, sys
import main
from pool.protocols import check_stop
from tests.pool.fakes import RECORD, resampled

class Sleeper:
    record = RECORD
    def __init__(self, rows, plan, progress, stop):
        self.frames, self.progress, self.stop = resampled(rows, plan, progress), progress, stop
    def sample(self):
        yield next(self.frames).head(10)
        self.progress.log("asleep")
        self.stop.wait(60)
        check_stop(self.stop)

@contextlib.contextmanager
def train(*arguments):
    yield Sleeper(*arguments)

main.build_pool = functools.partial(main.build_pool, train=train)
sys.exit(main.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [
        (signal.SIGINT, 130, "main.py: interrupted"),
        (signal.SIGTERM, 143, "main.py: terminated"),
        (signal.SIGHUP, 129, "main.py: terminated, because the terminal was closed"),
    ],
)
def test_a_signal_ends_the_run_with_its_exit_code_and_leaves_no_file(training, output, number, code, line):
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPING_RUN, training, "--output", output],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # this test may run under nohup
    )
    while not (log := process.stderr.readline()).endswith("asleep\n"):
        assert log, "the run ended too early"
    assert any(name.endswith(".part") for name in files_below(output))
    process.send_signal(number)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == code
    assert [text for text in rest.splitlines() if not LOG_LINE.match(text)] == [line]
    assert files_below(output) == set()


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            PoolError("cycle 1 of 2: the generator failed: no more memory"),
            "cycle 1 of 2: the generator failed: no more",
        ),
        (MemoryError("1 GiB"), r"out of memory \(1 GiB\): lower sample_size, max_memory or the swapsizes"),
        (
            OSError(28, "No space left on device"),
            "/.*/pool_data: no space left on the device; finished cycles kept there: 0",
        ),
        (PermissionError(13, "Permission denied", "/some/file"), "/some/file: Permission denied"),
        (KeyError("two\nlines"), r"KeyError in .*support.py, line \d+: 'two\\nlines'"),
        (RuntimeError("two\nlines"), r"RuntimeError in .*support.py, line \d+: two lines"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failed_run_ends_with_one_line_and_leaves_no_file(training, output, monkeypatch, capsys, error, line):
    use_generator(monkeypatch, broken_generator(error, in_cycle=1))
    assert call(training, "--output", output) == 1
    assert re.match(f"main.py: {line}", complaint(capsys))
    assert files_below(output) == set()


@pytest.mark.parametrize("stdout", ["pipe", "closed"])
def test_a_run_whose_output_nobody_reads_finishes(training, output, tmp_path, pool_frame, stdout):
    arguments = command(training, "--pool", save(pool_frame, tmp_path / "pool.csv"), "--output", output)
    reading, writing = os.pipe()
    os.close(reading)
    if stdout == "closed":
        arguments = ["bash", "-c", '"$@" >&-', "bash", *arguments]
    with os.fdopen(writing) as unread:
        process = subprocess.run(arguments, stdout=unread, stderr=subprocess.PIPE, text=True, timeout=60)
    assert process.returncode == 0, process.stderr
    assert all(LOG_LINE.match(line) for line in process.stderr.splitlines())
    assert len(files_below(output / "results")) == 3


@pytest.mark.parametrize(
    ("streams", "arguments", "code", "line"),
    [
        ("2>&-", ["run"], 0, b""),
        ("2>/dev/full", ["run"], 0, b""),
        (">/dev/full", ["run"], 1, b"main.py: stdout: No space left on device"),
        (">/dev/full 2>/dev/full", ["run"], 1, b""),
        (">/dev/full", ["--version"], 1, b"main.py: stdout: No space left on device"),
        ("2>/dev/full", ["none.csv"], 2, b""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_full_and_closed_streams_do_not_change_the_exit_code(
    training, output, tmp_path, pool_frame, streams, arguments, code, line
):
    if arguments == ["run"]:
        arguments = [training, "--pool", save(pool_frame, tmp_path / "pool.csv"), "--output", output]
    process = subprocess.run(
        ["bash", "-c", f'"$@" {streams}', "bash", *command(*arguments)],
        env={name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"},
        capture_output=True,
        timeout=60,
    )
    assert process.returncode == code
    assert [text for text in process.stderr.splitlines() if not LOG_LINE.match(text.decode())] == (
        [line] if line else []
    )
    assert len(files_below(output / "results")) == (3 if len(arguments) > 1 else 0)


def test_with_a_closed_stderr_nothing_is_written_to_stdout(tmp_path):
    process = subprocess.run(
        ["bash", "-c", '"$@" 2>&-', "bash", *command(tmp_path / "none.csv")], stdout=subprocess.PIPE, timeout=60
    )
    assert (process.returncode, process.stdout) == (2, b"")


def test_ctrl_c_while_the_libraries_load_ends_with_one_line(tmp_path):
    (tmp_path / "numpy.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    process = subprocess.run(
        command("training.csv"), env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, timeout=60
    )
    assert (process.returncode, process.stdout, process.stderr) == (130, b"", b"main.py: interrupted\n")


def test_a_library_that_does_not_load_ends_with_one_line(tmp_path):
    (tmp_path / "pandas.py").write_text("raise ImportError('failed to map segment')\n")
    process = subprocess.run(
        command("training.csv"), env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, timeout=60
    )
    assert process.returncode == 1
    assert process.stderr.startswith(b"main.py: ImportError: failed to map segment; memory (ulimit -v)")
    assert process.stderr.count(b"\n") == 1
