"""Tests the random steps that replace the real ones."""

import json

import numpy as np
import pytest

from benchmarks.ablation import VARIANTS, draw_rows, drop_rows, main
from benchmarks.runs import read_case
from postprocess.runtime.progress import Progress
from postprocess.runtime.stages import Journal
from postprocess.runtime.threads import open_workers
from postprocess.tables.counts import Tables
from postprocess.tables.layout import Layout


def test_rows_are_drawn_by_weight():
    weights = np.repeat([0.0, 0.2, 0.8], 1_000)
    rows = draw_rows(None, weights, None, None, n=500, rng=np.random.default_rng(1), workers=None)
    assert len(np.unique(rows)) == 500
    assert np.all(np.diff(rows) > 0)
    assert np.count_nonzero(rows < 1_000) == 0
    assert 300 < np.count_nonzero(rows >= 2_000) < 450


def test_the_tables_stay_correct_when_rows_are_dropped(case_files):
    case = read_case(*case_files, journal=Journal(Progress()))
    n_columns = len(case.n_codes)
    layout = Layout(case.n_codes, n_columns, n_columns)
    with open_workers(1) as workers:
        tables, wanted = (Tables(layout, workers=workers) for _ in range(2))
        tables.add(case.pool.codes)
        result = drop_rows(tables, case.pool.codes, None, n=400, rng=np.random.default_rng(1))
        wanted.add(case.pool.codes[:, result.keep])
    assert np.count_nonzero(result.keep) == 400
    assert np.array_equal(tables.values, wanted.values)


def test_every_step_raises_the_accuracy(case_files, tmp_path, capsys):
    path = tmp_path / "ablation.json"
    settings = ("threads=1", "target_smoothing=0", "privacy_filter=0")  # the gain is measured on training rows
    main([*map(str, case_files), *(f"--set={setting}" for setting in settings), "--json", str(path)])
    found = {result["variant"]: result["accuracy"] for result in json.loads(path.read_text())["variants"]}
    assert list(found) == [variant.name for variant in VARIANTS]
    complete = found["all steps"]
    overall = {name: accuracy["refined"]["overall"] for name, accuracy in found.items()}
    assert found["no IPF, subset drawn at random"]["ipf"]["overall"] < complete["ipf"]["overall"]
    assert found["IPF, subset drawn by weight"]["ipf"]["overall"] < complete["ipf"]["overall"]
    assert found["trimming at random"]["trimmed"]["overall"] < complete["trimmed"]["overall"]
    assert found["no refinement"]["refined"] == found["no refinement"]["trimmed"] == complete["trimmed"]
    assert overall["no refinement"] < overall["all steps"]
    assert capsys.readouterr().out.count("\n") == len(VARIANTS) + 1


def test_an_existing_file_is_refused(case_files, capsys):
    with pytest.raises(SystemExit) as exit:
        main([*map(str, case_files), "--json", str(case_files[0])])
    assert exit.value.code == 2
    assert "exists already" in capsys.readouterr().err
