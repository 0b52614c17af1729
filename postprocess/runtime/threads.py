"""Threads and processes for array kernels.

NumPy releases the interpreter lock in its inner loops. Threads use all cores if these loops are long; short ones need
processes.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import inf
from typing import TypeVar

import numpy as np
from numpy.typing import DTypeLike

from postprocess.runtime.processes import CAN_FORK, map_in_processes, shared_zeros
from postprocess.runtime.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")

MIN_LOOKUPS_APART = 1 << 25  # in an array, a tenth of a second's work: less is not worth the fork of a process


class Workers:
    """Threads that map a function over chunks of work and keep the results in order, and the progress of that work.

    Every kernel cuts its work into chunks whose size does not depend on the number of threads, and adds up the results
    in order. Results are therefore the same, bit for bit, for any number of threads.
    """

    def __init__(self, executor: ThreadPoolExecutor | None, threads: int, progress: Progress) -> None:
        self._executor = executor
        self.threads, self.progress = threads, progress

    def unseen(self) -> "Workers":
        """Return the same threads for work whose progress nobody has to see."""
        return Workers(self._executor, self.threads, Progress())

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Return function(item) for each item, in order. The first exception is raised."""
        return list(self.stream(function, items))

    def stream(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Yield function(item) for each item, in order, each as soon as it is there. The first exception is raised."""
        return map(function, items) if self._executor is None else self._executor.map(function, items)

    def apart(
        self, function: Callable[[Item], Result], items: Sequence[Item], *, lookups: float = inf
    ) -> Iterator[Result]:
        """As `stream`, but in as many processes, if the work is worth it: for functions of many short calls of NumPy.

        lookups: how many values the whole work counts or reads; by default, it is worth it. The function may write to
        arrays of `zeros` alone, and it must not use these workers or a task of their progress.
        """
        if self._executor is None or lookups < MIN_LOOKUPS_APART or not CAN_FORK:
            return self.stream(function, items)
        return map_in_processes(function, items, self.threads)

    def zeros(self, size: int | np.integer, dtype: DTypeLike) -> np.ndarray:
        """Return (size,) zeros that the functions of `apart` may write to."""
        return np.zeros(size, dtype) if self._executor is None else shared_zeros(int(size), dtype)


def in_this_thread(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Return function(item) for each item, in order."""
    return [function(item) for item in items]


@contextmanager
def open_workers(threads: int | None = None, *, progress: Progress | None = None) -> Iterator[Workers]:
    """Open workers on `threads` threads (None: as many as this process may use). No progress: nothing is shown."""
    count, progress = threads or _usable_cores(), progress or Progress()
    if count == 1:
        yield Workers(None, 1, progress)
        return
    with ThreadPoolExecutor(count) as executor:
        yield Workers(executor, count, progress)


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # macOS does not have it
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def chunks(total: int, size: int) -> list[slice]:
    """Return slices of at most `size` that cover range(total) in order."""
    return [slice(start, min(start + size, total)) for start in range(0, total, size)]
