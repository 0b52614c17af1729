"""Measures the peak memory of this process between any two moments."""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from postprocess.report.summary import peak_memory_bytes

SECONDS_PER_LOOK = 0.02
_STATUS, _RESET, _STATM = Path("/proc/self/status"), Path("/proc/self/clear_refs"), Path("/proc/self/statm")
_RESET_PEAK = "5"  # proc(5): "Reset the peak resident set size to the process's current resident set size value"


class PeakMemory:
    """A thread that measures this process's memory while its context is open. method: how it measures, in words.

    On Linux, each look reads and resets the kernel's own peak (VmHWM), so even the shortest peak is seen.
    """

    def __init__(self) -> None:
        self.method, self._look = _best_look()
        self._looks: list[tuple[float, int]] = []  # when (time.monotonic), and the peak since the look before
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "PeakMemory":
        self._note()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._note()

    def between(self, start: float, stop: float) -> int:
        """Return the peak in bytes between two times (time.monotonic), once the context is closed.

        It may include memory that was held up to SECONDS_PER_LOOK before or after.
        """
        peaks, before = [], self._looks[0][0]
        for when, peak in self._looks:
            if before <= stop and when >= start:
                peaks.append(peak)
            before = when
        return max(peaks)

    def _watch(self) -> None:
        while not self._ended.wait(SECONDS_PER_LOOK):
            self._note()

    def _note(self) -> None:
        self._looks.append((time.monotonic(), self._look()))


def _best_look() -> tuple[str, Callable[[], int]]:
    """Return what can be measured on this system, in words, and the function that measures it."""
    try:
        _reset_peak()
    except OSError:
        if _STATM.exists():
            return f"VmRSS, sampled every {SECONDS_PER_LOOK:g} s", _resident
        return "highest ru_maxrss so far", peak_memory_bytes
    return f"VmHWM, read and reset every {SECONDS_PER_LOOK:g} s", _peak_since_reset


def _peak_since_reset() -> int:
    peak = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
    _reset_peak()
    return int(peak.split()[1]) * 1024


def _reset_peak() -> None:
    _RESET.write_text(_RESET_PEAK)


def _resident() -> int:
    return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
