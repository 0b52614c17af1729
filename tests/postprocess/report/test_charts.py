"""Tests that the charts show the figures they are given, and stay small."""

import re
from html import unescape

import pytest

from postprocess.report.association_maps import both_maps, difference_map
from postprocess.report.bars import bars_of_column, bars_of_missing, bars_of_origin
from postprocess.report.charts import charts
from postprocess.report.column_pictures import column_pictures
from postprocess.report.heatmaps import TITLED_COLUMNS, pair_differences, pair_matrix
from postprocess.report.line_chart import Line, Span, line_chart
from postprocess.report.svg import element, letters, name_beside, round_numbers, short


def titles(chart):
    return [
        unescape(title).replace("\N{NARROW NO-BREAK SPACE}", " ") for title in re.findall("<title>(.*?)</title>", chart)
    ]


def texts(chart):
    return [unescape(re.sub("<[^>]*>", "", words)) for words in re.findall("<text.*?</text>", chart)]


def test_texts_and_attributes_are_escaped():
    assert element("text", "<b>", class_='"') == '<text class="&#34;">&lt;b&gt;</text>'
    assert element("g", element("path", d=1.250)) == '<g><path d="1.25"></path></g>'


@pytest.mark.parametrize(
    ("name", "shown"), [("short", "short"), ("a" * 19, "a" * 17 + "…"), ("日" * 10, "日" * 8 + "…")]
)
def test_long_names_are_cut_and_given_in_full(name, shown):
    assert short(name) == shown and letters(shown) <= 18
    assert titles(name_beside(name, 0, 0)) == ([name] if shown != name else [])


@pytest.mark.timeout(5)
def test_a_very_long_name_is_cut_at_once():
    assert short("x" * 3_000_000) == "x" * 17 + "…"


@pytest.mark.parametrize(
    ("low", "high", "most", "numbers"),
    [(0, 10, 5, [0, 2, 4, 6, 8, 10]), (0.903, 0.931, 6, [0.905, 0.91, 0.915, 0.92, 0.925, 0.93]), (3, 3, 5, [3])],
)
def test_the_numbers_of_an_axis_are_round(low, high, most, numbers):
    assert round_numbers(low, high, most) == pytest.approx(numbers)


def test_the_matrix_has_each_pair_once():
    pairs = {"columns": ["a", "b<"], "values": [[1.0], [0.75, 0.5]]}
    chart = pair_matrix(pairs)
    assert sorted(titles(chart)) == ["a: 100.00 %", "b< · a: 75.00 %", "b<: 50.00 %"]
    assert texts(chart).count("a") == 2


def test_a_perfect_matrix_can_be_drawn():
    assert titles(pair_matrix({"columns": ["a", "b"], "values": [[1.0], [1.0, 1.0]]}))


def test_a_large_matrix_covers_each_pair_in_few_bytes():
    n = TITLED_COLUMNS + 1
    values = [[0.9 if (row + column) % 3 else 0.5 for column in range(row + 1)] for row in range(n)]
    chart = pair_matrix({"columns": [f"column {place}" for place in range(n)], "values": values})
    runs = [(int(start), int(row), int(width)) for start, row, width in re.findall(r"M(\d+) (\d+)h(\d+)", chart)]
    covered = [(row, start + step) for start, row, width in runs for step in range(width)]
    assert sorted(covered) == [(row, column) for row in range(n) for column in range(row + 1)]
    assert not [title for title in titles(chart) if "%" in title]
    assert sum(name.startswith("column") for name in texts(chart)) <= 2 * 51


def cells(chart):
    """Return how many cells a map without titles has."""
    return sum(int(width) for width in re.findall(r"M\d+ \d+h(\d+)", chart))


def test_associations_are_drawn_side_by_side_and_as_differences():
    found = {"columns": ["a", "b<", "c"], "training": [[], [0.5], [0.2, 0.9]], "result": [[], [0.5], [0.3, 0.1]]}
    assert cells(both_maps(found)) == 6
    chart = difference_map(found)
    assert "c · b<: 0.90 in the training data, 0.10 in the result" in titles(chart)
    assert len(titles(chart)) == 3 and chart.count('class="fewer"') == 1


