"""The GPU that a generator is trained on, and how much of its memory is in use."""

import subprocess
import time
from collections.abc import Callable

LOOK_SECONDS = 5.0  # between looks at the memory
QUERY_SECONDS = 10.0  # for an answer
MIB = 2**20


class GpuMemory:
    """The most memory that was in use on a GPU, by all processes together, whenever it was looked at.

    Asked of nvidia-smi, as the training runs in a process that torch here knows nothing of.
    uuid: of the GPU, as nvidia-smi knows it; None: there is none.
    """

    def __init__(self, uuid: str | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.peak_bytes: int | None = None
        self._uuid, self._clock, self._due = uuid, clock, 0.0

    def look(self) -> None:
        if self._uuid is None or self._clock() < self._due:
            return
        self._due = self._clock() + LOOK_SECONDS
        used = _used_bytes(self._uuid)
        if used is not None:
            self.peak_bytes = max(used, self.peak_bytes or 0)


def _used_bytes(uuid: str) -> int | None:
    command = ["nvidia-smi", f"--id={uuid}", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=QUERY_SECONDS, check=True)
        return int(answer.stdout) * MIB
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
