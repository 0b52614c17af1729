"""The summary: true, valid JSON, written whole or not at all."""

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


def test_a_path_that_is_not_utf8_can_still_be_told(tmp_path, facts):
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    path.write_bytes(b"")
    write_summary(summary(replace(facts, result=FileFacts.of(Source(path, ("a",)), 0))), tmp_path / "summary.json")
    told = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert Path(told["result"]["path"]).name == "caf\N{REPLACEMENT CHARACTER}.csv"


def test_summary(facts):
    told = summary(facts)
    assert told["seed"] == 7 and told["seconds"] == 90.0
    assert told["pool"]["made_by"] is None
    assert told["stages"][0] == {"name": "reading", "seconds": 1.235, "rows": 120}
    ended = {"status": "finished", "removed_greedily": 120}
    assert told["stages"][4] == {"name": "trimming", "seconds": 61.0, "rows": 120} | ended
    refined = {"univariate": 0.99, "bivariate": 0.96, "trivariate": None, "overall": pytest.approx(0.975)}
    assert told["accuracy"]["refined"] == refined
    assert told["excluded"] == {"training_copies": 1234, "rare": 0, "near_copies": 1}
    assert told["curve"][0] == [4.0, 0.93]
    assert told["origin"]["parts"][0] == {"name": "1", "pool_rows": 120, "chosen_rows": 12}


def test_summary_file_is_the_summary(facts, tmp_path):
    expected = summary(facts)
    write_summary(expected, tmp_path / "summary.json")
    text = (tmp_path / "summary.json").read_text(encoding="utf-8")
    assert json.loads(text) == expected
    assert '"path": "data/<i>ünï</i>.csv"' in text


@pytest.mark.parametrize("write", [write_summary, write_page])
def test_nothing_is_overwritten_or_left_over(told, tmp_path, write):
    folder = tmp_path / "results"
    folder.mkdir()
    path = folder / "taken"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write(told, path)
    assert [*folder.iterdir()] == [path] and path.read_text() == "mine"


def test_peak_memory_is_in_bytes():
    held = np.ones(2**24)
    assert held.nbytes < peak_memory_bytes() < 2**40


def test_mostlyais_figures_are_there_with_a_holdout_alone(facts, qa_report):
    assert "official_accuracy" not in summary(facts) and "privacy" not in summary(facts)
    told = summary(replace(facts, qa=qa_report, qa_page="x_official.html"))
    assert told["official_accuracy"]["overall"] == 0.91 and told["privacy"]["dcr_share"] == 0.51
    assert [seed["seed"] for seed in told["privacy_by_seed"]] == [1, 2, 3]
    assert told["accuracy_with_holdout"]["copy_of_training"]["univariate"] == 0.99
    assert told["official_page"] == "x_official.html"


def test_a_package_that_is_not_there_has_no_version(monkeypatch):
    monkeypatch.setattr("postprocess.report.summary.PACKAGES", ("numpy", "no-such-package"))
    assert versions() == {"python": platform.python_version(), "numpy": np.__version__, "no-such-package": None}
