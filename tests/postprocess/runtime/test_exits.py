"""Tests how a program ends. tests/runs/test_exits.py tests the ends of whole runs."""

import io
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from postprocess.runtime.exits import explain, reason
from postprocess.runtime.streams import print_paths

PROJECT = Path(__file__).parents[3]


def test_a_message_with_line_breaks_is_shown_in_one_line(capsys):
    assert explain(ValueError("two\nlines and \udce9"), code=2) == 2
    assert explain("why", code=1, program="other.py") == 1
    assert capsys.readouterr() == ("", "main.py: two lines and \\udce9\nother.py: why\n")


def test_closed_streams_are_no_failure(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "stderr", None)
    assert explain("why", code=1) == 1
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(sys, "stdout", None)
    print_paths([tmp_path])


@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_after_the_work_changes_nothing(number):
    code = f"""
import atexit, os, signal
from postprocess.runtime.exits import leave, run_to_exit
atexit.register(lambda: os.kill(os.getpid(), signal.{number}))
leave(run_to_exit(list, to_save_memory=""))
"""
    process = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, timeout=60)
    assert (process.returncode, process.stderr) == (0, b"")


def test_an_interrupt_that_nothing_caught_is_told_in_one_line():
    code = """
from postprocess.runtime.exits import explain_early_exit
explain_early_exit()
raise KeyboardInterrupt
"""
    process = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, timeout=60)
    assert (process.returncode, process.stderr) == (130, b"main.py: interrupted\n")


def test_paths_that_stdout_cannot_encode_are_escaped(monkeypatch):
    shown = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", shown)
    print_paths([Path("café.csv"), Path("page.html")])
    assert shown.buffer.getvalue() == b"caf\\xe9.csv\npage.html\n"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), "out of memory: lower max_memory$"),
        (RuntimeError("can't start new thread"), "no more threads can be started: raise the limit"),
        (OSError(28, "No space left on device"), "output: No space left on device"),
        (ZeroDivisionError("by zero"), r"ZeroDivisionError in .*test_exits\.py, line \d+: by zero"),
    ],
)
def test_a_failure_is_explained_by_a_remedy_or_its_place(error, expected):
    with pytest.raises(type(error)) as failure:
        raise error
    assert re.match(expected, reason(failure.value, to_save_memory="lower max_memory"))


PROGRAM = """
    import sys
    from dataclasses import dataclass
    from postprocess.runtime.exits import explain_early_exit
    explain_early_exit("main.py")

    @dataclass(frozen=True, kw_only=True)
    class Sizes:
        width: int
        height: int
        def __post_init__(self):
            if self.width < 1:
                raise ValueError(f"width={self.width}: must be at least 1")

    SIZES = Sizes(STATEMENT)
"""


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ("width=2, hight=1", ["Sizes", "'hight'", "'height'"]),
        ("width=0, height=1", ["width=0: must be at least 1"]),
        ("width=none, height=1", ["line 15", "'none'", "None"]),
        ("width=2", ["line 15", "'height'"]),
    ],
)
def test_a_wrong_parameter_ends_the_program_in_one_line(arguments, facts):
    code = textwrap.dedent(PROGRAM).replace("STATEMENT", arguments)
    process = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert process.returncode == 2
    assert process.stderr.startswith("main.py: ") and process.stderr.count("\n") == 1
    assert all(fact in process.stderr for fact in facts), process.stderr


def test_another_failure_while_loading_is_no_wrong_parameter():
    code = (
        "from postprocess.runtime.exits import explain_early_exit\nexplain_early_exit()\nimport json; json.loads('x')"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=60)
    assert process.returncode == 1
    assert process.stderr.startswith("main.py: JSONDecodeError: ") and process.stderr.count("\n") == 1
