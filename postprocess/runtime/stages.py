"""A time limit that long steps ask between two pieces of work."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Deadline:
    """`minutes` from its creation."""

    minutes: float
    started: float = field(default_factory=time.monotonic)

    def passed(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() - self.started >= 60.0 * self.minutes
