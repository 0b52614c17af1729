"""Tests the comparison of settings with a generator that trains nothing."""

import json
from functools import partial

import pytest

import benchmarks.training as module
from benchmarks.training import main
from pool.build import build_pool
from tests.pool.fakes import resample

FAST = ("--set", "threads=1", "--set", "refinement_iterations=0")


@pytest.fixture(autouse=True)
def _train_nothing(monkeypatch):
    monkeypatch.setattr(module, "build_pool", partial(build_pool, train=resample))


def test_every_setting_is_measured_with_every_seed_on_held_out_rows(case_files, tmp_path, capsys):
    path = tmp_path / "training.json"
    setting = "small:sample_size=2.0,train_iterations=1,model_name=MOSTLY_AI/Small"
    given = ("--rows", "200", "--apart", "100", "--seeds", "2", "--setting", setting, "--json", str(path))
    assert main([str(case_files[0]), *given, *FAST]) == 0
    facts = json.loads(path.read_text())
    assert facts["settings"]["small"]["model_name"] == "MOSTLY_AI/Small"
    assert [(each["seed"], each["setting"]) for each in facts["trained"]] == [
        (seed, label) for seed in (1, 2) for label in ("main.py's", "small")
    ]
    for each in facts["trained"]:
        assert each["sample"] > each["sample_apart"] and each["result"] > each["result_apart"]
    assert capsys.readouterr().out.count("small") == 1


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--rows", "390", "--apart", "100"], "has 400 rows, too few for 390 to train on and 100 apart"),
        (["--setting", "batch_size=8"], "--setting batch_size=8: give LABEL:NAME=VALUE"),
        (["--setting", "x:batch_size=none"], "batch_size='none'"),
    ],
)
def test_a_wrong_call_ends_with_one_line(case_files, capsys, arguments, line):
    with pytest.raises(SystemExit) as end:
        main([str(case_files[0]), *arguments])
    assert end.value.code == 2
    assert line in capsys.readouterr().err
