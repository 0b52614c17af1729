"""The summary: true, valid JSON, written whole or not at all."""

import hashlib
import json
import os
import platform
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postprocess.report.page import write_page
from postprocess.report.summary import FileFacts, as_json, peak_memory_bytes, summary, versions, write_summary


def test_file_facts_are_those_of_the_file(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b\n1,2\n")
    assert FileFacts.of(path, 1, 2) == FileFacts(str(path), 1, 2, hashlib.sha256(b"a,b\n1,2\n").hexdigest())


def test_a_path_that_is_not_utf8_can_still_be_told(tmp_path, facts):
    path = tmp_path / os.fsdecode(b"caf\xe9.csv")
    path.write_bytes(b"")
    write_summary(summary(replace(facts, result=FileFacts.of(path, 0, 0))), tmp_path / "summary.json")
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


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
)


@given(json_values)
def test_json_is_what_was_given(value):
    assert json.loads(as_json(value)) == value


def test_json_has_lists_of_numbers_on_one_line():
    assert as_json({"a": [1, 2], "b": [{"c": [[3]]}], "d": {}}) == (
        '{\n  "a": [1, 2],\n  "b": [\n    {\n      "c": [[3]]\n    }\n  ],\n  "d": {}\n}'
    )


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


def test_mostlyais_figures_are_there_with_a_holdout_alone(facts, official):
    assert "official_accuracy" not in summary(facts) and "privacy" not in summary(facts)
    told = summary(replace(facts, official=official, official_page="x_official.html"))
    assert told["official_accuracy"]["overall"] == 0.91 and told["privacy"]["dcr_share"] == 0.51
    assert [seed["seed"] for seed in told["privacy_by_seed"]] == [1, 2, 3]
    assert told["accuracy_with_holdout"]["copy_of_training"]["univariate"] == 0.99
    assert told["official_page"] == "x_official.html"


def test_a_package_that_is_not_there_has_no_version(monkeypatch):
    monkeypatch.setattr("postprocess.report.summary.PACKAGES", ("numpy", "no-such-package"))
    assert versions() == {"python": platform.python_version(), "numpy": np.__version__, "no-such-package": None}
