"""Tests the files that a run leaves: result, summary, page and pool."""

import hashlib
import json
from collections import Counter
from dataclasses import asdict, replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

import main
from postprocess.data.binning import fit_binning
from postprocess.data.encoding import read_codes
from postprocess.data.sources import open_source
from postprocess.runtime.progress import Progress
from tests.pool.fakes import RECORD, resampled, train_with
from tests.runs.support import STEM, call, files_below, lines_of_rows, read_texts, save, text_frame, use_generator


def test_a_run_writes_result_summary_page_and_pool(training, output, capsys):
    assert call(training, "--output", output) == 0
    results, pools = output / "results", output / "pool_data"
    written = [results / f"{STEM}{ending}" for ending in (".csv", "_summary.json", "_report.html")]
    assert capsys.readouterr().out.splitlines() == [str(path) for path in written]
    assert {path.name for path in results.iterdir()} == {path.name for path in written}
    assert {path.name for path in pools.iterdir()} == {
        "flat_pool_20260131_0930.csv",
        "flat_pool_20260131_0930_manifest.json",
    }
    original, result = read_texts(training), read_texts(written[0])
    assert len(result) == len(original) and list(result.columns) == list(original.columns)
    for name in original:  # the generator only draws training values, so every value has their formats
        assert set(result[name].dropna()) <= set(original[name].dropna())
        assert result[name].isna().any()
    pool = lines_of_rows(pools / "flat_pool_20260131_0930.csv")
    assert Counter(lines_of_rows(written[0])) <= Counter(pool)
    manifest = json.loads((pools / "flat_pool_20260131_0930_manifest.json").read_text())
    assert manifest["is_complete"] and manifest["rows"] == 1600
    assert manifest["training_sha256"] == hashlib.sha256(training.read_bytes()).hexdigest()
    assert all(0.5 < cycle["accuracy"] < 1 for cycle in manifest["cycles"])


def test_the_summary_agrees_with_the_files(training, output):
    assert call(training, "--output", output) == 0
    result, pool = output / "results" / f"{STEM}.csv", output / "pool_data" / "flat_pool_20260131_0930.csv"
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())
    for role, path, rows in (("training", training, 200), ("pool", pool, 1600), ("result", result, 200)):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        assert summary[role].items() >= {"path": str(path), "rows": rows, "columns": 5, "sha256": sha256}.items()
    parameters = {"pool": asdict(main.POOL), "selection": asdict(main.SELECTION)}
    assert summary["parameters"] == json.loads(json.dumps(parameters))
    assert summary["seed"] == main.SELECTION.seed
    assert summary["versions"]["numpy"] == np.__version__
    assert 10**7 < summary["peak_memory_bytes"] < 10**11
    stages = summary["stages"]
    assert [stage["name"] for stage in stages][:4] == ["reading", "rules", "pool", "reading the pool"]
    assert [stage["rows"] for stage in stages][:4] == [200, 200, 1600, 1600]
    assert [stage["name"] for stage in stages[-3:]] == ["writing", "reading the result", "closest training rows"]
    assert stages[-2]["rows"] == 200
    assert 0 < sum(stage["seconds"] for stage in stages) <= summary["seconds"] + 0.001 * len(stages)
    assert "official_accuracy" not in summary and "privacy" not in summary

    assert list(summary["accuracy"]) == ["pool_sample", "ipf", "trimmed", "refined"]
    for accuracy in summary["accuracy"].values():
        orders = [accuracy[order] for order in ("univariate", "bivariate", "trivariate")]
        assert all(0 < order <= 1 for order in orders)
        assert accuracy["overall"] == pytest.approx(np.mean(orders))
    assert list(summary["accuracy"]["refined"].values())[:3] == pytest.approx(accuracy_by_order(training, result))


def accuracy_by_order(training, result):
    """Return the univariate, bivariate and trivariate accuracy of the result. Each table is counted by itself."""
    source = open_source(training, role="training")
    binning = fit_binning(source, progress=Progress())
    original = read_codes(source, binning, progress=Progress()).codes.tolist()
    chosen = read_codes(open_source(result, role="result"), binning, progress=Progress()).codes.tolist()
    rows = len(original[0])
    orders = []
    for together in (1, 2, 3):
        accuracies = []
        for places in combinations(range(len(original)), together):
            counts = Counter(zip(*(chosen[place] for place in places), strict=True))
            counts.subtract(Counter(zip(*(original[place] for place in places), strict=True)))
            accuracies.append(1 - sum(map(abs, counts.values())) / (2 * rows))
        orders.append(np.mean(accuracies))
    return orders


def test_names_from_outside_are_escaped_in_the_report(tmp_path, output):
    frame = text_frame().rename(columns={"text": "<script>", "whole": "&amp;"})
    assert call(save(frame, tmp_path / "<script>.csv"), "--output", output) == 0
    assert list(read_texts(output / "results" / f"{STEM}.csv"))[:2] == ["<script>", "&amp;"]
    page = (output / "results" / f"{STEM}_report.html").read_text()
    assert "&lt;script&gt;.csv" in page and "<script" not in page


def test_a_single_column_gives_a_result(tmp_path, output):
    assert call(save(text_frame()[["whole"]], tmp_path / "one.csv"), "--output", output) == 0
    assert len(pd.read_csv(output / "results" / f"{STEM}.csv", skip_blank_lines=False)) == 200
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())
    assert summary["accuracy"]["refined"]["trivariate"] is None


@pytest.mark.parametrize("name", ["\ufeffmarked", '"', "a,b\nc", " ", "\ufeff"])
def test_any_column_name_is_read_back_from_pool_and_result(tmp_path, output, name):
    frame = text_frame().rename(columns={"text": name})
    path = tmp_path / "training.csv"
    path.write_bytes(b"\xef\xbb\xbf" + frame.to_csv(index=False).encode())  # readers take the first mark for the file's
    code = call(path, "--output", output)
    if not name.strip():
        assert code == 2
        return
    assert code == 0
    for written in (output / "results" / f"{STEM}.csv", output / "pool_data" / "flat_pool_20260131_0930.csv"):
        assert open_source(written, role="result").columns == tuple(frame)


def test_a_draft_is_called_a_draft_in_files_log_page_and_summary(training, output, capsys):
    assert call(training, "--draft", "--output", output) == 0
    assert f"results/{STEM}_draft.csv" in files_below(output)
    assert "pool_data/flat_pool_20260131_0930_draft.csv" in files_below(output)
    assert "a draft" in capsys.readouterr().err
    summary = json.loads((output / "results" / f"{STEM}_draft_summary.json").read_text())
    assert summary["draft"] is True and summary["pool"]["rows"] == 3 * 200
    assert summary["parameters"]["pool"]["train_iterations"] == 1
    assert ">Draft" in (output / "results" / f"{STEM}_draft_report.html").read_text()


def test_the_training_of_each_cycle_is_in_summary_and_page(training, output, monkeypatch, capsys):
    use_generator(monkeypatch, train_with(resampled, replace(RECORD, steps=900)))
    assert call(training, "--output", output) == 0
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())
    first, second = summary["trainings"]
    assert (first["number"], first["steps"], second["ended_by"]) == (1, 900, "early stopping")
    assert [epoch["validation_loss"] for epoch in first["epochs"]] == [1.5, 1.25]
    warned = [warning for warning in summary["warnings"] if "900 training steps" in warning]
    assert len(warned) == 2 and capsys.readouterr().err.count(warned[0]) == 2  # at once, and at the end
    assert 'data-figure="losses"' in (output / "results" / f"{STEM}_report.html").read_text()
