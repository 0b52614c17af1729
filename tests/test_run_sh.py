"""run.sh in a copy of the project, with a stand-in for uv that only writes down how it was called."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
NEEDED_COMMANDS = ["bash", "cat", "chmod", "cmp", "cp", "dirname", "flock", "mkdir", "mv", "readlink", "rm", "sh"]

UV = f"""#!/usr/bin/env bash
[[ "$1" == --version ]] && exit
echo "$*" >>"$(dirname "$0")/calls"
if [[ "$1" == venv ]]; then
    mkdir -p "${{@: -1}}/bin"
    printf '#!/bin/sh\\nexec "{sys.executable}" "$@"\\n' >"${{@: -1}}/bin/python"
    chmod +x "${{@: -1}}/bin/python"
else
    ! [[ -e "$(dirname "$0")/uv_fails" ]]
fi
"""
MAIN = """
import os, sys
print(os.getcwd(), sys.argv[1:], os.environ.get("PYTHONPATH") or os.environ.get("PYTHONSAFEPATH"), sep="|")
sys.exit(len(sys.argv) - 2)
"""


class Machine:
    """A computer of its own as far as run.sh can tell: its PATH holds the commands in `bin` and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.project, self.bin, self.elsewhere = folder / "a project", folder / "bin", folder / "else where"
        for made in (self.project, self.bin, self.elsewhere):
            made.mkdir()
        for name in NEEDED_COMMANDS:
            (self.bin / name).symlink_to(shutil.which(name))
        shutil.copy(PROJECT / "run.sh", self.project)
        (self.project / "requirements.txt").write_text("numpy==2.4.0\n")
        (self.project / "main.py").write_text(MAIN)

    def add_command(self, name: str, script: str) -> None:
        command = self.bin / name
        command.write_text(script)
        command.chmod(0o755)

    def start(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(
            [self.project / "run.sh", *arguments],
            cwd=self.elsewhere,
            env={"PATH": str(self.bin), "PYTHONPATH": "/nowhere", "PYTHONSAFEPATH": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def uv_calls(self) -> list[str]:
        calls = self.bin / "calls"
        return [line.split()[0] for line in calls.read_text().splitlines()] if calls.exists() else []


@pytest.fixture
def machine(tmp_path) -> Machine:
    machine = Machine(tmp_path)
    machine.add_command("uv", UV)
    return machine


@pytest.fixture
def bare_machine(tmp_path) -> Machine:
    """Without uv; its python3 and its curl install the stand-in, unless a test breaks them."""
    machine = Machine(tmp_path)
    (tmp_path / "uv").write_text(UV)
    pip = f'#!/bin/sh\\ncp "{tmp_path}/uv" .venv-uv/bin/uv\\nchmod +x .venv-uv/bin/uv\\n'
    machine.add_command(
        "python3", f"#!/bin/sh\nmkdir -p $3/bin; printf '{pip}' >$3/bin/python; chmod +x $3/bin/python\n"
    )
    copy = f'mkdir -p "$UV_INSTALL_DIR"; cp "{tmp_path}/uv" "$UV_INSTALL_DIR/uv"; chmod +x "$UV_INSTALL_DIR/uv"'
    machine.add_command("curl", f"#!/bin/sh\necho '{copy}'\n")
    return machine


def test_help_needs_no_environment(machine):
    result = machine.run("training.csv", "--help")
    assert result.returncode == 0
    assert "usage: ./run.sh TRAINING [--pool POOL] [--holdout HOLDOUT] [--output DIR]" in result.stdout
    assert not (machine.project / ".venv").exists()


def test_the_example_of_the_help_exists(machine):
    example = next(word for word in machine.run("--help").stdout.split() if word.endswith(".csv"))
    assert (PROJECT / example).exists()


def test_no_argument_is_a_wrong_call(machine):
    result = machine.run()
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Synthetic rows") and result.stderr.endswith("run.sh: TRAINING is missing\n")


def test_main_gets_the_arguments_the_callers_folder_no_foreign_packages_and_the_last_word(machine):
    result = machine.run("my training.csv", "--pool", "my pool.csv")
    assert result.stdout == f"{machine.elsewhere}|['my training.csv', '--pool', 'my pool.csv']|None\n"
    assert result.returncode == 2


@pytest.mark.parametrize(
    "name", ["$(touch owned)", "`touch owned`", "a \"b\" 'c'", "; touch owned", "two\nlines", "日本", "*"]
)
def test_names_are_passed_on_as_they_are(machine, name):
    assert machine.run(name).stdout == f"{machine.elsewhere}|{[name]}|None\n"
    assert [path.name for path in machine.elsewhere.iterdir()] == []


def test_a_folder_that_may_not_be_written_is_told(machine):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    machine.project.chmod(0o555)
    result = machine.run("training.csv")
    assert (result.returncode, result.stdout) == (1, "")
    assert "no permission to write there, and .venv is not ready" in result.stderr


def test_the_environment_is_made_once_and_again_when_the_requirements_change(machine):
    for _ in range(2):
        assert machine.run("training.csv").returncode == 0
    assert machine.uv_calls() == ["venv", "pip"]
    (machine.project / "requirements.txt").write_text("numpy==2.4.1\n")
    machine.run("training.csv")
    assert machine.uv_calls() == ["venv", "pip", "pip"]


def test_an_install_that_failed_is_told_and_starts_over(machine):
    (machine.bin / "uv_fails").touch()
    result = machine.run("training.csv")
    assert (result.returncode, result.stdout) == (1, "")
    assert "run.sh: the packages of requirements.txt could not be installed" in result.stderr
    (machine.bin / "uv_fails").unlink()
    assert machine.run("training.csv").returncode == 0
    assert machine.uv_calls() == ["venv", "pip"] * 2


def test_an_environment_whose_python_is_gone_is_made_anew(machine):
    machine.run("training.csv")
    (machine.project / ".venv/bin/python").unlink()
    assert machine.run("training.csv").returncode == 0
    assert machine.uv_calls() == ["venv", "pip"] * 2


def test_runs_at_once_wait_for_the_one_that_installs(machine):
    with (machine.project / "run.sh").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        runs = [machine.start("training.csv") for _ in range(2)]
        for run in runs:
            assert "waiting for another run to finish preparing .venv" in run.stderr.readline()
        assert machine.uv_calls() == []
    for run in runs:
        run.communicate(timeout=60)
    assert [run.returncode for run in runs] == [0, 0]
    assert machine.uv_calls() == ["venv", "pip"]


@pytest.mark.parametrize("broken", [[], ["python3"], ["curl"]])
def test_a_missing_uv_is_installed_into_the_project(bare_machine, broken):
    for name in broken:
        bare_machine.add_command(name, "#!/bin/sh\nexit 1\n")
    assert bare_machine.run("training.csv").returncode == 0
    assert (bare_machine.project / ".venv-uv/bin/uv").exists()
    assert "uv is missing" not in bare_machine.run("training.csv").stderr


def test_no_way_to_uv_is_told(bare_machine):
    for name in ("python3", "curl"):
        bare_machine.add_command(name, "#!/bin/sh\nexit 1\n")
    result = bare_machine.run("training.csv")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].startswith("run.sh: uv could not be installed, neither by pip nor by its")


def test_a_slip_in_the_parameters_is_told_in_one_line(machine):
    assert machine.run("training.csv").returncode == 0
    (machine.project / "main.py").write_text("POOL = dict(\n    train_iterations=2\n    max_epochs=17,\n)\n")
    result = machine.run("training.csv")
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert re.fullmatch(
        rf"{machine.project}/main.py: line [23]: invalid syntax.*; correct it, or the lines above it", line
    )
