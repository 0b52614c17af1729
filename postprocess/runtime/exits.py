"""How a program ends: with an exit code and, if it ends early, with one line on stderr that says why.

This module loads only the standard library. It can therefore explain an end while other libraries are loading.
"""

import argparse
import difflib
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import NoReturn, TextIO, cast

from postprocess.runtime.streams import LastingStream, keep_exit_code, print_paths

EXIT_FAILED, EXIT_WRONG_INPUT, EXIT_INTERRUPTED = 1, 2, 130
PROGRAM = "main.py"
# A slip in a program's parameters raises one of these, in the program itself or below it in these files alone.
WRONG_PARAMETER = (NameError, TypeError, ValueError)
END_WORDS = {  # by the signal that has ended the program; its exit code is 128 and the signal's number, as in a shell
    signal.SIGINT: "interrupted",
    signal.SIGTERM: "terminated",
    signal.SIGHUP: "terminated, because the terminal was closed",
}
PARAMETER_FILES = {"parameters.py", "dataclasses.py", "<string>"}


class InputError(ValueError):
    """A file or a call that cannot be used. The message is one line: the place, what is wrong and what to do."""


class Terminated(KeyboardInterrupt):
    """The program received the signal `number`, another one than Ctrl-C's. It is treated like Ctrl-C."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class Parser(argparse.ArgumentParser):
    """An argument parser that reports a wrong call in one line, with exit code 2."""

    def __init__(self, *, program: str = PROGRAM, **options: object) -> None:
        super().__init__(allow_abbrev=False, **options)  # type: ignore[arg-type]
        self.program = program

    def error(self, message: str) -> NoReturn:
        """Report a wrong call. argparse calls this method."""
        sys.exit(explain(f"{message}; see --help", code=EXIT_WRONG_INPUT, program=self.program))

    def _print_message(self, message: str, file: object = None) -> None:
        """Print the text of --help or --version. argparse calls this method, and its own hides that nothing came."""
        try:
            print(message, end="", file=cast(TextIO, file), flush=True)
        except OSError as error:
            sys.exit(explain(f"stdout: {error.strerror}", code=EXIT_FAILED, program=self.program))


def explain(message: object, *, code: int, program: str = PROGRAM) -> int:
    """Write the reason of an early end to stderr, always as one line, and return the exit code."""
    line = " ".join(str(message).splitlines()).encode(errors="backslashreplace").decode()
    if sys.stderr is not None:  # without this check, print would write to stdout
        print(f"{program}: {line}", file=cast(TextIO, LastingStream(sys.stderr)), flush=True)
    return code


def explain_early_exit(program: str = PROGRAM) -> None:
    """Report Ctrl-C, a failing import and a wrong parameter in one line while the program is loading."""
    keep_exit_code()
    _on_interrupt(lambda *_: os._exit(_explain_interrupt(KeyboardInterrupt(), program)))
    sys.excepthook = lambda kind, error, trace: sys.exit(_explain_uncaught(kind, error, trace, program))


def run_to_exit(
    work: Callable[[], Iterable[Path]],
    *,
    failed: tuple[type[Exception], ...] = (),
    wrong_input: tuple[type[Exception], ...] = (InputError,),
    program: str = PROGRAM,
    to_save_memory: str,
) -> int:
    """Do the work, print the paths that it returns to stdout, and return the exit code.

    If the work ends early, one line on stderr says why. Exceptions of the types `failed` and `wrong_input` speak for
    themselves. They differ in their exit codes. to_save_memory: what to do if memory runs out.
    """
    try:
        raise_on_signals()
        print_paths(work())
    except KeyboardInterrupt as error:
        return _explain_interrupt(error, program)
    except wrong_input as error:
        return explain(error, code=EXIT_WRONG_INPUT, program=program)
    except failed as error:
        return explain(error, code=EXIT_FAILED, program=program)
    except Exception as error:
        return explain(reason(error, to_save_memory=to_save_memory), code=EXIT_FAILED, program=program)
    return 0


def raise_on_signals() -> None:
    """Make Ctrl-C raise KeyboardInterrupt, SIGTERM and SIGHUP Terminated from now on."""
    _on_interrupt(signal.default_int_handler)
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
        signal.signal(signal.SIGHUP, _terminate)


def leave(code: int) -> NoReturn:
    """End the program with this exit code. A signal that comes while Python shuts down does not change it."""
    for number in END_WORDS:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(code)


def reason(error: Exception, *, to_save_memory: str) -> str:
    """Return what to say of a failure that has no message of its own for the user."""
    if isinstance(error, MemoryError):
        return f"out of memory{f' ({error})' if str(error) else ''}: {to_save_memory}"
    if "can't start new thread" in str(error):
        return "no more threads can be started: raise the limit on processes or on memory (ulimit -a), or lower threads"
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or error}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {place.filename}, line {place.lineno}: {error}"


def _explain_interrupt(error: KeyboardInterrupt, program: str) -> int:
    number = signal.Signals(error.number) if isinstance(error, Terminated) else signal.SIGINT
    return explain(END_WORDS[number], code=128 + number, program=program)


def _explain_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None, program: str
) -> int:
    """Explain an exception that nothing has caught while the program was loading or ending. Return the exit code."""
    if isinstance(error, KeyboardInterrupt):
        return _explain_interrupt(error, program)
    frames = traceback.extract_tb(trace)
    if isinstance(error, WRONG_PARAMETER) and trace and {Path(f.filename).name for f in frames[1:]} <= PARAMETER_FILES:
        return explain(_parameter_fault(error, trace), code=EXIT_WRONG_INPUT, program=program)
    if isinstance(error, ModuleNotFoundError) or "cannot import name" in str(error):
        cause = f"{sys.executable} may lack the packages of this project; use ./run.sh, which installs and finds them"
    else:
        cause = "memory (ulimit -v) or the packages in .venv may be at fault"
    return explain(f"{kind.__name__}: {error}; {cause}", code=EXIT_FAILED, program=program)


def _parameter_fault(error: Exception, trace: TracebackType) -> str:
    """Return what to say of an exception that the parameters at the top of the program have raised."""
    misnamed = re.match(r"(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'", str(error))
    if misnamed:
        kind, name = misnamed.groups()
        names = [field.name for field in fields(trace.tb_frame.f_globals[kind])]
        (closest,) = difflib.get_close_matches(name, names, n=1, cutoff=0)
        return f"{kind}: there is no parameter {name!r}; the closest one is {closest!r}"
    if isinstance(error, ValueError):
        return str(error)
    hint = "write None, True and False with a capital letter, and text in quotes"
    if isinstance(error, TypeError):
        hint = "every parameter needs a line name=value"
    return f"line {trace.tb_lineno}: {error}; {hint}"


def _on_interrupt(handle: Callable[..., object]) -> None:
    """Set what Ctrl-C does. If it is ignored, as in a background job, it stays ignored."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, handle)


def _terminate(number: int, _frame: object) -> None:
    raise Terminated(number)
