import errno
import importlib.util
import os
import sys
import threading

import pytest

from pool import on_dask
from pool.cycle import run_cycle_in_little_memory
from pool.errors import PoolError
from pool.on_dask import STATUS_SECONDS, SentProgress
from tests.pool.builds import FILES, STEM, build, fail_in_cycle, names
from tests.pool.fakes import Recorder, resampled, train_with

pytestmark = pytest.mark.slow

needs_dask = pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="no Dask")


def talk(rows, plan, progress):
    progress.log(f"{plan.label}: epoch 1")
    yield from resampled(rows, plan, progress)


@pytest.fixture(scope="module")
def sequential(tmp_path_factory):
    return build(tmp_path_factory.mktemp("sequential")).path.read_bytes()


@needs_dask
def test_cycles_on_dask_give_the_same_bytes_and_their_log_comes_back(tmp_path, sequential):
    progress = Recorder()
    options = {"cycle_backend": "dask", "progress": progress, "score": lambda rows: len(rows) / 100}
    result = build(tmp_path, train=train_with(talk), **options)
    assert result.path.read_bytes() == sequential
    assert [(cycle.number, cycle.accuracy) for cycle in result.cycles] == [(1, 0.34), (2, 0.33), (3, 0.33)]
    assert names(tmp_path) == FILES
    epochs = [line for line in progress.lines if line.endswith("epoch 1")]
    assert sorted(epochs) == [f"cycle {number} of 3: epoch 1" for number in (1, 2, 3)]
    assert progress.completed == {"cycles with Dask": 3}


@needs_dask
def test_the_other_cycles_on_dask_are_kept_if_one_fails(tmp_path, sequential):
    options = {"training_sha256": "abc", "cycle_backend": "dask"}
    full = OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(PoolError, match=": no space left on"):
        build(tmp_path, train=fail_in_cycle(1, full), **options)
    assert len([name for name in names(tmp_path) if name.endswith(".part")]) == 2
    progress = Recorder()
    result = build(tmp_path, progress=progress, training_sha256="abc")
    assert progress.lines[0] == f"re-using cycles 2, 3 of 3 in {STEM}.csv"
    assert result.path.read_bytes() == sequential and names(tmp_path) == FILES


def die(rows, plan, progress):
    yield next(resampled(rows, plan, progress)).head(1)
    os._exit(1)


@needs_dask
def test_a_process_of_dask_that_dies_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
    with pytest.raises(PoolError, match=r"^cycle_backend='dask': "):
        build(tmp_path, train=train_with(die), cycle_backend="dask")
    assert names(tmp_path) == []


def test_the_dask_backend_is_refused_without_its_package(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(PoolError, match="cycle_backend='dask': the package distributed is missing; install it"):
        build(tmp_path, cycle_backend="dask")


@needs_dask
def test_a_folder_that_the_machines_do_not_share_is_an_error(tmp_path, monkeypatch):
    def elsewhere(plan, part, *arguments):
        finished = run_cycle_in_little_memory(plan, part, *arguments)
        part.unlink()
        return finished

    monkeypatch.setattr(on_dask, "_run_elsewhere", lambda *cycle: elsewhere(*cycle[:4], Recorder(), threading.Event()))
    with pytest.raises(PoolError, match=r"_cycle\d_.*\.part: written on another machine and not visible here"):
        build(tmp_path, cycle_backend="dask")
    assert names(tmp_path) == []


def test_a_task_regularly_sends_its_progress_and_the_time_left():
    now, sent = 0.0, []
    progress = SentProgress(sent.append, clock=lambda: now)
    with progress.task("training", total=100) as task:
        for percent in range(1, 21):
            now = percent * STATUS_SECONDS / 10
            task.advance()
    with progress.task("preparing") as task:
        now += 10 * STATUS_SECONDS
        task.advance()
    assert sent == ["training: 10 %, 4 min left", "training: 20 %, 4 min left"]
