"""Notices work that has come to a standstill, and nothing that is merely slow."""

import time
from collections.abc import Callable

from pool.errors import PoolError

STALL_SECONDS = 15 * 60.0
IDLE_SHARE = 0.01  # of one core: below it a process only waits


class StallWatch:
    """Shown again and again how far some work is and how much processor time it has used since it began.

    Work stands still when for STALL_SECONDS both its progress has been the same and its processes have been idle: a
    long epoch, without any progress to be seen, still computes.
    """

    def __init__(self, what: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._what, self._clock = what, clock
        self._since: float | None = None
        self._progress: object = None
        self._used = 0.0

    def look(self, progress: object, *, processor_seconds: float) -> None:
        """Raise PoolError where the work has come to a standstill."""
        now = self._clock()
        has_worked = abs(processor_seconds - self._used) > IDLE_SHARE * STALL_SECONDS
        if self._since is None or progress != self._progress or has_worked:
            self._since, self._progress, self._used = now, progress, processor_seconds
        elif now - self._since >= STALL_SECONDS:
            minutes = STALL_SECONDS / 60
            raise PoolError(f"the {self._what} stalled: no progress for {minutes:.0f} minutes, and its process is idle")
