"""Processes for work that NumPy does in many short calls: threads would wait for each other at each of them.

The processes are copies of this one, made by fork. They find all data where it is, and nothing has to be sent to them
but the numbers of the items. Of what they write, only the results and the arrays of `shared_zeros` reach this process.
"""

import ctypes
import mmap
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.typing import DTypeLike

Item = TypeVar("Item")
Result = TypeVar("Result")

CAN_FORK = sys.platform == "linux"  # other systems have libraries that do not survive a fork
END_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
WAITING_ITEMS = 2  # that a process holds, so that it need not wait for the next one
DIE_WITH_PARENT = 1  # prctl(2): PR_SET_PDEATHSIG


def shared_zeros(size: int, dtype: DTypeLike) -> np.ndarray:
    """Return (size,) zeros in memory that this process shares with those that it forks."""
    memory = mmap.mmap(-1, max(1, size * np.dtype(dtype).itemsize))
    return np.ndarray(size, dtype, buffer=memory)


def map_in_processes(function: Callable[[Item], Result], items: Sequence[Item], processes: int) -> Iterator[Result]:
    """Yield function(item) for each item, in order, each as soon as it is there. The first exception is raised.

    The function must not use threads, locks or the progress of the run, because none of them works in a fork.
    Raises MemoryError if a process is killed, because the system kills processes if memory runs out.
    """
    children: dict[Any, _Child] = {}  # by their connections
    left, found = iter(range(len(items))), dict[int, tuple[Result, Exception | None]]()
    try:
        for _ in range(min(processes, len(items))):
            with suppress(OSError):  # the system has no room for another process
                child = _Child(function, items)
                children[child.connection] = child
        if not children:
            yield from map(function, items)
            return
        for child in [*children.values()] * WAITING_ITEMS:
            child.begin(left)
        for number in range(len(items)):
            while number not in found:
                for connection in wait(children):
                    found |= children[connection].answer()
                    children[connection].begin(left)
            result, error = found.pop(number)
            if error is not None:
                raise error
            yield result
    finally:
        for child in children.values():
            child.end()


class _Child:
    """A process that applies the function to the items whose numbers it is told."""

    def __init__(self, function: Callable[[Item], Result], items: Sequence[Item]) -> None:
        self.connection, its_end = Pipe()
        unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, END_SIGNALS)  # until the child knows what to do with them
        try:
            self._process = os.fork()
            if self._process == 0:
                _serve(its_end, function, items, unblocked)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
            its_end.close()

    def begin(self, numbers: Iterator[int]) -> None:
        """Tell the process the next number, if there is one."""
        number = next(numbers, None)
        if number is not None:
            with suppress(BrokenPipeError):  # it was killed, as its answer will show
                self.connection.send(number)

    def answer(self) -> dict[int, tuple[Result, Exception | None]]:
        """Return the next result, or the exception that came instead, under its number."""
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            raise MemoryError("a process of this run was killed") from None

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.connection.close()
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)


def _serve(
    connection: Connection,
    function: Callable[[Item], Result],
    items: Sequence[Item],
    unblocked: set[int | signal.Signals],
) -> NoReturn:
    """Answer with the results until no more numbers come. This process then ends without any clean-up."""
    try:
        for number in END_SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # the process that has forked this one ends it
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        while True:
            number = connection.recv()
            try:
                result, error = function(items[number]), None
            except Exception as raised:
                result, error = None, raised
            connection.send({number: (result, error)})
    finally:
        os._exit(0)
