"""Every test here runs main.py with two small cycles of a generator that trains nothing, in one and the same minute."""

import signal
from dataclasses import replace

import pytest

import main
from tests.pool.fakes import resample
from tests.runs.support import Clock, save, text_frame, use_generator


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Use two small cycles of a generator that trains nothing, and a clock that stands still. Restore SIGTERM."""
    before = signal.getsignal(signal.SIGTERM)
    use_generator(monkeypatch, resample)
    monkeypatch.setattr(main, "DRAFT", main.POOL.for_one_cycle(sample_size=3.0))
    monkeypatch.setattr(main, "POOL", replace(main.POOL, train_iterations=2, sample_size=8.0, cycle_backend=None))
    monkeypatch.setattr(
        main, "SELECTION", replace(main.SELECTION, refinement_iterations=3, threads=2, realism=False, usefulness=False)
    )
    monkeypatch.setattr(main, "datetime", Clock)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def training(tmp_path):
    return save(text_frame(), tmp_path / "training.csv")


@pytest.fixture
def output(tmp_path):
    return tmp_path / "output"


@pytest.fixture
def pool_frame():
    frame = text_frame(1000, seed=2)
    return frame.assign(extra="x", more=range(1000))[["more", *reversed(list(text_frame())), "extra"]]
