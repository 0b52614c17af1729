"""A whole run with the real MOSTLY AI engine."""

import json
from dataclasses import replace

import pytest

import main
from pool.build import build_pool
from tests.runs.support import FLIGHTS, STEM, call, read_texts, save


@pytest.mark.engine
def test_a_run_with_the_real_engine_keeps_the_formats_and_beats_a_random_sample(output, tmp_path, monkeypatch):
    monkeypatch.setattr(main, "build_pool", build_pool)
    quick = {"model_name": "MOSTLY_AI/Small", "max_epochs": 1, "cycle_backend": "auto", "sample_size": 2.0}
    monkeypatch.setattr(main, "POOL", replace(main.POOL, **quick))
    original = read_texts(FLIGHTS)[["date", "carrier", "dep_delay", "temp"]].sample(300, random_state=1)
    assert call(save(original, tmp_path / "flights.csv"), "--output", output) == 0
    result = read_texts(output / "results" / f"{STEM}.csv")
    assert len(result) == 300 and list(result.columns) == list(original.columns)
    assert result["date"].dropna().str.fullmatch(r"2013-\d\d-\d\d").all()
    assert result["dep_delay"].dropna().str.fullmatch(r"-?\d+").all()
    assert result["temp"].dropna().str.fullmatch(r"\d+(\.\d+)?").all()
    assert set(result["carrier"]) <= {*original["carrier"], "_RARE_"}
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())
    assert summary["pool"]["rows"] == 600 and summary["pool"]["made_by"] == "this run"
    assert summary["accuracy"]["refined"]["overall"] > summary["accuracy"]["pool_sample"]["overall"]
