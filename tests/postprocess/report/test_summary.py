"""Tests that the summary is true and valid JSON, and is written whole or not at all."""

import hashlib
import json
import os
import platform
from pathlib import Path

import numpy as np
import pytest

from postprocess.data.sources import Source
from postprocess.report.page import write_page
from postprocess.report.summary import (
    as_json,
    file_facts,
    peak_memory_bytes,
    qa_figures,
    run_figures,
    versions,
    write_summary,
)
from postprocess.runtime.progress import Progress
from postprocess.runtime.stages import Journal


def test_file_facts_are_those_of_the_file(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b\n1,2\n")
    source = Source(path, ("a", "b"))
    sha256 = hashlib.sha256(b"a,b\n1,2\n").hexdigest()
    assert file_facts(source, 1) == {"path": str(path), "rows": 1, "columns": 2, "sha256": sha256}


def test_a_path_that_is_not_utf8_can_be_written(tmp_path, run_summary):
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    path.write_bytes(b"")
    write_summary(run_summary | {"result": file_facts(Source(path, ("a",)), 0)}, tmp_path / "summary.json")
    written = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert Path(written["result"]["path"]).name == "caf\N{REPLACEMENT CHARACTER}.csv"


def test_the_figures_of_a_run_are_its_stages_warnings_and_time():
    journal = Journal(Progress())
    with journal.stage("trimming") as stage:
        stage.rows, stage.status = 120, {"status": "finished"}
    journal.warn("mind the gap")
    figures = run_figures(journal)
    seconds = pytest.approx(journal.stages[0].seconds, abs=0.001)
    assert figures["stages"] == [{"name": "trimming", "seconds": seconds, "rows": 120, "status": "finished"}]
    assert figures["warnings"] == ["mind the gap"] and figures["seconds"] >= 0


def test_summary_file_is_the_summary(run_summary, tmp_path):
    write_summary(run_summary, tmp_path / "summary.json")
    text = (tmp_path / "summary.json").read_text(encoding="utf-8")
    assert json.loads(text) == run_summary
    assert '"path": "data/<i>ünï</i>.csv"' in text


def test_json_has_lists_of_numbers_on_one_line():
    assert as_json({"a": [1, 2], "b": [{"c": [[3]]}], "d": {}}) == (
        '{\n  "a": [1, 2],\n  "b": [\n    {\n      "c": [[3]]\n    }\n  ],\n  "d": {}\n}'
    )


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


def test_the_figures_of_mostlyai_qa_are_there_only_with_a_holdout(qa_report):
    assert qa_figures(None, None) == {}
    figures = qa_figures(qa_report, "x_official.html")
    assert figures["official_accuracy"]["overall"] == 0.91 and figures["privacy"]["dcr_share"] == 0.51
    assert [seed["seed"] for seed in figures["privacy_by_seed"]] == [1, 2, 3]
    assert figures["accuracy_with_holdout"]["copy_of_training"]["univariate"] == 0.99
    assert figures["official_page"] == "x_official.html"


def test_a_package_that_is_not_there_has_no_version(monkeypatch):
    monkeypatch.setattr("postprocess.report.summary.PACKAGES", ("numpy", "no-such-package"))
    assert versions() == {"python": platform.python_version(), "numpy": np.__version__, "no-such-package": None}
