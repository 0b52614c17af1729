import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from pool.errors import OutOfMemoryError, PoolError
from pool.generator import supervised_process
from pool.generator.supervised_process import SupervisedProcess, describe_exit, kernel_kills

pytestmark = pytest.mark.slow

PROJECT = Path.cwd()
NEVER = threading.Event()
PROMPT_SECONDS = 10  # far less than any of the sleeps below

# A module that starts a sleeping process, sends its number and does BODY.
SLEEPER = """
import os, signal, subprocess, sys, time
from pool.generator.supervised_process import serve
def work(folder, send):
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    send({"event": "started", "pid": sleeper.pid})
    BODY
serve(work)
"""


@pytest.fixture
def start(tmp_path):
    """Return a function that starts a process, which starts a sleeping process and then does `body`."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "work").mkdir()

    def start_process(body: str) -> SupervisedProcess:
        (tmp_path / "modules" / "sleeper.py").write_text(SLEEPER.replace("BODY", body))
        paths = os.pathsep.join([str(tmp_path / "modules"), str(PROJECT)])
        return SupervisedProcess("sleeper", folder=tmp_path / "work", environment={"PYTHONPATH": paths})

    return start_process


def is_gone(pid: int) -> bool:
    deadline = time.monotonic() + PROMPT_SECONDS
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def test_events_arrive_and_no_process_is_left_afterwards(start):
    with start('send({"event": "number", "value": 7})') as process:
        started, number = process.events(NEVER)
    assert number == {"event": "number", "value": 7}
    assert is_gone(started["pid"])


def test_a_failure_says_why_and_quotes_the_log(start):
    body = 'print("two last", flush=True); raise ValueError("no such thing\\n at all")'
    with start(body) as process, pytest.raises(PoolError) as failure:
        list(process.events(NEVER))
    assert str(failure.value).startswith("no such thing at all; last lines: ")
    assert "\n" not in str(failure.value) and "ValueError" in str(failure.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", r"was killed \(SIGKILL\), as happens when memory runs out"),
        ('print("out of luck", flush=True); os._exit(3)', "ended early with exit status 3; last lines: out of luck"),
    ],
)
def test_the_death_of_a_process_is_noticed_at_once_although_its_child_lives_on(start, body, reason):
    began = time.monotonic()
    with start(body) as process:
        events = process.events(NEVER)
        pid = next(events)["pid"]
        with pytest.raises(PoolError, match=reason):
            next(events)
    assert is_gone(pid)
    assert time.monotonic() - began < PROMPT_SECONDS


def test_a_process_that_is_silent_and_idle_for_long_has_stalled(start, monkeypatch):
    monkeypatch.setattr(supervised_process, "STALL_SECONDS", 1.0)
    with start("time.sleep(600)") as process:
        events = process.events(NEVER)
        pid = next(events)["pid"]
        with pytest.raises(PoolError, match="its process stalled: silent and idle for"):
            next(events)
    assert is_gone(pid)


def test_a_silent_process_that_computes_has_not_stalled(start, monkeypatch):
    monkeypatch.setattr(supervised_process, "STALL_SECONDS", 0.5)
    body = 'while time.process_time() < 2: pass\n    send({"event": "computed"})'
    with start(body) as process:
        assert [event["event"] for event in process.events(NEVER)] == ["started", "computed"]


def test_the_death_of_a_process_is_noticed_although_a_fork_holds_the_pipe_open(start):
    body = 'fork = os.fork(); fork or time.sleep(600); send({"event": "forked", "pid": fork}); os._exit(3)'
    with start(body) as process:
        events = process.events(NEVER)
        next(events)
        pid = next(events)["pid"]
        with pytest.raises(PoolError, match="ended early with exit status 3"):
            next(events)
    assert is_gone(pid)


def test_a_process_that_cannot_be_started_leaves_nothing_open(start, monkeypatch):
    def refuse(*_arguments, **_options):
        raise OSError("Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    before = psutil.Process().num_fds()
    with pytest.raises(OSError, match="temporarily unavailable"):
        start("pass")
    assert psutil.Process().num_fds() == before


def test_an_out_of_memory_error_of_the_process_reaches_the_caller(start):
    body = 'from pool.errors import OutOfMemoryError; raise OutOfMemoryError("CUDA out of memory")'
    with start(body) as process, pytest.raises(OutOfMemoryError, match="CUDA out of memory"):
        list(process.events(NEVER))


def test_a_process_that_the_kernel_killed_ran_out_of_memory(start, monkeypatch):
    counts = iter((3, 4))
    monkeypatch.setattr("pool.generator.supervised_process.kernel_kills", lambda: next(counts))
    with start("os.kill(os.getpid(), signal.SIGKILL)") as process, pytest.raises(OutOfMemoryError, match="SIGKILL"):
        list(process.events(NEVER))


def test_leaving_the_context_early_kills_all_processes(start):
    with pytest.raises(KeyboardInterrupt), start("time.sleep(600)") as process:
        pid = next(process.events(NEVER))["pid"]
        raise KeyboardInterrupt
    assert is_gone(pid)


SLOWLY = """sleeper.wait(); raise ValueError("it is gone")
import shutil
remove = shutil.rmtree
def remove_slowly(folder, **options):
    time.sleep(1)
    remove(folder, **options)
