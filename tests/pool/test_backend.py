import errno
import importlib.util
import os
import sys
from concurrent.futures.process import BrokenProcessPool

import pytest

from pool.cycle import run_cycle
from pool.errors import PoolError
from tests.pool.builds import STEM, build, fail_in_cycle, names
from tests.pool.fakes import Recorder, resample

WHOLE = [f"{STEM}.csv", f"{STEM}_manifest.json"]
HAS_DASK = importlib.util.find_spec("distributed") is not None


@pytest.fixture(scope="module")
def sequential(tmp_path_factory):
    return build(tmp_path_factory.mktemp("sequential")).path.read_bytes()


@pytest.mark.parametrize(
    "backend",
    ["threading", "loky", pytest.param("dask", marks=pytest.mark.skipif(not HAS_DASK, reason="no Dask"))],
)
def test_cycles_that_run_at_once_give_the_same_bytes(tmp_path, sequential, backend):
    progress = Recorder()
    result = build(tmp_path, cycle_backend=backend, progress=progress, score=lambda rows: len(rows) / 100)
    assert result.path.read_bytes() == sequential
    assert [(cycle.number, cycle.rows, cycle.accuracy) for cycle in result.cycles] == [
        (1, 34, 0.34),
        (2, 33, 0.33),
        (3, 33, 0.33),
    ]
    assert names(tmp_path) == WHOLE
    assert sorted(line[:12] for line in progress.lines) == [f"cycle {number} of 3" for number in (1, 2, 3)]


def test_the_log_of_a_cycle_that_runs_elsewhere_is_told(tmp_path):
    def talk(training, *, label, progress, **arguments):
        progress.log(f"{label}: epoch 1")
        yield from resample(training, label=label, progress=progress, **arguments)

    progress = Recorder()
    build(tmp_path, generator=talk, cycle_backend="threading", progress=progress)
    assert sorted(line for line in progress.lines if line.endswith("epoch 1")) == [
        f"cycle {number} of 3: epoch 1" for number in (1, 2, 3)
    ]
    assert progress.completed == {"cycles with threading": 3}


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("error", "message"), [(PoolError("it broke"), "^it broke$"), (FULL, ": no space left on")])
def test_a_failed_cycle_does_not_cost_the_others(tmp_path, sequential, error, message):
    options = {"training_sha256": "abc", "cycle_backend": "threading"}
    with pytest.raises(PoolError, match=message):
        build(tmp_path, generator=fail_in_cycle(1, error), **options)
    waiting = [name for name in names(tmp_path) if name.endswith(".part")]
    assert len(waiting) == 2 and f"{STEM}.csv" not in names(tmp_path)

    progress = Recorder()
    result = build(tmp_path, progress=progress, **options)
    assert progress.lines[0] == f"re-using cycles 2, 3 of 3 in {STEM}.csv"
    assert result.path.read_bytes() == sequential and names(tmp_path) == WHOLE


def test_a_waiting_cycle_whose_file_is_damaged_is_trained_again(tmp_path, sequential):
    options = {"training_sha256": "abc", "cycle_backend": "threading"}
    with pytest.raises(PoolError):
        build(tmp_path, generator=fail_in_cycle(1, PoolError("it broke")), **options)
    next(tmp_path.glob("*_cycle3_*.part")).write_text("other rows")
    progress = Recorder()
    result = build(tmp_path, progress=progress, **options)
    assert progress.lines[0] == f"re-using cycle 2 of 3 in {STEM}.csv"
    assert result.path.read_bytes() == sequential and names(tmp_path) == WHOLE


def die(training, **arguments):
    yield next(resample(training, **arguments)).head(1)
    os._exit(1)


def test_a_backend_whose_process_dies_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("pool.backend.effective_n_jobs", lambda: 2)  # on one core, all cycles run in this process
    with pytest.raises(PoolError, match=r"^cycle_backend='loky': ") as failure:
        build(tmp_path, generator=die, cycle_backend="loky")
    assert isinstance(failure.value.__cause__, BrokenProcessPool)
    assert names(tmp_path) == []


def test_dask_has_to_be_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(PoolError, match="cycle_backend='dask': the package distributed is missing; install it"):
        build(tmp_path, cycle_backend="dask")


def test_a_folder_that_the_machines_do_not_share_is_an_error(tmp_path, monkeypatch):
    def run_elsewhere(plan, part, *arguments):
        finished = run_cycle(plan, part, *arguments)
        part.unlink()
        return finished

    monkeypatch.setattr("pool.backend.run_cycle", run_elsewhere)
    with pytest.raises(PoolError, match=r"_cycle\d_.*\.part: written elsewhere and not to be seen here"):
        build(tmp_path, cycle_backend="threading")
    assert names(tmp_path) == []
