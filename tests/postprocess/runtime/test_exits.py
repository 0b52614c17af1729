"""How a program ends, as far as no process has to end for it; the rest is tested with main.py."""

import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from postprocess.runtime.exits import checked, explain, print_paths, reason


@dataclass(frozen=True)
class Sizes:
    width: int = 1
    height: int = 1


def test_a_message_is_one_line_whatever_it_quotes(capsys):
    assert explain(ValueError("two\nlines and \udce9"), code=2) == 2
    assert explain("why", code=1, program="other.py") == 1
    assert capsys.readouterr() == ("", "main.py: two lines and \\udce9\nother.py: why\n")


def test_nobody_has_to_listen(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "stderr", None)
    assert explain("why", code=1) == 1
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(sys, "stdout", None)
    print_paths([tmp_path])


def test_paths_are_shown_as_well_as_stdout_can(monkeypatch):
    shown = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", shown)
    print_paths([Path("café.csv"), Path("page.html")])
    assert shown.buffer.getvalue() == b"caf\\xe9.csv\npage.html\n"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "out of memory: lower max_memory$"),
        (RuntimeError("can't start new thread"), "no more threads can be started: raise the limit"),
        (OSError(28, "No space left on device"), "output: No space left on device"),
        (ZeroDivisionError("by zero"), r"ZeroDivisionError in .*test_exits\.py, line \d+: by zero"),
    ],
)
def test_a_failure_says_what_can_be_done_or_where_it_was(error, told):
    with pytest.raises(type(error)) as failure:
        raise error
    assert re.match(told, reason(failure.value, to_save_memory="lower max_memory"))


def test_a_parameter_that_does_not_exist_is_told_with_the_closest_one(capsys):
    with pytest.raises(SystemExit) as ended, checked(Sizes):
        Sizes(width=2, hight=1)
    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "main.py: Sizes at the top of main.py: there is no parameter 'hight'; the closest one is 'height'\n"
    )


def test_other_complaints_of_python_s_are_passed_on(capsys):
    with pytest.raises(SystemExit), checked(Sizes):
        Sizes(1, 2, 3)
    assert "takes from 1 to 3 positional arguments but 4 were given" in capsys.readouterr().err
