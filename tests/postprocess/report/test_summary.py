"""Tests that the summary is true and valid JSON, and is written whole or not at all."""

import hashlib
import json
import os
import platform
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from postprocess.data.sources import Source
from postprocess.report.page import write_page
from postprocess.report.summary import FileFacts, peak_memory_bytes, summary, versions, write_summary


def test_file_facts_are_those_of_the_file(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b\n1,2\n")
    source = Source(path, ("a", "b"))
    assert FileFacts.of(source, 1) == FileFacts(str(path), 1, 2, hashlib.sha256(b"a,b\n1,2\n").hexdigest())


def test_a_path_that_is_not_utf8_can_be_written(tmp_path, facts):
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    path.write_bytes(b"")
    write_summary(summary(replace(facts, result=FileFacts.of(Source(path, ("a",)), 0))), tmp_path / "summary.json")
    written = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert Path(written["result"]["path"]).name == "caf\N{REPLACEMENT CHARACTER}.csv"


def test_the_summary_holds_the_facts_of_the_run(facts):
    run_summary = summary(facts)
    assert run_summary["seed"] == 7 and run_summary["seconds"] == 90.0
    assert run_summary["pool"]["made_by"] is None
    assert run_summary["stages"][0] == {"name": "reading", "seconds": 1.235, "rows": 120}
    ended = {"status": "finished", "removed_greedily": 120}
    assert run_summary["stages"][4] == {"name": "trimming", "seconds": 61.0, "rows": 120} | ended
    refined = {"univariate": 0.99, "bivariate": 0.96, "trivariate": None, "overall": pytest.approx(0.975)}
    assert run_summary["accuracy"]["refined"] == refined
    assert run_summary["excluded"] == {"training_copies": 1234, "rare": 0, "near_copies": 1}
    assert run_summary["curve"][0] == [4.0, 0.93]
    assert run_summary["origin"]["parts"][0] == {"name": "1", "pool_rows": 120, "chosen_rows": 12}


def test_summary_file_is_the_summary(facts, tmp_path):
    expected = summary(facts)
    write_summary(expected, tmp_path / "summary.json")
    text = (tmp_path / "summary.json").read_text(encoding="utf-8")
    assert json.loads(text) == expected
    assert '"path": "data/<i>ünï</i>.csv"' in text


@pytest.mark.parametrize("write", [write_summary, write_page])
def test_nothing_is_overwritten_or_left_over(run_summary, tmp_path, write):
    folder = tmp_path / "results"
    folder.mkdir()
    path = folder / "taken"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write(run_summary, path)
    assert [*folder.iterdir()] == [path] and path.read_text() == "mine"


def test_peak_memory_is_in_bytes():
    held = np.ones(2**24)
    assert held.nbytes < peak_memory_bytes() < 2**40


def test_the_figures_of_mostlyai_qa_are_there_only_with_a_holdout(facts, qa_report):
    assert "official_accuracy" not in summary(facts) and "privacy" not in summary(facts)
    run_summary = summary(replace(facts, qa=qa_report, qa_page="x_official.html"))
    assert run_summary["official_accuracy"]["overall"] == 0.91 and run_summary["privacy"]["dcr_share"] == 0.51
    assert [seed["seed"] for seed in run_summary["privacy_by_seed"]] == [1, 2, 3]
    assert run_summary["accuracy_with_holdout"]["copy_of_training"]["univariate"] == 0.99
    assert run_summary["official_page"] == "x_official.html"


def test_a_package_that_is_not_there_has_no_version(monkeypatch):
    monkeypatch.setattr("postprocess.report.summary.PACKAGES", ("numpy", "no-such-package"))
    assert versions() == {"python": platform.python_version(), "numpy": np.__version__, "no-such-package": None}