shutil.rmtree = remove_slowly
"""


@pytest.mark.parametrize("body", ["time.sleep(600)", SLOWLY], ids=["asleep", "failing meanwhile"])
def test_when_the_caller_is_killed_all_processes_end_and_the_folder_is_removed(start, tmp_path, body):
    start(body).__exit__(None, None, None)  # writes the module
    (tmp_path / "work").mkdir(exist_ok=True)
    paths = os.pathsep.join([str(tmp_path / "modules"), str(PROJECT)])
    caller = f"""
import sys, time
from pathlib import Path
import threading
from pool.generator.supervised_process import SupervisedProcess
NEVER = threading.Event()
paths = {paths!r}
worker = SupervisedProcess("sleeper", folder=Path({str(tmp_path / "work")!r}), environment={{"PYTHONPATH": paths}})
print(next(worker.events(NEVER))["pid"], flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", caller], stdout=subprocess.PIPE, cwd=PROJECT) as process:
        pid = int(process.stdout.readline())
        process.kill()
    assert is_gone(pid)
    deadline = time.monotonic() + PROMPT_SECONDS
    while (tmp_path / "work").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not (tmp_path / "work").exists()


def test_an_exit_status_is_described_in_words():
    assert describe_exit(-signal.SIGTERM) == "was killed (SIGTERM)"
    assert describe_exit(3) == "ended early with exit status 3"


def test_the_kills_of_the_kernel_are_read_if_the_system_counts_them(tmp_path, monkeypatch):
    counts = tmp_path / "vmstat"
    monkeypatch.setattr(supervised_process, "KERNEL_COUNTS", counts)
    assert kernel_kills() is None
    counts.write_text("nr_free_pages 7\noom_kill 3\n")
    assert kernel_kills() == 3


@pytest.mark.parametrize(("before", "after"), [(3, 3), (None, 4), (3, None)])
def test_a_process_that_a_person_killed_did_not_run_out_of_memory(start, monkeypatch, before, after):
    counts = iter((before, after))
    monkeypatch.setattr(supervised_process, "kernel_kills", lambda: next(counts))
    with start("os.kill(os.getpid(), signal.SIGKILL)") as process, pytest.raises(PoolError, match="SIGKILL") as failure:
        list(process.events(NEVER))
    assert type(failure.value) is PoolError


def test_the_working_directory_is_not_imported_from(start, tmp_path, monkeypatch):
    for name in ("random", "pool", "pandas", "sitecustomize"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(9)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONSTARTUP", str(tmp_path / "random.py"))
    with start('import random, pandas; send({"event": "imported"})') as process:
        assert [event["event"] for event in process.events(NEVER)] == ["started", "imported"]


def test_the_python_path_of_the_caller_is_not_imported_from(tmp_path, monkeypatch):
    (tmp_path / "random.py").write_text("raise SystemExit(9)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "work").mkdir()
    with (
        SupervisedProcess("pool.generator.job", folder=tmp_path / "work") as process,
        pytest.raises(PoolError, match=r"job\.json"),  # it got as far as looking for its job
    ):
        list(process.events(NEVER))
