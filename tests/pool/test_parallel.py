import errno
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from pool import parallel
from pool.errors import OutOfMemoryError, PoolError
from pool.generator.supervised_process import POLL_SECONDS
from pool.parallel import ENGINE_BYTES, Machine
from pool.protocols import check_stop
from tests.pool.builds import FILES, STEM, build, fail_in_cycle, names
from tests.pool.fakes import RECORD, Recorder, resampled, train_with

PLENTY = Machine(cores=8, memory_bytes=2**40, gpu_bytes=None)


@pytest.fixture(scope="module")
def sequential(tmp_path_factory):
    return build(tmp_path_factory.mktemp("sequential")).path.read_bytes()


@pytest.fixture
def plenty(monkeypatch):
    """Let this machine have room for all cycles."""
    monkeypatch.setattr(Machine, "here", lambda memory_bytes: PLENTY)


def at_once(folder, **options):
    return build(folder, **({"cycle_backend": "auto", "training_sha256": "abc"} | options))


SMALL = {"n_rows": 0, "n_columns": 1, "batch_size": 0}  # cycles that need only the memory of the engine
WIDE = {"n_rows": 20_000, "n_columns": 140, "batch_size": 256}


@pytest.mark.parametrize(
    ("machine", "cycle", "expected"),
    [
        (PLENTY, WIDE, 8),
        (replace(PLENTY, cores=2), WIDE, 2),
        (replace(PLENTY, memory_bytes=3 * ENGINE_BYTES), SMALL, 3),
        (replace(PLENTY, memory_bytes=3 * ENGINE_BYTES), WIDE, 1),
        (replace(PLENTY, memory_bytes=0), SMALL, 1),
        (replace(PLENTY, gpu_bytes=3 * ENGINE_BYTES), SMALL, 2),
        (replace(PLENTY, gpu_bytes=24 * 2**30), WIDE, 5),
        (replace(PLENTY, gpu_bytes=24 * 2**30), WIDE | {"batch_size": 1024}, 2),
        (replace(PLENTY, gpu_bytes=0), SMALL, 1),
    ],
)
def test_cores_memory_and_gpu_limit_the_cycles_at_once(machine, cycle, expected):
    assert machine.cycles_at_once(**cycle) == expected


@pytest.mark.parametrize(
    ("answer", "gpu_bytes"),
    [("echo 22000; echo 9000", 9000 * 2**20), ("exit 9", None), ("echo '[N/A]'", None), ("true", None)],
)
def test_the_least_free_memory_of_the_gpus_is_read_from_nvidia_smi(tmp_path, monkeypatch, answer, gpu_bytes):
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert Machine.here(0).gpu_bytes == gpu_bytes
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert Machine.here(0).gpu_bytes is None


def test_cycles_at_once_run_together_and_give_the_same_bytes(tmp_path, plenty, sequential):
    all_there = threading.Barrier(3, timeout=10)

    def meet(rows, plan, progress):
        all_there.wait()
        yield from resampled(rows, plan, progress)

    progress = Recorder()
    result = at_once(tmp_path, train=train_with(meet), progress=progress, score=lambda rows: len(rows) / 100)
    assert result.path.read_bytes() == sequential
    assert [(cycle.number, cycle.accuracy) for cycle in result.cycles] == [(1, 0.34), (2, 0.33), (3, 0.33)]
    assert names(tmp_path) == FILES
    assert sorted(line[:12] for line in progress.lines) == [f"cycle {number} of 3" for number in (1, 2, 3)]


def test_without_room_for_all_cycles_fewer_run_at_once_and_the_log_says_so(tmp_path, monkeypatch, sequential):
    monkeypatch.setattr(Machine, "here", lambda memory_bytes: replace(PLENTY, memory_bytes=memory_bytes))
    running, most = [], []

    def count(rows, plan, progress):
        running.append(plan)
        most.append(len(running))
        yield from resampled(rows, plan, progress)
        running.remove(plan)

    progress = Recorder()
    options = {"train": train_with(count), "progress": progress, "memory_bytes": ENGINE_BYTES}
    assert at_once(tmp_path, **options).path.read_bytes() == sequential
    assert max(most) == 1 and "1 at a time" in progress.lines[0]


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("error", "message"), [(PoolError("it broke"), "^it broke$"), (FULL, ": no space left on")])
def test_the_cycles_beside_a_failed_one_are_kept(tmp_path, plenty, sequential, error, message):
    with pytest.raises(PoolError, match=message):
        at_once(tmp_path, train=fail_in_cycle(1, error))
    assert len([name for name in names(tmp_path) if name.endswith(".part")]) == 2 and FILES[0] not in names(tmp_path)

    progress = Recorder()
    result = at_once(tmp_path, progress=progress)
    assert progress.lines[0] == f"re-using cycles 2, 3 of 3 in {STEM}.csv"
    assert result.path.read_bytes() == sequential and names(tmp_path) == FILES


def test_after_a_failure_no_other_cycle_starts(tmp_path):
    started = []

    def fail(rows, plan, progress):
        started.append(plan.number)
        raise PoolError("it broke")
        yield

    with pytest.raises(PoolError, match=r"^it broke$"):
        build(tmp_path, train=train_with(fail))
    assert started == [1]


@pytest.mark.parametrize("exhausted", [{1}, {1, 2}, {1, 2, 3}])
def test_cycles_that_ran_out_of_memory_beside_others_are_run_again_alone_and_as_planned(
    tmp_path, plenty, sequential, exhausted
):
    seen, all_there = [], threading.Barrier(3, timeout=10)

    def exhaust_beside_others(rows, plan, progress):
        seen.append((plan.number, plan.batch_size))
        if len(seen) <= 3:
            all_there.wait()
            if plan.number in exhausted:
                raise OutOfMemoryError(f"{plan.label}: CUDA out of memory")
        yield from resampled(rows, plan, progress)

    progress = Recorder()
    result = at_once(tmp_path, train=train_with(exhaust_beside_others), progress=progress, batch_size=8)
    assert result.path.read_bytes() == sequential
    assert {batch for _, batch in seen} == {8} and {number for number, _ in seen[3:]} == exhausted
    assert [cycle.retry_reason for cycle in result.cycles] == [None] * 3
    assert any("one after the other" in line for line in progress.lines)


class _WaitsForStop:
    record = RECORD

    def __init__(self, stop):
        self.stop = stop

    def sample(self):
        while True:
            check_stop(self.stop)
            time.sleep(POLL_SECONDS)
            yield from ()


def test_an_interrupt_stops_all_cycles_and_leaves_no_file(tmp_path, plenty):
    ended = []

    @contextmanager
    def train(rows, plan, progress, stop):
        try:
            if plan.number == 3:
                raise KeyboardInterrupt
            yield _WaitsForStop(stop)
        finally:
            ended.append(plan.number)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        at_once(tmp_path, train=train)
    assert time.monotonic() - began < 2
    assert sorted(ended) == [1, 2, 3] and names(tmp_path) == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("cycle")]


def test_a_single_cycle_does_not_examine_the_machine(tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "Machine", None)
    assert len(at_once(tmp_path, train_iterations=1).cycles) == 1
