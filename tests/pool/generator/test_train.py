import errno
import threading
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

from pool.errors import OutOfMemoryError, PoolError, StoppedError
from pool.generator import train as module
from pool.generator.train import describe_job, train
from pool.parameters import plan_cycles
from pool.protocols import EARLY_STOPPING, Epoch, TrainingRecord
from tests.parameters import pool_parameters
from tests.pool.fakes import Recorder

pytestmark = pytest.mark.slow

PROMPT_SECONDS = 15
FEW_ROWS = pd.DataFrame(
    {
        "customer_id": pd.Series([3, 1, None, 2], dtype="Int64"),
        "name": pd.Series(["007", None, "a,b", ""], dtype="str"),
        "empty": pd.Series([None] * 4, dtype="float64"),
    }
)
TRAINING = pd.concat([FEW_ROWS] * 12, ignore_index=True)  # values of so many rows come back exactly
PARAMETERS = pool_parameters(train_iterations=1, model_name="MOSTLY_AI/Small", max_epochs=3, sample_size=2.5)
(PLAN,) = plan_cycles(PARAMETERS, training_rows=len(FEW_ROWS))


@pytest.fixture
def fake(monkeypatch):
    """Replace the job by the fake one. Return a function that sets its behaviour."""
    monkeypatch.setattr(module, "PROGRAM", "tests.pool.generator.fake_job")
    monkeypatch.setattr(module, "PIECE_ROWS", 6)
    monkeypatch.setattr(module, "ROWS_SAMPLED_AT_ONCE", 4)
    return lambda behaviour: monkeypatch.setenv("FAKE_JOB", behaviour)


def sample(progress, *, training=TRAINING, stop=None):
    """Yield the frames that a trained generator gives."""
    with train(training, PLAN, progress, stop or threading.Event()) as trained:
        yield from trained.sample()


def started_by(progress):
    """Return the temporary folder of the fake job, and the number of the process that it started."""
    folder, pid = progress.lines[0].removeprefix("cycle 1 of 1: ").split()
    return Path(folder), int(pid)


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def assert_nothing_is_left(progress):
    folder, pid = started_by(progress)
    assert not folder.exists()
    deadline = time.monotonic() + PROMPT_SECONDS  # a killed process takes a moment to end
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(pid)


def test_rows_come_in_frames_with_the_columns_and_dtypes_of_the_training(fake):
    progress = Recorder()
    frames = list(sample(progress))
    assert [len(frame) for frame in frames] == [4, 2, 4]
    expected = TRAINING.iloc[[row % 4 for row in range(10)]].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.concat(frames, ignore_index=True), expected)
    assert_nothing_is_left(progress)


def test_the_training_and_its_progress_are_recorded(fake):
    progress = Recorder()
    with train(TRAINING, PLAN, progress, threading.Event()) as trained:
        assert trained.record == TrainingRecord(
            epochs=(Epoch(number=1.0, training_loss=2.5, validation_loss=2.25),),
            steps=7,
            ended_by=EARLY_STOPPING,
            seconds=1.5,
            device="a GPU",
            gpu_memory_bytes=2**30,
        )
        assert progress.completed == {
            "cycle 1 of 1: preparing": 100,
            "cycle 1 of 1: training": 100,
        }
        list(trained.sample())
    assert progress.completed["cycle 1 of 1: sampling"] == 10
    assert "epoch 1, loss 2.50 in training and 2.25 in validation" in progress.notes


def test_every_setting_reaches_the_job():
    parameters = pool_parameters(
        train_iterations=1,
        model_name="MOSTLY_AI/Medium",
        max_epochs=7,
        max_training_time=2.5,
        batch_size=64,
        sampling_temperature=1.3,
        sample_size=6_000,
    )
    (plan,) = plan_cycles(parameters, training_rows=100)
    job = describe_job(plan, {"c0000": "TABULAR_NUMERIC_AUTO"})
    assert (job["model_name"], job["max_training_time"], job["batch_size"]) == ("MOSTLY_AI/Medium", 2.5, 64)
    assert (job["max_epochs"], job["sampling_temperature"], job["threads"]) == (7, 1.3, 1)
    assert job["encodings"] == {"c0000": "TABULAR_NUMERIC_AUTO"} and 0.5 < job["trained_share"] < 1
    assert [piece["rows"] for piece in job["pieces"]] == [250_000, 250_000, 100_000]
    seeds = [job["seed"], *(piece["seed"] for piece in job["pieces"])]
    assert seeds[0] == plan.seed and len(set(seeds)) == 4


@pytest.mark.parametrize(
    ("behaviour", "error", "reason"),
    [
        ("fail sampling", PoolError, "no such rows; last lines: .*RuntimeError"),
        ("die", PoolError, r"its process was killed \(SIGKILL\)"),
        ("fail", PoolError, "no such thing; last lines: .*RuntimeError"),
        ("no memory", OutOfMemoryError, "CUDA out of memory"),
        ("end", PoolError, "its process ended before the training did"),
    ],
)
def test_a_dead_or_failed_process_is_an_error_at_once(fake, behaviour, error, reason):
    fake(behaviour)
    progress, began = Recorder(), time.monotonic()
    with pytest.raises(PoolError, match=f"^cycle 1 of 1: the generator failed: {reason}") as failure:
        list(sample(progress))
    assert type(failure.value) is error
    assert time.monotonic() - began < PROMPT_SECONDS
    assert_nothing_is_left(progress)


def test_closing_the_sample_early_leaves_no_folder_and_no_process(fake):
    progress = Recorder()
    frames = sample(progress)
    next(frames)
    assert started_by(progress)[0].exists()
    frames.close()
    assert_nothing_is_left(progress)


class Reacting(Recorder):
    """A recorder that calls `react` once the first epoch has ended."""

    def __init__(self, react):
        super().__init__()
        self.react = react

    def log(self, text):
        super().log(text)
        if "epoch" in text:
            self.react()


def test_an_interrupted_training_leaves_nothing(fake):
    def interrupt():
        raise KeyboardInterrupt

    fake("hang")
    progress = Reacting(interrupt)
    with pytest.raises(KeyboardInterrupt):
        list(sample(progress))
    assert_nothing_is_left(progress)


def test_a_stopped_training_ends_within_a_second_and_leaves_nothing(fake):
    fake("hang")
    stop, moments = threading.Event(), []
    progress = Reacting(lambda: (stop.set(), moments.append(time.monotonic())))
    with pytest.raises(StoppedError):
        list(sample(progress, stop=stop))
    assert time.monotonic() - moments[0] < 1
    assert_nothing_is_left(progress)


def test_a_full_temporary_folder_is_named_with_a_remedy(monkeypatch):
    def fill(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", fill)
    with pytest.raises(PoolError, match=r"/.*pool-.*: No space left on device; set TMPDIR to another folder"):
        list(sample(Recorder()))


def test_training_data_without_values_is_refused():
    with pytest.raises(PoolError, match="cycle 1 of 1: the training data has no values to learn from"):
        list(sample(Recorder(), training=TRAINING[["empty"]]))
