import errno
import time
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import psutil
import pytest

from pool import generator
from pool.errors import OutOfMemoryError, PoolError
from pool.generator import train_and_sample
from pool.manifest import TrainingFacts
from pool.parameters import PoolParameters
from tests.pool.fakes import Recorder

PROMPT_SECONDS = 15
SETTINGS = PoolParameters(model_name="MOSTLY_AI/Small", max_epochs=3).of_cycle(1)
TRAINING = pd.DataFrame(
    {
        "customer_id": pd.Series([3, 1, None, 2], dtype="Int64"),
        "name": pd.Series(["007", None, "a,b", ""], dtype="str"),
        "empty": pd.Series([None] * 4, dtype="float64"),
    }
)


@pytest.fixture
def fake(monkeypatch):
    """Let the fake SDK run; returns a function that says what it is to do."""
    monkeypatch.setattr(generator, "PROGRAM", "tests.pool.fake_sdk")
    monkeypatch.setattr(generator, "PIECE_ROWS", 6)
    return lambda behaviour: monkeypatch.setenv("FAKE_SDK", behaviour)


def sample(progress, *, rows=10, training=TRAINING, tell=lambda facts: None):
    options = {"settings": SETTINGS, "seed": 1, "label": "cycle 1", "progress": progress, "tell": tell}
    return train_and_sample(training, rows=rows, **options)


def started_by(progress):
    """The temporary folder of a run of the fake SDK, and the number of the process that it started."""
    folder, pid = progress.lines[0].removeprefix("cycle 1: ").split()
    return Path(folder), int(pid)


def assert_nothing_is_left(progress):
    folder, pid = started_by(progress)
    assert not folder.exists()
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_rows_come_in_pieces_with_the_columns_and_dtypes_of_the_training(fake):
    progress = Recorder()
    pieces = list(sample(progress))
    assert [len(piece) for piece in pieces] == [6, 4]
    expected = TRAINING.iloc[[row % 4 for row in range(10)]].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.concat(pieces, ignore_index=True), expected)
    assert_nothing_is_left(progress)


def test_training_and_sampling_are_told(fake):
    progress, facts = Recorder(), []
    list(sample(progress, tell=facts.append))
    assert facts == [TrainingFacts(epochs=1.0, validation_loss=None, device="a GPU", gpu_memory_bytes=2**30)]
    assert progress.lines[1] == "cycle 1: epoch 1 of at most 3, training loss 2.5000"
    assert progress.completed == {"cycle 1: preparing": 0, "cycle 1: training": 100, "cycle 1: sampling": 10}


def test_every_setting_reaches_the_sdk():
    parameters = PoolParameters(
        model_name="MOSTLY_AI/Medium", max_epochs=7, max_training_time=2.5, batch_size=64, sampling_temperature=1.3
    )
    settings = parameters.of_cycle(1)
    job = generator._job({"c0000": "number"}, rows=600_000, settings=settings, seed=3)
    (table,) = job["training"]["tables"]
    model = table["tabular_model_configuration"]
    assert (model["model"], model["max_training_time"], model["batch_size"]) == ("MOSTLY_AI/Medium", 2.5, 64)
    assert 6.9 < model["max_epochs"] < 7
    assert table["columns"] == [{"name": "c0000", "model_encoding_type": "TABULAR_NUMERIC_AUTO"}]
    pieces = [piece["tables"][0]["configuration"] for piece in job["pieces"]]
    assert [piece["sample_size"] for piece in pieces] == [250_000, 250_000, 100_000]
    assert {piece["sampling_temperature"] for piece in pieces} == {1.3}
    seeds = [job["training"]["random_state"], *(piece["random_state"] for piece in job["pieces"])]
    assert seeds[0] == 3 and len(set(seeds)) == 4


def test_the_last_error_of_a_log_is_found(tmp_path):
    log = tmp_path / "worker.log"
    log.write_text("ValueError: first\nTraceback\ntorch.OutOfMemoryError:  CUDA out of\tmemory\nclosing an Error\n")
    assert generator._last_error(tmp_path) == "torch.OutOfMemoryError: CUDA out of memory"
    log.write_text("all is well\n")
    assert generator._last_error(tmp_path) == ""


@pytest.mark.parametrize(
    ("has_gpu", "device", "uuid"),
    [(False, "CPU, 8 threads: no usable GPU, which would be far faster", None), (True, "H100, 80 GiB", "GPU-abc")],
)
def test_the_machine_is_told(has_gpu, device, uuid):
    properties = SimpleNamespace(name="H100", total_memory=80 * 2**30, uuid="abc")
    cuda = SimpleNamespace(is_available=lambda: has_gpu, get_device_properties=lambda number: properties)
    torch = SimpleNamespace(cuda=cuda, get_num_threads=lambda: 8)
    assert generator._device(torch) == device
    assert generator._gpu_uuid(torch) == uuid


@pytest.mark.parametrize(
    ("behaviour", "error", "reason"),
    [
        ("fail sampling", PoolError, "no such rows; last lines: .*RuntimeError"),
        ("die", PoolError, r"its process was killed \(SIGKILL\)"),
        ("fail", PoolError, "no such thing; last lines: .*RuntimeError"),
        ("no memory", OutOfMemoryError, "CUDA out of memory"),
    ],
)
def test_a_dead_or_failed_process_is_an_error_at_once(fake, behaviour, error, reason):
    fake(behaviour)
    progress, began = Recorder(), time.monotonic()
    with pytest.raises(PoolError, match=f"^cycle 1: the generator failed: {reason}") as failure:
        list(sample(progress))
    assert type(failure.value) is error
    assert time.monotonic() - began < PROMPT_SECONDS
    assert_nothing_is_left(progress)


def test_closing_early_leaves_nothing(fake):
    progress = Recorder()
    frames = sample(progress)
    next(frames)
    assert started_by(progress)[0].exists()
    frames.close()
    assert_nothing_is_left(progress)


def test_an_interrupted_training_leaves_nothing(fake):
    class Interrupting(Recorder):
        def log(self, text):
            super().log(text)
            if "epoch" in text:
                raise KeyboardInterrupt

    fake("hang")
    progress = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        list(sample(progress))
    assert_nothing_is_left(progress)


def test_a_full_temporary_folder_is_told(monkeypatch, tmp_path):
    def fill(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", fill)
    with pytest.raises(PoolError, match=r"cycle 1: /.*pool-.*: No space left on device; set TMPDIR to another folder"):
        list(sample(Recorder()))


def test_nothing_to_learn_is_refused():
    with pytest.raises(PoolError, match="cycle 1: the training data has no values to learn from"):
        list(sample(Recorder(), training=TRAINING[["empty"]]))


def test_a_temporary_folder_too_deep_for_a_socket_is_refused(monkeypatch, tmp_path):
    deep = tmp_path / ("d" * 60)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with pytest.raises(PoolError, match=r"has too long a path; set TMPDIR to another"):
        list(sample(Recorder()))
    assert list(deep.iterdir()) == []
