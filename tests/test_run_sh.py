"""run.sh and tests/run.sh in a copy of the project, with a stand-in for uv that only records its calls."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from postprocess.command_line import parse_call

PROJECT = Path(__file__).parents[1]
NEEDED_COMMANDS = ["bash", "cat", "chmod", "cmp", "cp", "dirname", "flock", "mkdir", "mv", "readlink", "rm", "sh"]

UV = f"""#!/usr/bin/env bash
[[ "$1" == --version ]] && exit
echo "$*" >>"$(dirname "$0")/calls"
if [[ "$1" == venv ]]; then
    mkdir -p "${{@: -1}}/bin"
    printf '#!/bin/sh\\nexec "{sys.executable}" "$@"\\n' >"${{@: -1}}/bin/python"
    chmod +x "${{@: -1}}/bin/python"
elif [[ -e "$(dirname "$0")/uv_fails" ]]; then
    source "$(dirname "$0")/uv_fails"
fi
"""
MAIN = """
import os, sys
print(os.getcwd(), sys.argv[1:], os.environ.get("PYTHONPATH") or os.environ.get("PYTHONSAFEPATH"), sep="|")
sys.exit(len(sys.argv) - 2)
"""


class Machine:
    """A copy of run.sh on a computer that has only the commands in `bin`."""

    def __init__(self, folder: Path) -> None:
        self.project, self.bin, self.elsewhere = folder / "a project", folder / "bin", folder / "else where"
        for made in (self.project / "tests", self.bin, self.elsewhere):
            made.mkdir(parents=True)
        for name in NEEDED_COMMANDS:
            (self.bin / name).symlink_to(shutil.which(name))
        for name in ("run.sh", "tests/run.sh"):
            shutil.copy(PROJECT / name, self.project / name)
        (self.project / "requirements.txt").write_text("numpy==2.4.0\n")
        (self.project / "tests/requirements.txt").write_text("pytest==9.2.0\n")
        (self.project / "main.py").write_text(MAIN)

    def add_command(self, name: str, script: str) -> None:
        add_command(self.bin / name, script)

    def start(self, *arguments: str, script: str = "run.sh") -> subprocess.Popen:
        return subprocess.Popen(
            [self.project / script, *arguments],
            cwd=self.elsewhere,
            env={"PATH": str(self.bin), "PYTHONPATH": "/nowhere", "PYTHONSAFEPATH": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, script: str = "run.sh") -> subprocess.CompletedProcess:
        process = self.start(*arguments, script=script)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def uv_calls(self) -> list[str]:
        calls = self.bin / "calls"
        return [line.split()[0] for line in calls.read_text().splitlines()] if calls.exists() else []


def add_command(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path) -> Machine:
    machine = Machine(tmp_path)
    machine.add_command("uv", UV)
    return machine


@pytest.fixture
def bare_machine(tmp_path) -> Machine:
    """A machine without uv. Its python3 and its curl install the stand-in, unless a test breaks them."""
    machine, uv = Machine(tmp_path), tmp_path / "uv"
    add_command(uv, UV)
    pip = f'#!/bin/sh\\ncp "{uv}" .venv-uv/bin/uv\\n'
    machine.add_command(
        "python3",
        f"#!/bin/sh\nmkdir -p .venv-uv/bin; printf '{pip}' >.venv-uv/bin/python; chmod +x .venv-uv/bin/python\n",
    )
    folder = "$UV_UNMANAGED_INSTALL"
    machine.add_command("curl", f"""#!/bin/sh\necho 'mkdir -p "{folder}"; cp "{uv}" "{folder}/uv"'\n""")
    return machine


@pytest.mark.parametrize("code", [1, 130, 137])
def test_a_python_that_was_interrupted_is_not_installed_anew(machine, code):
    assert machine.run("training.csv").returncode == 0
    send = "kill -INT 0; sleep 0.2; " if code != 137 else "kill -KILL $$; "
    add_command(machine.project / ".venv/bin/python", f"#!/bin/sh\ntrap 'exit {code}' INT\n{send}exit {code}\n")
    (machine.project / ".venv/keep").touch()
    machine.add_command("sleep", '#!/bin/sh\nexec /bin/sleep "$@"\n')
    process = subprocess.run(
        [machine.project / "run.sh", "training.csv"],
        env={"PATH": str(machine.bin)},
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # this test may run in the background
    )
    assert process.returncode == (1 if code == 137 else 130)
    assert (machine.project / ".venv/keep").exists()
    assert "interrupted" in process.stderr or "killed by signal 9; run again" in process.stderr


def test_help_needs_no_environment(machine):
    result = machine.run("training.csv", "--help")
    assert result.returncode == 0
    assert "usage: ./run.sh TRAINING [options]" in result.stdout
    assert not (machine.project / ".venv").exists()


def test_help_names_the_options_of_main_and_an_example_that_exists(machine, capsys):
    text = machine.run("--help").stdout
    with pytest.raises(SystemExit):
        parse_call(["--help"])
    assert set(re.findall(r"--\w+", text)) == set(re.findall(r"--\w+", capsys.readouterr().out))
    assert (PROJECT / re.search(r"examples/\S+", text)[0]).exists()


def test_no_argument_is_a_wrong_call(machine):
    result = machine.run()
    assert (result.returncode, result.stdout) == (2, "")
    assert "usage: ./run.sh TRAINING" in result.stderr and result.stderr.endswith("run.sh: TRAINING is missing\n")


