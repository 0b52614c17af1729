import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from postprocess.runtime.processes import CAN_FORK, map_in_processes, shared_zeros

pytestmark = pytest.mark.skipif(not CAN_FORK, reason="processes are forked on Linux only")
ROOT = Path(__file__).parents[3]
SECONDS = 20  # for what takes a moment


@pytest.fixture
def children():
    """Return a function that gives the processes that a test has forked so far and that still run."""
    others = set(psutil.Process().children())  # of earlier tests
    return lambda: [child for child in psutil.Process().children() if child not in others]


@pytest.mark.parametrize("processes", [1, 2, 5])
@pytest.mark.parametrize("n_items", [0, 1, 3, 40])
def test_results_come_in_the_order_of_the_items(children, processes, n_items):
    def slow_first(item):
        time.sleep(0.05 * (item == 0))
        return np.full(3, item * item)

    found = list(map_in_processes(slow_first, range(n_items), processes))
    assert [each.tolist() for each in found] == [[item * item] * 3 for item in range(n_items)]
    assert children() == []


def test_the_processes_are_others_and_each_does_some_of_the_work():
    def process(_):
        time.sleep(0.02)
        return os.getpid()

    used = set(map_in_processes(process, range(30), 3))
    assert len(used) == 3
    assert os.getpid() not in used


def test_shared_arrays_alone_keep_what_the_processes_write():
    shared, own = shared_zeros(5, np.float32), np.zeros(5, np.float32)
    assert shared.tolist() == own.tolist()
    assert shared.dtype == np.float32
    assert shared_zeros(0, np.int64).tolist() == []

    def write(item):
        shared[item] = own[item] = item

    assert list(map_in_processes(write, range(5), 2)) == [None] * 5
    assert shared.tolist() == [0, 1, 2, 3, 4]
    assert own.tolist() == [0] * 5


def test_an_exception_comes_in_its_turn_and_ends_the_processes(children):
    results = map_in_processes(lambda item: 6 // item, [1, 2, 0, 3], 2)
    assert (next(results), next(results)) == (6, 3)
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert children() == []


def test_results_that_nobody_takes_end_the_processes(children):
    results = map_in_processes(time.sleep, [0, SECONDS, SECONDS], 2)
    next(results)
    assert len(children()) == 2
    results.close()
    assert children() == []


def test_a_killed_process_is_taken_for_a_lack_of_memory(children):
    def killed(item):
        if item == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    with pytest.raises(MemoryError):
        list(map_in_processes(killed, range(6), 2))
    assert children() == []


@pytest.mark.parametrize("possible", [0, 1])
def test_the_work_is_done_with_fewer_processes_if_the_system_has_no_room(monkeypatch, possible):
    fork, left = os.fork, [None] * possible

    def fork_if_possible():
        if not left:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        left.pop()
        return fork()

    monkeypatch.setattr(os, "fork", fork_if_possible)
    assert list(map_in_processes(abs, [-1, -2, -3], 3)) == [1, 2, 3]


PROGRAM = """
import sys, time
from postprocess.runtime.processes import map_in_processes
def work(item):
    sys.stdout.write(f"{item}\\n")
    sys.stdout.flush()
    time.sleep(60)
list(map_in_processes(work, range(2), 2))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_one_that_forked_it(number):
    started = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert {started.stdout.readline(), started.stdout.readline()} == {"0\n", "1\n"}
    forked = psutil.Process(started.pid).children()
    assert len(forked) == 2
    for process in (psutil.Process(started.pid), *(forked if number == signal.SIGINT else ())):
        process.send_signal(number)  # a terminal sends Ctrl-C to all of them
    _, explained = started.communicate(timeout=SECONDS)
    assert psutil.wait_procs(forked, timeout=SECONDS)[1] == []
    assert explained.count("Traceback") == (number == signal.SIGINT)  # that of the program, which does not catch it
