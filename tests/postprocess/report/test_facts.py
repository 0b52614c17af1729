"""What a run leaves beside its result: true, valid JSON, and a page that shows names from outside as they are."""

import hashlib
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pool.parameters import PoolParameters
from postprocess.evaluation import Accuracy
from postprocess.official import Official
from postprocess.parameters import SelectionParameters
from postprocess.report import FileFacts, RunFacts, peak_memory_bytes, summary, write_report, write_summary
from postprocess.selection import Selection, Stage

ACCURACY = {
    "pool_sample": Accuracy(0.9, 0.8, 0.7),
    "ipf": Accuracy(0.95, 0.9, 0.85),
    "trimmed": Accuracy(0.97, 0.92, 0.87),
    "refined": Accuracy(0.99, 0.96, None),
}


@pytest.fixture
def facts():
    file = FileFacts("<i>ünï</i>.csv", 1200, 3, "0" * 64)
    selection = Selection(
        rows=np.arange(1200),
        accuracy=ACCURACY,
        curve=((1.0, 0.85), (2.5, 0.975)),
        stages=(),
        excluded={"training_copies": 1234, "rare": 0},
        warnings=("column '<script>' is {odd} & constant",),
    )
    return RunFacts(
        training=file,
        pool=file,
        result=file,
        trained=False,
        parameters=(PoolParameters(), SelectionParameters(seed=7)),
        stages=(Stage("reading", 1.23456, 1200), Stage("trimming", 61.0, 1200, {"status": "finished", "error": 1 / 3})),
        selection=selection,
        official=None,
        seconds=90.0,
    )


def test_file_facts_are_those_of_the_file(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b\n1,2\n")
    assert FileFacts.of(path, 1, 2) == FileFacts(str(path), 1, 2, hashlib.sha256(b"a,b\n1,2\n").hexdigest())


def test_a_path_that_is_not_utf8_can_still_be_told(tmp_path, facts):
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    path.write_bytes(b"")
    write_summary(replace(facts, result=FileFacts.of(path, 0, 0)), tmp_path / "summary.json")
    told = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert Path(told["result"]["path"]).name == "caf\N{REPLACEMENT CHARACTER}.csv"


def test_summary(facts):
    told = summary(facts)
    assert told["seed"] == 7 and told["seconds"] == 90.0
    assert told["pool"]["trained_by_this_run"] is False
    assert told["stages"] == [
        {"name": "reading", "seconds": 1.235, "rows": 1200},
        {"name": "trimming", "seconds": 61.0, "rows": 1200, "status": "finished", "error": 1 / 3},
    ]
    refined = {"univariate": 0.99, "bivariate": 0.96, "trivariate": None, "overall": pytest.approx(0.975)}
    assert told["accuracy"]["refined"] == refined
    assert told["excluded"] == {"training_copies": 1234, "rare": 0}


def test_summary_file_is_the_summary(facts, tmp_path):
    write_summary(facts, tmp_path / "summary.json")
    told = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    expected = summary(facts)
    assert told | {"peak_memory_bytes": 0} == expected | {"peak_memory_bytes": 0}
    assert told["training"]["path"] == "<i>ünï</i>.csv"


def test_page(facts, tmp_path):
    write_report(facts, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<strong>0.97500</strong>" in page
    cells = re.findall(r"<td>(.*?)</td>", page)
    for row in (
        ["after trimming", "0.92000", "0.97000", "0.92000", "0.87000"],
        ["after refinement: the result", "0.97500", "0.99000", "0.96000", "-"],
        ["trimming", "1,200", "61.0", "finished, error 0.333333"],
        ["seed", "7"],
        ["training", "&lt;i&gt;ünï&lt;/i&gt;.csv", "1,200", "3", "0" * 64],
    ):
        assert row in [cells[start : start + len(row)] for start in range(len(cells))]
    notes = re.findall(r"<li>(.*?)</li>", page)
    assert notes == [
        "1,234 pool rows kept out: training copies",
        "column &#x27;&lt;script&gt;&#x27; is {odd} &amp; constant",
    ]


def test_page_without_notes(facts, tmp_path):
    quiet = replace(facts.selection, excluded={}, warnings=())
    write_report(replace(facts, selection=quiet), tmp_path / "report.html")
    assert "<li>none</li>" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("write", [write_summary, write_report])
def test_nothing_is_overwritten_or_left_over(facts, tmp_path, write):
    path = tmp_path / "taken"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write(facts, path)
    assert [*tmp_path.iterdir()] == [path] and path.read_text() == "mine"


def test_peak_memory_is_in_bytes():
    held = np.ones(2**24)
    assert held.nbytes < peak_memory_bytes() < 2**40


def test_mostlyais_figures_are_there_with_a_holdout_alone(facts, tmp_path):
    assert "official_accuracy" not in summary(facts) and "privacy" not in summary(facts)
    official = Official(accuracy={"overall": 0.91, "coherence": None}, privacy={"dcr_share": 0.503})
    with_holdout = replace(facts, official=official)
    assert summary(with_holdout)["official_accuracy"] == {"overall": 0.91, "coherence": None}
    assert summary(with_holdout)["privacy"] == {"dcr_share": 0.503}
    write_report(with_holdout, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<td>dcr share</td><td>0.50300</td>" in page and "coherence" not in page


def test_the_summary_tells_the_accuracy_over_time(facts):
    assert summary(facts)["curve"] == [[1.0, 0.85], [2.5, 0.975]]
