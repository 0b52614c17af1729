import os
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.runtime.processes import CAN_FORK
from postprocess.runtime.threads import MIN_LOOKUPS_APART, chunks, open_workers


@pytest.mark.parametrize("threads", [1, 3])
def test_results_come_in_the_order_of_the_items(threads):
    gate = threading.Event()

    def slow_first(item):
        if item == 0 and threads > 1:
            assert gate.wait(timeout=10)  # until a later item is through
        gate.set()
        return item * item

    with open_workers(threads) as workers:
        assert workers.threads == threads
        assert workers.map(slow_first, range(20)) == [item * item for item in range(20)]
        assert workers.map(slow_first, []) == []


def test_threads_work_at_the_same_time():
    meeting = threading.Barrier(3)
    with open_workers(3) as workers:
        assert sorted(workers.map(lambda _: meeting.wait(timeout=10), range(3))) == [0, 1, 2]


def test_one_thread_is_the_caller_itself():
    with open_workers(1) as workers:
        assert workers.map(lambda _: threading.get_ident(), range(2)) == [threading.get_ident()] * 2


@pytest.mark.parametrize("threads", [1, 3])
def test_the_first_exception_is_raised(threads):
    with open_workers(threads) as workers, pytest.raises(ZeroDivisionError):
        workers.map(lambda item: 1 // item, [1, 0, 2])


@pytest.mark.parametrize(("threads", "lookups"), [(1, MIN_LOOKUPS_APART), (2, MIN_LOOKUPS_APART - 1)])
def test_little_work_and_that_of_one_thread_stays_in_this_process(threads, lookups):
    with open_workers(threads) as workers:
        assert set(workers.apart(lambda _: os.getpid(), range(4), lookups=lookups)) == {os.getpid()}


@pytest.mark.skipif(not CAN_FORK, reason="processes are forked on Linux only")
def test_much_work_is_done_in_other_processes_which_fill_shared_arrays():
    with open_workers(2) as workers:
        values = workers.zeros(4, np.int64)

        def fill(item):
            values[item] = item * item
            return os.getpid()

        used = set(workers.apart(fill, range(4), lookups=MIN_LOOKUPS_APART))
    assert os.getpid() not in used
    assert values.tolist() == [0, 1, 4, 9]


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinity on this system")
def test_by_default_there_is_a_thread_for_each_usable_core():
    with open_workers() as workers:
        assert workers.threads == len(os.sched_getaffinity(0))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 200), st.integers(1, 50))
def test_chunks_cover_the_range_in_order(total, size):
    parts = chunks(total, size)
    assert [item for part in parts for item in np.arange(total)[part]] == list(range(total))
    assert all(0 < part.stop - part.start <= size and part.stop <= total for part in parts)
    assert len(parts) == -(-total // size)
