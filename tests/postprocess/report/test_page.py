"""Tests that the page is sound HTML for any result, and that names and values from outside never become markup."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from postprocess.report import page as page_module
from postprocess.report.charts import charts
from postprocess.report.page import page
from postprocess.report.sentences import ACCURACY_NAMES
from postprocess.report.summary import qa_figures
from postprocess.selection.eligibility import EXCLUSION_REASONS
from tests.postprocess.report.conftest import HOSTILE, findings_between

REAL_PLOTLY = page_module.get_plotlyjs()
VOID = {"meta", "link", "br"}


class Reader(HTMLParser):
    """The tags, texts and scripts of a page. Raises AssertionError if a tag is not closed in its place."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.texts, self.scripts, self.charts, self.hrefs = [], [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.charts += [attributes["data-figure"]] if "data-figure" in attributes else []
        self.hrefs += [attributes["href"]] if "href" in attributes else []
        assert not [name for name in attributes if name.startswith("on") or name == "src"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.scripts if self.open[-1:] == ["script"] else self.texts).append(data)


@pytest.fixture(autouse=True)
def _small_plotly(monkeypatch):
    """Leave out plotly's 5 MB, which take long to parse. Only one test needs them."""
    monkeypatch.setattr(page_module, "get_plotlyjs", lambda: "/* plotly */")


def test_plotly_is_in_the_page_unchanged(run_summary, monkeypatch):
    monkeypatch.setattr(page_module, "get_plotlyjs", lambda: REAL_PLOTLY)
    assert f"<script>{REAL_PLOTLY}</script>" in page(run_summary)
    assert "</script" not in REAL_PLOTLY and "<!--" not in REAL_PLOTLY


def read(run_summary):
    """Return the tags of a summary's page and its text, after checks that hold for every page."""
    text = page(run_summary)
    reader = Reader(text)
    assert len(reader.ids) == len(set(reader.ids))
    assert {href[1:] for href in reader.hrefs if href.startswith("#")} <= set(reader.ids)
    figures = json.loads(reader.scripts[1]) if reader.scripts else {}
    assert reader.charts == list(dict.fromkeys(reader.charts)) and set(reader.charts) == set(figures)
    for figure in figures.values():
        go.Figure(json.loads(re.sub(r"var\(--[a-z-]+\)", "#123456", json.dumps(figure))))
    return reader, " ".join(" ".join(reader.texts).split())


def test_the_page_shows_the_run(run_summary):
    reader, text = read(run_summary)
    assert "97.50 % overall accuracy" in text
    assert f"{ACCURACY_NAMES['refined']} 97.500 99.000 96.000 –" in text
    assert "1,234 pool rows" in text and EXCLUSION_REASONS["training_copies"] in text
    assert "Seed of the selection: 7." in text and "0" * 64 in text
    assert "data/<i>ünï</i>.csv" in text
    assert {"time", "pairs", "columns-0", "pairs-2", "triples-0", "origin", "missing"} <= set(reader.charts)
    assert "model_name" not in text, "nothing was trained, so the generator's parameters mean nothing"


def test_nothing_from_outside_becomes_markup(run_summary):
    reader, text = read(run_summary)
    assert "in the summary beside the result" in text
    assert HOSTILE in text and "größe {{ 7*7 }}" in text
    assert len(reader.scripts) == 3 and not any("alert" in script for script in (reader.scripts[0], reader.scripts[2]))
    assert "<" not in reader.scripts[1], "no tag can begin in the figures"
    labels = json.loads(reader.scripts[1])["columns-0"]["data"][0]["x"]
    for figure in json.loads(reader.scripts[1]).values():
        for label in figure["data"][0]["x"]:
            assert "<" not in str(label), "plotly takes tags in labels for markup"
    assert labels


def test_the_page_needs_no_network(run_summary):
    text = page(run_summary)
    without_plotly = text.replace(re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1], "")
    assert not re.search(r"https?://|@import|src=|url\(", without_plotly)


