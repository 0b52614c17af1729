"""Tests the peak memory between two moments."""

import sys
import time

import numpy as np
import pytest

from benchmarks import memory as measuring
from benchmarks.memory import SECONDS_PER_LOOK, PeakMemory

MEGABYTES = 64


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the peak never falls")
@pytest.mark.parametrize("resettable", [True, False])
def test_a_peak_is_seen_only_in_its_own_time(resettable, monkeypatch, tmp_path):
    if not resettable:
        monkeypatch.setattr(measuring, "_RESET", tmp_path)  # a folder cannot be written to
    with PeakMemory() as memory:
        assert memory.method.startswith("VmHWM" if resettable else "VmRSS")
        start = time.monotonic()
        time.sleep(5 * SECONDS_PER_LOOK)
        before = time.monotonic()
        held = np.ones(MEGABYTES << 17)
        time.sleep(0 if resettable else 5 * SECONDS_PER_LOOK)  # the kernel's own peak misses nothing
        del held
        after = time.monotonic()
        time.sleep(5 * SECONDS_PER_LOOK)
        stop = time.monotonic()
    low = memory.between(start, before - 2 * SECONDS_PER_LOOK)
    high = memory.between(before, after)
    assert (MEGABYTES - 1) << 20 < high - low < (MEGABYTES + 32) << 20
    assert memory.between(after + 2 * SECONDS_PER_LOOK, stop) < high - ((MEGABYTES - 32) << 20)
    assert memory.between(start, stop) == high
