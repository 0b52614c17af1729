"""Tests that the page is sound HTML for any result, and that names and values from outside never become markup."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from postprocess.report.page import HERE, OPTIONAL, page
from postprocess.report.sentences import ACCURACY_NAMES
from postprocess.report.summary import qa_figures
from postprocess.selection.eligibility import EXCLUSION_REASONS
from tests.postprocess.report.conftest import HOSTILE, findings_between

VOID = {"meta", "link", "br"}
USEFULNESS = {
    "targets": [
        {
            "target": HOSTILE,
            "class": "<b>yes</b>",
            "measure": "AUC",
            "tested_on": "holdout",
            "training": {"score": 0.924, "error": 0.011},
            "result": {"score": 0.893, "error": 0.012},
            "pool_sample": {"score": 0.879, "error": 0.013},
        }
    ]
}


class Reader(HTMLParser):
    """The tags and texts of a page. Raises AssertionError if a tag is not closed in its place."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.texts, self.figures, self.hrefs, self.tags = [], [], [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.figures += [attributes["data-figure"]] if "data-figure" in attributes else []
        self.hrefs += [attributes["href"]] if "href" in attributes else []
        assert tag != "th" or attributes["scope"] in ("row", "col")
        assert not [name for name in attributes if name.startswith("on") or name == "src"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def read(run_summary):
    """Return the tags of a summary's page and its text, after checks that hold for every page."""
    reader = Reader(page(run_summary))
    assert len(reader.ids) == len(set(reader.ids)) and len(reader.figures) == len(set(reader.figures))
    assert {href[1:] for href in reader.hrefs if href.startswith("#")} <= set(reader.ids)
    assert "script" not in reader.tags
    assert reader.tags.count("table") == reader.tags.count("caption") == reader.tags.count("thead")
    return reader, " ".join(" ".join(reader.texts).split())


def test_the_page_shows_the_run(run_summary):
    reader, text = read(run_summary)
    assert "97.50 %" in text
    assert f"{ACCURACY_NAMES['refined']} 97.500 99.000 96.000 –" in text
    assert "1,234 pool rows" in text and EXCLUSION_REASONS["training_copies"] in text
    assert "Seed of the selection: 7." in text and "0" * 64 in text
    assert "data/<i>ünï</i>.csv" in text
    assert {"time", "pairs", "pairs-2", "associations", "association-differences", "origin", "missing"} <= set(
        reader.figures
    )
    assert "model_name" not in text, "nothing was trained, so the generator's parameters mean nothing"


def test_nothing_from_outside_becomes_markup(run_summary):
    _, text = read(run_summary | {"usefulness": USEFULNESS})
    assert "in the summary beside the result" in text
    assert HOSTILE in text and "größe {{ 7*7 }}" in text and "<b>x</b>" in text and "<i>look</i>" in text
    assert "alert(1)</script>" not in page(run_summary)


def test_the_page_needs_no_network_and_no_scripts(run_summary):
    assert not re.search(r"https?://|@import|src=|url\(|<script|javascript:", page(run_summary))


def test_the_page_shows_what_the_columns_are_taken_for(run_summary):
    _, text = read(run_summary)
    assert f"{HOSTILE} category text 3 <i>look</i>" in text
    assert "day date 2024-01-31 1,060 30 (25.0 %)" in text


def test_the_page_shows_the_values_of_the_columns(run_summary):
    figures = {"mean": 1234.5, "deviation": 0.0125, "quantiles": [-2.0, 5.5, 1e20], "missing": 0.25, "distinct": 1060}
    first, *others = run_summary["profiles"]
    run_summary["profiles"] = [first | {"result": figures}, *others]
    _, text = read(run_summary)
    assert re.search(r"result 1234 0.0125 -2 5.5 1e\+20 25.0.% 1,060", text)
    day = next(each["training"] for each in others if each["column"] == "day")
    assert f"day training {' '.join(day['quantiles'])} {day['distinct']}" in text


def test_the_page_shows_rows_of_the_result_as_they_are(run_summary):
    run_summary["first_rows"] = {"columns": ["#1", HOSTILE], "rows": [["007", "<b>bold</b>"], ["", "1e5"]]}
    assert f"#1 {HOSTILE} 007 <b>bold</b> 1e5" in read(run_summary)[1]


def test_the_page_shows_the_accuracy_of_dependent_pairs(run_summary):
    run_summary["associations"]["dependent"] = {
        "least": 0.1,
        "pairs": 2,
        "of": 3,
        "accuracy": {"result": 0.875, "pool_sample": 0.75},
    }
    text = read(run_summary)[1].replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "2 of 3 pairs depend" in text and "87.50 %" in text and "75.00 % for a random sample of the pool" in text


def test_the_page_shows_how_many_rows_break_each_rule(run_summary):
    _, text = read(run_summary)
    assert f"{HOSTILE} <= day 17 1,234 0 yes" in text and "day missing together – 0 3 yes" in text


def test_the_page_shows_how_real_the_rows_look(run_summary):
    _, text = read(run_summary)
    assert "the result 0.604 0.013 120" in text and "a random sample of the pool 0.700" in text
    assert f"{HOSTILE} (0.58)" in text and f"{HOSTILE} (3.40 %)" in text
    assert re.search(rf"{re.escape(HOSTILE)} ends in 99 25.0.% 12.5.% 37.5.%", text)


def test_realism_without_an_auc_has_only_the_other_figures(run_summary):
    for figures in run_summary["realism"]["classifier"].values():
        figures |= {"auc": None, "standard_error": None}
    _, text = read(run_summary)
    assert "A classifier" not in text and "ends in 99" in text


def test_the_page_shows_how_useful_the_result_is(run_summary):
    _, text = read(run_summary | {"usefulness": USEFULNESS})
    assert f"{HOSTILE} = <b>yes</b> AUC 0.924 ± 0.011 0.893 ± 0.012 0.879 ± 0.013 holdout" in text
    assert (
        "No column can be predicted."
        in read(run_summary | {"usefulness": {"targets": [], "reason": "No column can be predicted."}})[1]
    )


@pytest.mark.parametrize("part", OPTIONAL)
def test_a_part_without_figures_has_no_section(run_summary, part):
    summary = run_summary | {"usefulness": USEFULNESS}
    assert part in read(summary)[0].ids
    del summary[part]
    reader, _ = read(summary)
    assert part not in reader.ids and f"#{part}" not in reader.hrefs


def test_long_tables_are_folded_but_not_what_needs_attention(run_summary):
    columns = [
        {"name": f"c{place}", "kind": "text", "format": "", "distinct": 1, "missing": 0, "note": ""}
        for place in range(21)
    ]
    columns[3]["note"] = "mind it"
    rules = [
        {"rule": f"r{place}", "enforced": True, "pool_repaired": None, "pool_broken": 0, "result_broken": place == 7}
        for place in range(13)
    ]
    few = page(run_summary | {"columns": columns[:20], "rules": rules[:12]})
    many = page(run_summary | {"columns": columns, "rules": rules})
    assert many.count("<details") == few.count("<details") + 2
    before = many[: many.index("<details")]
    assert "mind it" in before and "c4" not in before
    between = many[many.index('id="rules"') : many.index("<details", many.index('id="rules"'))]
    assert "r7" in between and "r8" not in between


def test_a_holdout_adds_its_figures_to_the_page(qa_report, run_summary):
    with_holdout = run_summary | qa_figures(qa_report, "a b_official.html")
    reader, text = read(with_holdout)
    assert "mean of the draws" in text
    assert "0.60 0.30 to 0.90 0.90 at least 0.5 (MOSTLY AI Prize) met" in text
    assert "a perfect copy of the training rows, exact 98.000" in text
    assert "a%20b_official.html" in reader.hrefs
    assert "--holdout" not in text and "--holdout" in read(run_summary)[1]


def test_the_page_shows_the_attacks(run_summary):
    found = {"auc": 0.554, "error": 0.004, "found": 0.021, "members": 5000, "controls": 4000}
    run_summary["membership_attacks"] = {"tables": {"all_rows": found, "outlying": None}}
    assert re.search(r"by table differences all 0.554 0.004 2.1.% 5,000 4,000", read(run_summary)[1])


def test_the_page_shows_the_distances_to_the_closest_training_row(run_summary):
    near = {"rows": 5000, "identical": 3, "close": 50, "minimum": 0, "percentile_1": 1.0, "median": 7.5}
    run_summary["closest_training_row"] = {"result": near, "pool_sample": near, "training": near | {"identical": 4321}}
    _, text = read(run_summary)
    assert re.search("training rows among themselves 4,321 .86.42.% ± 0.48. 50 .1.00.% ± 0.14. 0 1.0 7.5", text)
    del near["close"]
    run_summary["closest_training_row"] = {"result": near, "training": near | {"identical": 4321}}
    assert re.search("training rows among themselves 4,321 .86.42.% ± 0.48. 0 1.0 7.5", read(run_summary)[1])


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


def test_the_page_shows_the_trainings(run_summary):
    epochs = [{"number": 1.0, "training_loss": None, "validation_loss": 2.5}] * 2
    cycle = {"rows": 600, "seconds": 61.0, "accuracy": 0.9, "model_name": "Large", "batch_size": 64, "steps": 1050}
    cycles = [
        cycle | {"number": 1, "epochs": epochs, "ended_by": "early stopping"},
        cycle | {"number": 2, "epochs": [epochs[0] | {"validation_loss": None}], "ended_by": None},
    ]
    reader, text = read(run_summary | {"trainings": cycles})
    assert "losses" in reader.figures and "1 Large 64 2 1,050 2.5000 early stopping 90.00" in text
    assert "losses" not in read(run_summary | {"trainings": cycles[1:]})[0].figures


def test_a_page_without_a_run_has_no_figures_of_it(run_summary):
    known = ("training", "result", "versions", "sampling_limit", "tables", "weakest", "pair_accuracy", "missing")
    alone = {key: run_summary[key] for key in known} | {"accuracy": {"refined": run_summary["result_accuracy"]}}
    reader, text = read(alone)
    assert "made" in reader.ids and "IPF" not in text and "random sample of the pool" not in text
    assert {"time", "origin"}.isdisjoint(reader.figures)


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
    assert ("pairs" in reader.figures) == (training.shape[1] > 1)
    assert "nan" not in text.lower().split() and "undefined" not in text.lower()


@pytest.mark.parametrize(("columns", "bytes_at_most"), [(60, 520_000), (300, 1_200_000)])
def test_the_page_of_many_columns_is_small(run_summary, columns, bytes_at_most):
    names = [f"a rather long name of column {number}" for number in range(columns)]
    draw = np.random.default_rng(1)
    run_summary["pair_accuracy"] = {
        "columns": names,
        "values": [draw.random(place + 1).round(6).tolist() for place in range(columns)],
    }
    run_summary["columns"] = [run_summary["columns"][0] | {"name": name} for name in names]
    run_summary["profiles"] = [run_summary["profiles"][1] | {"column": name} for name in names[:100]]
    shown = names[:100]
    triangle = [(draw.random(place) ** 3).round(3).tolist() for place in range(len(shown))]
    run_summary["associations"] |= {"columns": shown, "training": triangle, "result": triangle}
    read(run_summary)
    assert len(page(run_summary).encode()) < bytes_at_most


def contrast(*colours):
    """Return the contrast of two colours as WCAG defines it."""
    light = []
    for colour in colours:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        light.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(light) + 0.05) / (min(light) + 0.05)


def test_texts_and_marks_stand_out_in_every_scheme():
    style = (HERE / "style.css").read_text(encoding="utf-8")
    schemes = [
        dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", part)) for part in re.findall(r":root \{.*?\n *\}", style, re.S)
    ]
    assert len(schemes) == 3, "light, dark and print"
    for scheme in schemes:
        for ground in (scheme["paper"], scheme["card"]):
            for name in ("ink", "quiet", "limit", "good", "bad"):
                assert contrast(scheme[name], ground) >= 4.5, name
            for name in ("original", "synthetic", "fewer"):
                assert contrast(scheme[name], ground) >= 3, name