def test_a_holdout_adds_its_figures_to_the_page(qa_report, run_summary):
    with_holdout = run_summary | qa_figures(qa_report, "a b_official.html")
    reader, text = read(with_holdout)
    assert "mean of the draws" in text
    assert "0.60 0.30 to 0.90 0.90 at least 0.5 (MOSTLY AI Prize) met" in text
    assert "a perfect copy of the training rows, exact 98.000" in text
    assert "a%20b_official.html" in reader.hrefs
    assert "--holdout" not in text and "--holdout" in read(run_summary)[1]


def test_the_page_shows_the_distances_to_the_closest_training_row(run_summary):
    near = {"rows": 5000, "identical": 3, "minimum": 0, "percentile_1": 1.0, "median": 7.5}
    run_summary["closest_training_row"] = {"result": near, "pool_sample": near, "training": near | {"identical": 4321}}
    _, text = read(run_summary)
    assert "training rows among themselves 4,321 0 1.0 7.5" in text


def test_the_page_shows_what_single_training_rows_have_in_common_with_the_result(run_summary):
    run_summary["quasi_identifiers"] = {
        "columns": [HOSTILE, "age"],
        "training_rows": 70,
        "result_rows": 12,
        "pool_sample_rows": 13,
    }
    run_summary["shared_values"] = [
        {"column": HOSTILE, "single_values": 119, "shared": 2, "result_rows": 31, "values": ["<b>1</b>", "2"]}
    ]
    text = read(run_summary)[1]
    assert f"70 of 120 training rows have a combination of {HOSTILE} · age" in text
    assert "12 rows have such a combination; of a random sample of the pool, 13" in text
    assert f"{HOSTILE} 119 2 31 <b>1</b>, 2" in text


def test_a_page_without_a_run_has_no_figures_of_it(run_summary):
    known = ("training", "result", "versions", "sampling_limit", "tables", "weakest", "pair_accuracy", "missing")
    alone = {key: run_summary[key] for key in known} | {"accuracy": {"refined": run_summary["result_accuracy"]}}
    reader, text = read(alone)
    assert "made" in reader.ids and "steps" in reader.ids and "IPF" not in text
    assert {"time", "origin"}.isdisjoint(reader.charts)


def odd(n_rows, **columns):
    return pd.DataFrame({name: np.resize(np.array(values, dtype=object), n_rows) for name, values in columns.items()})


@pytest.mark.parametrize(
    "training",
    [
        odd(100, only=[1, 2, 3]),
        odd(100, same=["x"], one=[5]),
        odd(100, one=[1, 2], two=["a"], three=[None]),
        odd(100, **{"列 🙂": ["é", "日本", "🙂"], "a<b": ["$x$", "%{x}", "</script>"], " ": [0.5, 1e300]}),
        odd(10_100, many=[f"category {number}" for number in range(10_000)], few=[1, 2]),
        odd(120, **{f"column {number}": [number, 1, 2] for number in range(30)}),
    ],
    ids=["one column", "constant", "all missing", "unicode", "10,000 categories", "30 columns"],
)
def test_odd_data_gives_a_sound_page(run_summary, training, tmp_path):
    training = training.rename(columns={" ": "\N{BLACK HEART SUIT}"})
    run_summary |= findings_between(training, training[: len(training) // 2 + 50], tmp_path)
    run_summary["accuracy"]["refined"] = run_summary["result_accuracy"]
    reader, text = read(run_summary)
    assert len(run_summary["weakest"]["columns"]) == min(10, training.shape[1])
    assert ("pairs" in reader.charts) == (training.shape[1] > 1)
    assert "nan" not in text.lower().split() and "undefined" not in text.lower()


def test_the_axis_of_300_columns_has_few_and_short_labels(run_summary):
    names = [f"a rather long name of column {number}" for number in range(300)]
    run_summary["pair_accuracy"] = {"columns": names, "values": [[0.9] * (place + 1) for place in range(300)]}
    read(run_summary)
    axis = charts(run_summary)["pairs"]["layout"]["xaxis"]
    assert len(axis["tickvals"]) <= 40 and axis["ticktext"][0] == "a rather long nam…"


def test_the_figures_are_json_without_nan(run_summary):
    json.dumps(charts(run_summary), allow_nan=False)
