"""A fixture for the tests that run the command on random files."""

import signal
from dataclasses import replace
from functools import partial

import pytest

import main
from pool.build import build_pool
from tests.fuzz.checks import EXAMPLES, MAX_SECONDS
from tests.pool.fakes import resample


@pytest.fixture
def _small(monkeypatch):
    """Use a generator that trains nothing, no mostlyai-qa, and small limits for all work. Restore signal handlers."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGALRM)
    monkeypatch.setattr(main, "build_pool", partial(build_pool, train=resample))
    monkeypatch.setattr("postprocess.report.write.evaluate", lambda **_: None)
    monkeypatch.setattr(main, "POOL", replace(main.POOL, train_iterations=2, sample_size=2.5))
    limits = {"ipf_iterations": 1, "refinement_iterations": 1, "trimming_swapsize": 50, "refinement_swapsize": 50}
    others = {"refinement_top_triples": 1000, "threads": 1, "realism": EXAMPLES > 0, "usefulness": EXAMPLES > 0}
    monkeypatch.setattr(main, "SELECTION", replace(main.SELECTION, **limits, **others))
    signal.signal(signal.SIGALRM, _hangs)
    yield
    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGALRM, before[1])


def _hangs(_signal, _frame):
    raise AssertionError(f"no end after {MAX_SECONDS} s")
