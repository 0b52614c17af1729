"""The standard streams: closed ones are opened, the log outlives its readers, and any path can be printed."""

import atexit
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TextIO


class LastingStream:
    """A stream whose writes never fail, so that a run goes on when nobody reads its log any more (`| head`)."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write the text if that is possible."""
        self._attempt(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream if that is possible."""
        self._attempt(self._stream.flush)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def _attempt(self, action: Callable[[], object]) -> None:
        with suppress(OSError, ValueError):
            try:
                action()
            except BrokenPipeError:
                _drop_unwritten(self._stream)


def open_standard_streams() -> None:
    """Open the null device for each closed standard stream (`2>&-`). Else the next opened files take their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the system gives the lowest free number


def keep_exit_code() -> None:
    """Give up what cannot be written to a full stream at the end of the program. Else Python would exit with 120."""
    atexit.register(_drop_all_unwritten)


def print_paths(paths: Iterable[Path]) -> None:
    """Print one path a line to stdout. Characters that stdout cannot show are escaped.

    If nobody reads stdout any more, nothing is lost and nothing is raised. Raises OSError if stdout cannot be written.
    """
    if sys.stdout is None:
        return
    encoding = sys.stdout.encoding or "utf-8"
    try:
        for path in paths:
            print(str(path).encode(encoding, "backslashreplace").decode(encoding), flush=True)
    except OSError as error:
        _drop_unwritten(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            raise OSError(error.errno, error.strerror, "stdout") from error


def _drop_all_unwritten() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):  # a stream that is None, or closed
            try:
                stream.flush()
            except OSError:
                _drop_unwritten(stream)


def _drop_unwritten(stream: TextIO) -> None:
    """Point the stream to the null device, because flushing its buffer at the end of the program would fail again."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
