"""Processes for work that NumPy does in many short calls: threads would wait for each other at each of them.

The processes are copies of this one, made by fork, and find all data where it is. Of what they write, only the results
and the arrays of `shared_zeros` reach this process; of what this process writes later, only those arrays reach them.
"""

import ctypes
import mmap
import os
import signal
import sys
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, NoReturn, TypeVar

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
    """Yield function(item) for each item, in order, each as soon as it is there, as a crew of its own finds it."""
    crew: Crew[int, Result] = Crew(lambda number: function(items[number]), min(processes, len(items)))
    try:
        yield from crew.stream(range(len(items)))
    finally:
        crew.end()


class Crew(Generic[Item, Result]):
    """Processes that apply a function to the items that they are sent, until nothing refers to the crew any more.

    The function must not use threads, locks or the progress of the run, because a fork copies none of them alive. If
    the system has no room for more processes, the crew is smaller; if it has none at all, this process does the work.
    """

    def __init__(self, function: Callable[[Item], Result], processes: int) -> None:
        self._children: dict[Any, _Child] = {}  # by their connections
        self.end = weakref.finalize(self, _end, self._children)
        for _ in range(processes):
            with suppress(OSError):
                child = _Child(function)
                self._children[child.connection] = child
        self._alone = None if self._children else function  # the function may refer to the crew, and must not keep it

    def stream(self, items: Sequence[Item]) -> Iterator[Result]:
        """Yield function(item) for each item, in order, each as soon as it is there. The first exception is raised.

        Raises MemoryError if a process is killed, since the system does that if memory runs out.
        """
        if self._alone is not None:
            yield from map(self._alone, items)
            return
        left, found = iter(enumerate(items)), dict[int, tuple[Result, Exception | None]]()
        for child in [*self._children.values()] * WAITING_ITEMS:
            child.begin(left)
        for number in range(len(items)):
            while number not in found:
                for connection in wait(self._children):
                    found |= self._children[connection].answer()
                    self._children[connection].begin(left)
            result, error = found.pop(number)
            if error is not None:
                raise error
            yield result


class _Child:
    """A process that applies the function to the items that it is sent."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.connection, its_end = Pipe()
        unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, END_SIGNALS)  # until the child knows what to do with them
        try:
            self._process = os.fork()
            if self._process == 0:
                _serve(its_end, function, unblocked)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
            its_end.close()

    def begin(self, items: Iterator[tuple[int, Any]]) -> None:
        """Send the process the next item with its number, if there is one."""
        item = next(items, None)
        if item is not None:
            with suppress(BrokenPipeError):  # it was killed, as its answer will show
                self.connection.send(item)

    def answer(self) -> dict[int, tuple[Any, Exception | None]]:
        """Return the next result, or the exception that came instead, under the number of its item."""
        try:
            return self.connection.recv()
        except (EOFError, ConnectionResetError):
            raise MemoryError("a process of this run was killed") from None

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self.connection.close()
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)


def _end(children: dict[Any, _Child]) -> None:
    for child in children.values():
        child.end()


def _serve(connection: Connection, function: Callable[[Any], Any], unblocked: set[int | signal.Signals]) -> NoReturn:
    """Answer with the results until the other end is closed. This process then ends without any clean-up."""
    try:
        for number in END_SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # the process that has forked this one ends it
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
        while True:
            number, item = connection.recv()
            try:
                result, error = function(item), None
            except Exception as raised:
                result, error = None, raised
            connection.send({number: (result, error)})
    finally:
        os._exit(0)
