"""Tests measured runs, their table and their JSON file."""

import json
import os
import signal

import pytest

from benchmarks.measure import main, stage_table
from benchmarks.runs import run_here
from postprocess.selection.context import Step
from tests.parameters import selection_parameters

pytestmark = pytest.mark.slow

STAGES = ["reading", "reading the pool", *Step]


@pytest.fixture(scope="module")
def run(case_files):
    return run_here(*case_files, selection_parameters(threads=1))


def test_every_stage_is_measured(run):
    assert [stage.name for stage in run.stages] == STAGES
    assert run.stages[0].rows == run.stages[-1].rows == 400
    assert run.stages[1].rows == 3_000
    assert run.seconds == pytest.approx(sum(stage.seconds for stage in run.stages))
    assert all(0 < stage.peak_memory_bytes <= run.peak_memory_bytes for stage in run.stages)


def test_the_curve_ends_with_the_result(run):
    seconds, overall = zip(*run.curve, strict=True)
    assert list(seconds) == sorted(seconds)
    assert seconds[-1] <= run.seconds
    assert (overall[0], overall[-1]) == (run.accuracy["ipf"]["overall"], run.accuracy["refined"]["overall"])
    assert overall[-1] > run.accuracy["pool_sample"]["overall"]


def test_the_table_of_several_runs_shows_the_range(run):
    lines = stage_table([run, run]).splitlines()
    assert lines[0].split() == ["stage", "seconds", "range", "rows", "peak", "MB"]
    assert [line.split("  ")[0] for line in lines[1:]] == [*STAGES, "total"]
    assert " to " in lines[1]


def test_the_command_prints_its_figures_and_writes_them_as_json(case_files, tmp_path, capsys):
    path = tmp_path / "measured.json"
    main([*map(str, case_files), "--set", "refinement_iterations=1", "--set", "threads=1", "--json", str(path)])
    found = json.loads(path.read_text())
    assert found["parameters"]["refinement_iterations"] == 1
    assert found["machine"]["cores"] >= 1
    assert [stage["name"] for stage in found["runs"][0]["stages"]] == STAGES
    assert len(found["runs"][0]["curve"]) >= 3
    assert f"{found['runs'][0]['accuracy']['refined']['overall']:.5f}" in capsys.readouterr().out


def killed(*_arguments):
    """Replace `run_here`: end as the kernel ends a process that takes too much memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_ends_the_command_with_one_line(case_files, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.runs.run_here", killed)
    with pytest.raises(SystemExit) as exit:
        main([*map(str, case_files)])
    assert exit.value.code == 1
    line = (
        f"python -m benchmarks.measure: {case_files[0]}, {case_files[1]}: the measured process ran out of memory or was"
    )
    assert capsys.readouterr().err.startswith(line)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nowhere.csv", "nowhere.csv"], "nowhere.csv: no such file"),
        (["a.csv", "b.csv", "--set", "seed=-1"], "seed=-1: must be a whole number"),
        (["a.csv", "b.csv", "--repeat", "0"], "'0' is not a whole number of at least 1"),
    ],
)
def test_wrong_calls_end_with_one_line(arguments, text, capsys):
    with pytest.raises(SystemExit) as exit:
        main(arguments)
    assert exit.value.code == 2
    assert text in capsys.readouterr().err.splitlines()[-1]
