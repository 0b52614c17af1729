from pathlib import Path

import pytest

from postprocess.command_line import PROJECT, parse_call, version


def refusal(capsys, *arguments):
    with pytest.raises(SystemExit) as end:
        parse_call(["t.csv", *arguments])
    (line,) = capsys.readouterr().err.splitlines()
    assert end.value.code == 2 and line.endswith("; see --help")
    return line


def test_what_is_not_given_is_not_set():
    call = parse_call(["t.csv"])
    assert (call.training, call.pool, call.output, call.settings) == (Path("t.csv"), None, PROJECT, {})


def test_options_are_parameters_by_name():
    given = ["--rows", "500", "--seed", "3", "--exclude", "id, name", "--exclude", "zip", "--set", "sample_size=10"]
    call = parse_call(["t.csv", *given, "-o", "out"])
    assert call.settings == {"sample_size": 10, "rows": 500, "seed": 3, "exclude": ("id", "name", "zip")}
    assert call.output == Path("out")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--rows", "many"], "whole number"),
        (["--seed", "-1"], "whole number"),
        (["--exclude", "a,,b"], "list of column names"),
        (["--set", "seed"], "give NAME=VALUE"),
        (["--seed", "3", "--set", "seed=4"], "seed: given twice"),
        (["--set", "threads=1", "--set", "threads=2"], "threads: given twice"),
        (["--pool", "p.csv", "--draft"], "leave one of them out"),
        (["--row", "5"], "unrecognized arguments"),
    ],
)
def test_a_wrong_option_is_refused_in_one_line(capsys, arguments, word):
    assert word in refusal(capsys, *arguments)


def test_the_version_is_the_project_s(capsys):
    with pytest.raises(SystemExit) as end:
        parse_call(["--version"])
    assert end.value.code == 0 and capsys.readouterr().out.strip() == version()
    assert f'version = "{version().split()[1]}"' in (PROJECT / "pyproject.toml").read_text()
