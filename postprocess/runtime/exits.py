"""How a program ends: with an exit code, and early only with one line on stderr that says why.

Nothing here loads more than the standard library, so an end while the libraries load is told as well.
"""

import argparse
import difflib
import io
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

EXIT_FAILED, EXIT_WRONG_INPUT, EXIT_INTERRUPTED, EXIT_TERMINATED = 1, 2, 130, 143
PROGRAM = "main.py"
WORDS = ("None", "True", "False")  # that parameters may be, and that are easily written otherwise


class InputError(ValueError):
    """A file that cannot be used: one line that names the file, the place, what is wrong and what to do."""


class Terminated(KeyboardInterrupt):
    """SIGTERM: as Ctrl-C, with an exit code of its own."""


def explain(message: object, *, code: int, program: str = PROGRAM) -> int:
    """Write why the program ends, in one line whatever the message quotes; returns the exit code."""
    line = " ".join(str(message).splitlines()).encode(errors="backslashreplace").decode()
    if sys.stderr is not None:  # or else print would write to stdout
        with suppress(OSError):
            print(f"{program}:", line, file=sys.stderr, flush=True)
    return code


class Parser(argparse.ArgumentParser):
    """Ends the program with one line and exit code 2 where the call is wrong; program: who says so in that line."""

    def __init__(self, *, program: str, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)
        self.program = program

    def error(self, message: str) -> NoReturn:
        """As argparse calls it."""
        sys.exit(explain(f"{message}; see --help", code=EXIT_WRONG_INPUT, program=self.program))


def explain_early_ends(program: str = PROGRAM) -> None:
    """Let Ctrl-C while the libraries load, which takes seconds, and a library that does not load get their one line."""
    _on_interrupt(lambda *_: os._exit(explain("interrupted", code=EXIT_INTERRUPTED, program=program)))
    sys.excepthook = lambda kind, error, _: explain(
        f"{kind.__name__}: {error}; memory (ulimit -v) or the packages in .venv may be at fault",
        code=EXIT_FAILED,
        program=program,
    )


def run_to_end(
    work: Callable[[], Iterable[Path]],
    *,
    wrong_input: tuple[type[Exception], ...],
    failed: tuple[type[Exception], ...] = (),
    program: str = PROGRAM,
    to_save_memory: str = "lower sample_size, max_memory or the swapsizes",
) -> int:
    """Do the work, and print the paths of what it wrote to stdout; the exit code.

    However it ends early, one line on stderr says why: in their own words for `wrong_input` and `failed`, whose exit
    codes differ.
    """
    raise_on_signals()
    try:
        print_paths(work())
    except Terminated:
        return explain("terminated", code=EXIT_TERMINATED, program=program)
    except KeyboardInterrupt:
        return explain("interrupted", code=EXIT_INTERRUPTED, program=program)
    except wrong_input as error:
        return explain(error, code=EXIT_WRONG_INPUT, program=program)
    except failed as error:
        return explain(error, code=EXIT_FAILED, program=program)
    except Exception as error:
        return explain(reason(error, to_save_memory=to_save_memory), code=EXIT_FAILED, program=program)
    return 0


def raise_on_signals() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt, and SIGTERM raises Terminated."""
    _on_interrupt(signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminate)


def open_standard_streams() -> None:
    """Give closed ones (`2>&-`) the null device, or else the next opened files would take their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number


def print_paths(paths: Iterable[Path]) -> None:
    """One a line, to stdout, whatever that can show and whether or not anybody reads it."""
    if sys.stdout is None:
        return
    if isinstance(sys.stdout, io.TextIOWrapper):  # not where a caller has put something else in its place
        sys.stdout.reconfigure(errors="backslashreplace")  # the locale may lack a path's characters
    try:
        for path in paths:
            print(path, flush=True)
    except BrokenPipeError:  # the reader has gone; nothing is lost, and the interpreter must not try again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def reason(error: Exception, *, to_save_memory: str) -> str:
    """What to say of a failure that the program has no words of its own for."""
    if isinstance(error, MemoryError):
        return f"out of memory{f' ({error})' if str(error) else ''}: {to_save_memory}"
    if "can't start new thread" in str(error):
        return "no more threads can be started: raise the limit on processes or on memory (ulimit -a), or lower threads"
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or error}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {place.filename}, line {place.lineno}: {error}"


@contextmanager
def checked(*kinds: type[Any]) -> Iterator[None]:
    """Ends the program where a parameter's name or value is wrong; kinds: the dataclasses that hold parameters."""
    try:
        yield
    except NameError as error:
        line = traceback.extract_tb(error.__traceback__)[-1].lineno
        like = [word for word in WORDS if error.name and word.lower() == error.name.lower()]
        hint = f"write {like[0]}" if like else "text needs quotes; other values are numbers, None, True or False"
        sys.exit(explain(f"line {line}: {error}; {hint}", code=EXIT_WRONG_INPUT))
    except (TypeError, ValueError) as error:
        sys.exit(explain(_misnamed(str(error), kinds) or error, code=EXIT_WRONG_INPUT))


def _misnamed(complaint: str, kinds: Iterable[type[Any]]) -> str | None:
    """What to say of a parameter that does not exist, where that is Python's complaint."""
    match = re.match(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", complaint)
    if match is None:
        return None
    kind, name = match.groups()
    (names,) = ([field.name for field in fields(each)] for each in kinds if each.__name__ == kind)
    (closest,) = difflib.get_close_matches(name, names, n=1, cutoff=0)
    return f"{kind} at the top of {PROGRAM}: there is no parameter {name!r}; the closest one is {closest!r}"


def _on_interrupt(handle: Callable[..., object]) -> None:
    """What Ctrl-C does; nothing where it is to be ignored, as in a background job."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, handle)


def _terminate(_signal: int, _frame: object) -> None:
    raise Terminated
