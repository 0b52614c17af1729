"""Whether it was for want of memory that something failed."""

import signal
from contextlib import suppress
from pathlib import Path

KERNEL_COUNTS = Path("/proc/vmstat")
# What torch (of the GPU and of the CPU), NumPy, Python and the system say.
PHRASES = ("out of memory", "can't allocate memory", "cannot allocate memory", "unable to allocate", "memoryerror")


def speaks_of_memory(text: str) -> bool:
    """Whether an error's text says that memory ran out."""
    return any(phrase in text.lower() for phrase in PHRASES)


class KernelWatch:
    """Tells a process that the kernel killed for want of memory from one that somebody killed, from now on."""

    def __init__(self) -> None:
        self._before = _kills()

    def has_killed(self, status: int | None) -> bool:
        """Whether an exit status is a SIGKILL and the kernel has ended a process for want of memory since."""
        now = _kills()
        return status == -signal.SIGKILL and self._before is not None and now is not None and now > self._before


def _kills() -> int | None:
    """Processes that the kernel has killed for want of memory since it was started; None where it does not tell."""
    with suppress(OSError):
        for line in KERNEL_COUNTS.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return None