def test_main_gets_the_arguments_and_the_callers_folder_but_no_foreign_packages_and_sets_the_exit_code(machine):
    result = machine.run("my training.csv", "--pool", "my pool.csv")
    assert result.stdout == f"{machine.elsewhere}|['my training.csv', '--pool', 'my pool.csv']|None\n"
    assert result.returncode == 2


@pytest.mark.parametrize(
    "name", ["$(touch owned)", "`touch owned`", "a \"b\" 'c'", "; touch owned", "two\nlines", "日本", "*"]
)
def test_names_are_passed_on_unchanged(machine, name):
    assert machine.run(name).stdout == f"{machine.elsewhere}|{[name]}|None\n"
    assert [path.name for path in machine.elsewhere.iterdir()] == []


def test_a_folder_without_write_permission_is_reported(machine):
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    machine.project.chmod(0o555)
    result = machine.run("training.csv")
    assert (result.returncode, result.stdout) == (1, "")
    assert ".venv is not ready" in result.stderr and "no permission to write" in result.stderr


def test_the_environment_is_made_once_and_updated_when_the_requirements_change(machine):
    for _ in range(2):
        assert machine.run("training.csv").returncode == 0
    assert machine.uv_calls() == ["venv", "pip"]
    (machine.project / "requirements.txt").write_text("numpy==2.4.1\n")
    machine.run("training.csv")
    assert machine.uv_calls() == ["venv", "pip", "pip"]


def test_an_environment_that_is_ready_needs_no_uv_and_no_write_permission(machine):
    assert machine.run("training.csv").returncode == 0
    (machine.bin / "uv").unlink()
    for folder in (machine.project, machine.project / ".venv"):
        folder.chmod(0o555)
    result = machine.run("training.csv")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        ("exit 1", 1, "run.sh: the packages of requirements.txt could not be installed"),
        ("kill -KILL $PPID", 137, ""),
    ],
)
def test_an_install_that_was_broken_off_starts_over(machine, fault, code, message):
    (machine.bin / "uv_fails").write_text(fault)
    result = machine.run("training.csv")
    assert (result.returncode, result.stdout) == (code, "")
    assert message in result.stderr
    (machine.bin / "uv_fails").unlink()
    assert machine.run("training.csv").returncode == 0
    assert machine.uv_calls() == ["venv", "pip"] * 2


def test_an_environment_without_its_python_is_made_anew(machine):
    machine.run("training.csv")
    (machine.project / ".venv/bin/python").unlink()
    assert machine.run("training.csv").returncode == 0
    assert machine.uv_calls() == ["venv", "pip"] * 2


def test_simultaneous_runs_wait_for_the_one_that_installs(machine):
    with (machine.project / "run.sh").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        runs = [machine.start("training.csv") for _ in range(2)]
        for run in runs:
            assert "waiting for another run" in run.stderr.readline()
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
    (bare_machine.project / ".venv/bin/python").unlink()
    result = bare_machine.run("training.csv")
    assert result.returncode == 0 and "uv is missing" not in result.stderr


def test_a_uv_that_cannot_be_installed_is_reported(bare_machine):
    for name in ("python3", "curl"):
        bare_machine.add_command(name, "#!/bin/sh\nexit 1\n")
    result = bare_machine.run("training.csv")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].startswith("run.sh: uv could not be installed")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("POOL = dict(\n    train_iterations=2\n    max_epochs=17,\n)\n", "line [23]: invalid syntax.*"),
        ("POOL = dict(\n    seed=1,\n    seed=2,\n)\n", "line [123]: keyword argument repeated: seed"),
    ],
)
def test_a_syntax_error_in_the_parameters_is_reported_in_one_line(machine, text, fault):
    (machine.project / "main.py").write_text(text)
    assert machine.run("training.csv").returncode == 2
    result = machine.run("training.csv")
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert re.fullmatch(rf"{machine.project}/main.py: {fault}; correct this line or the lines above it", line)


@pytest.fixture
def checked_machine(machine) -> Machine:
    """A machine with a .venv whose python only prints its arguments."""
    add_command(machine.project / ".venv/bin/python", '#!/bin/sh\n[ "$1" = -c ] || echo "$*"\n')
    add_command(machine.project / ".venv/bin/lint-imports", "#!/bin/sh\necho all rules kept\n")
    return machine


@pytest.mark.parametrize(
    ("arguments", "pytest_call"),
    [
        (["-k", "ipf"], "-m pytest -k ipf"),
        (["--fast", "-k", "ipf"], "-m pytest -m not slow and not engine -k ipf"),
    ],
)
def test_the_checks_run_before_the_tests(checked_machine, arguments, pytest_call):
    result = checked_machine.run(*arguments, script="tests/run.sh")
    assert result.returncode == 0
    assert result.stdout.splitlines() == ["-m ruff format --check .", "-m ruff check .", "-m mypy", pytest_call]
    assert checked_machine.uv_calls() == ["pip", "pip"]


def test_an_import_against_the_rules_ends_the_checks(checked_machine):
    add_command(checked_machine.project / ".venv/bin/lint-imports", "#!/bin/sh\necho one rule broken\nexit 1\n")
    result = checked_machine.run(script="tests/run.sh")
    assert result.returncode == 1
    assert "one rule broken" in result.stderr and "pytest" not in result.stdout