def test_a_picture_of_a_column_has_its_bins_and_is_small(run_summary):
    found = column_pictures(run_summary)
    assert [each["accuracy"] for each in found] == sorted(each["accuracy"] for each in found)
    assert all(len(each["picture"]) < 1100 for each in found)
    day = next(each for each in found if each["column"] == "day")
    bins = next(each["bins"] for each in run_summary["profiles"] if each["column"] == "day")
    assert texts(day["picture"])[0] == bins[0][:13]


def test_differences_of_a_pair_leave_out_what_no_row_has():
    table = {
        "columns": ["a", "b"],
        "bins": [["x", "y", "(unseen)"], ["u", "v"]],
        "original": [10, 10, 20, 60, 0, 0],
        "synthetic": [1, 1, 4, 4, 0, 0],
    }
    chart = pair_differences(table, "pairs-0")
    assert titles(chart) == [
        "x · u: 10.00 % of the original, 10.00 % of the result",
        "x · v: 10.00 % of the original, 10.00 % of the result",
        "y · u: 20.00 % of the original, 40.00 % of the result",
        "y · v: 60.00 % of the original, 40.00 % of the result",
    ]
    assert texts(chart) == ["+", "−", "x", "y", "u", "v"]


def test_bars_are_as_long_as_their_shares():
    table = {"bins": [["x", "y", "(unseen)"]], "original": [1, 3, 0], "synthetic": [5, 5, 0]}
    first, second = bars_of_column(table)
    assert (first.name, first.shares, second.shares) == ("x", (0.25, 0.5), (0.75, 0.5))
    assert first.widths == (33.3, 66.7) and second.widths == (100, 66.7)
    parts = [{"name": "1", "pool_rows": 30, "chosen_rows": 1}, {"name": "2", "pool_rows": 10, "chosen_rows": 1}]
    assert [pair.shares for pair in bars_of_origin({"parts_are": "cycle", "parts": parts})] == [
        (0.75, 0.5),
        (0.25, 0.5),
    ]


def test_patterns_of_missing_values_name_few_columns():
    patterns = [
        {"columns": [], "original": 50, "synthetic": 10},
        {"columns": [f"c{place}" for place in range(30)], "original": 0, "synthetic": 10},
    ]
    rows = {"training": {"rows": 100}, "result": {"rows": 20}}
    nothing, many = bars_of_missing(rows | {"missing": {"most_frequent": patterns}})
    assert nothing.name == "nothing missing" and nothing.shares == (0.5, 0.5)
    assert "c11" in many.name and "c12" not in many.name and many.name.endswith("and 18 more")


def test_a_line_chart_names_its_lines_spans_and_points():
    line = Line([(0, 0.5), (10, 0.75)], "synthetic", name="the result", said=lambda x, y: f"{y} after {x}")
    flat = Line([(0, 0.5), (10, 0.5)], "limit", name="limit")
    spans = [Span("long", 0, 9.5), Span("too short", 9.5, 10)]
    chart = line_chart([line, flat], "label", x_name="time", shares=True, spans=spans, figure="x")
    assert titles(chart) == ["0.5 after 0", "0.75 after 10"]
    assert {"the result", "limit", "long", "time", "10"} <= set(texts(chart)) and "too short" not in texts(chart)
    assert chart.count("<polyline") == 2


def test_a_line_chart_of_one_point_can_be_drawn():
    chart = line_chart([Line([(0, 0)], "subset", name="a")], "label", x_name="x", figure="x")
    assert "nan" not in chart and "inf" not in chart and "polyline" not in chart


def test_the_curve_is_drawn_with_its_sample_or_without(run_summary):
    with_sample = titles(charts(run_summary)["time"])
    assert with_sample[0] == "80.000 % after 0.0 s" and "97.500 % after 105.0 s" in with_sample
    del run_summary["accuracy"]["pool_sample"]
    run_summary["curve"] = run_summary["curve"][:1]
    assert titles(charts(run_summary)["time"]) == ["93.000 % after 4.0 s"]


def test_a_long_selection_is_in_minutes(run_summary):
    run_summary["curve"].append([600.0, 0.98])
    assert "98.000 % after 10.0 min" in titles(charts(run_summary)["time"])
