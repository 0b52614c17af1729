"""The page's pictures as plotly figures, made from the summary alone.

Figures are plain mappings for plotly.js.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from math import sqrt

from postprocess.report.chart_style import (
    LIMIT,
    MOST_TICKS,
    ORIGINAL,
    SCALE,
    SYNTHETIC,
    Figure,
    as_shares,
    band,
    bars,
    in_lines,
    name_axis,
    new_layout,
    note,
    plain,
    short,
)

PATTERN_NAMES = 2  # of the columns that a pattern has missing, on the axis; the pointer shows all
FEW_BARS = 4  # are drawn narrower
SELECTION_STAGES = ("targets", "privacy filter", "ipf", "oversized subset", "measuring", "trimming", "refinement")


def charts(summary: Mapping) -> dict[str, Figure]:
    """All figures that the summary has the numbers for, by name."""
    figures: dict[str, Figure] = {}
    if summary.get("curve"):
        figures["time"] = accuracy_over_time(summary)
    if len(summary["pair_accuracy"]["columns"]) > 1:
        figures["pairs"] = pair_matrix(summary["pair_accuracy"])
    for level, draw in (("columns", bars_of_column), ("pairs", heatmaps), ("triples", heatmaps)):
        for place, table in enumerate(summary["weakest"][level]):
            figures[f"{level}-{place}"] = draw(table)
    if summary.get("weights"):
        figures["weights"] = weight_histogram(summary["weights"])
    if any(cycle["epochs"] for cycle in summary.get("trainings", ())):
        figures["losses"] = losses_by_epoch(summary["trainings"])
    if summary.get("origin"):
        figures["origin"] = origin_bars(summary["origin"])
    if summary["missing"]["columns_with_missing_cells"]:
        figures["missing"] = missing_bars(summary)
    return figures


def accuracy_over_time(summary: Mapping) -> Figure:
    """Overall accuracy against the seconds of the selection, with its stages and the sampling limit.

    The line is dotted from the random sample to the trimmed rows, as nothing is measured in between; the oversized
    subset, which the curve begins with, stands beside it: its more rows have less noise.
    """
    seconds = [stage["seconds"] for stage in summary["stages"] if stage["name"] in SELECTION_STAGES]
    names = [stage["name"] for stage in summary["stages"] if stage["name"] in SELECTION_STAGES]
    ends = [sum(seconds[:place]) for place in range(len(seconds) + 1)]
    last = max([ends[-1], *(moment for moment, _ in summary["curve"])])
    in_minutes = last > 300
    unit = 60 if in_minutes else 1
    subset, *later = summary["curve"]
    points = [[0, summary["accuracy"]["pool_sample"]["overall"]], *later]
    hover = f"%{{y:.3%}} after %{{x:,.1f}} {'min' if in_minutes else 's'}<extra></extra>"
    limit = summary["sampling_limit"]["overall"]
    layout = new_layout(height=340)
    layout["xaxis"] |= {
        "title": {"text": f"{'minutes' if in_minutes else 'seconds'} of selection"},
        "rangemode": "tozero",
    }
    layout["yaxis"] |= {"tickformat": ".1%"}
    layout["shapes"] = [
        band(start / unit, end / unit) for place, (start, end) in enumerate(pairwise(ends)) if place % 2 == 0
    ]
    layout["annotations"] = [
        note(name, x=(start + end) / 2 / unit, y=1, yref="paper", yanchor="bottom")
        for name, (start, end) in zip(names, pairwise(ends), strict=True)
        if end - start > 0.09 * last
    ]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "overall accuracy",
                "x": [points[0][0] / unit, None, *(moment / unit for moment, _ in later)],
                "y": [points[0][1], None, *(overall for _, overall in later)],
                "line": {"color": SYNTHETIC, "width": 2.5},
                "marker": {"size": 6, "color": SYNTHETIC},
                "hovertemplate": hover,
            },
            {
                "type": "scatter",
                "mode": "lines",
                "name": "not measured in between",
                "x": [moment / unit for moment, _ in points[:2]],
                "y": [overall for _, overall in points[:2]],
                "line": {"color": SYNTHETIC, "width": 1.5, "dash": "dot"},
                "hoverinfo": "skip",
            },
            {
                "type": "scatter",
                "mode": "markers",
                "name": "the oversized subset",
                "x": [subset[0] / unit],
                "y": [subset[1]],
                "marker": {"size": 8, "color": SYNTHETIC, "symbol": "circle-open"},
                "hovertemplate": hover,
            },
            {
                "type": "scatter",
                "mode": "lines",
                "name": "a fresh sample, on average",
                "x": [0, last / unit],
                "y": [limit, limit],
                "line": {"color": LIMIT, "width": 1.5, "dash": "dash"},
                "hovertemplate": "sampling limit %{y:.3%}<extra></extra>",
            },
        ],
        "layout": layout,
    }


def losses_by_epoch(trainings: Sequence[Mapping]) -> Figure:
    """The losses of each cycle by epoch: a line for the validation loss, a dotted one for the training loss.

    The lines of a cycle end with its number.
    """
    layout, data = new_layout(height=320), []
    layout["xaxis"] |= {"title": {"text": "epoch"}, "rangemode": "tozero"}
    layout["yaxis"] |= {"title": {"text": "loss"}}
    layout["annotations"] = []
    for cycle in trainings:
        epochs = cycle["epochs"]
        for key, name, dash, width in (
            ("validation_loss", "validation", "solid", 2.5),
            ("training_loss", "training", "dot", 1.5),
        ):
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": f"cycle {cycle['number']}, {name}",
                    "x": [epoch["number"] for epoch in epochs],
                    "y": [epoch[key] for epoch in epochs],
                    "line": {"color": SYNTHETIC if name == "validation" else ORIGINAL, "width": width, "dash": dash},
                    "marker": {"size": 4},
                    "hovertemplate": f"cycle {cycle['number']}, {name}: %{{y:.4f}} after epoch %{{x}}<extra></extra>",
                }
            )
        if epochs:
            last = epochs[-1]
            place = {"x": last["number"], "y": last["validation_loss"], "xanchor": "left", "xshift": 4}
            layout["annotations"].append(note(f"cycle {cycle['number']}", **place))
    return {"data": data, "layout": layout}


def pair_matrix(pairs: Mapping) -> Figure:
    """The accuracies of all pairs of columns, and of the columns themselves on the diagonal."""
    names, rows = [plain(name) for name in pairs["columns"]], pairs["values"]
    full = [[rows[max(i, j)][min(i, j)] for j in range(len(rows))] for i in range(len(rows))]
    layout = new_layout(height=min(640, 300 + 8 * len(names)))
    layout["xaxis"] |= name_axis(names)
    layout["yaxis"] |= name_axis(names) | {"autorange": "reversed"}
    heatmap = {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": full,
        "zmin": min(min(row) for row in rows),
        "zmax": 1,
        "colorscale": [[place, colour] for (place, _), (_, colour) in zip(SCALE, reversed(SCALE), strict=True)],
        "hovertemplate": "%{y}<br>%{x}<br>%{z:.2%}<extra></extra>",
        "colorbar": {"tickformat": ".2%", "thickness": 10, "outlinewidth": 0, "len": 0.9, "tickfont": {"size": 11}},
    }
    return {"data": [heatmap], "layout": layout}


def bars_of_column(table: Mapping) -> Figure:
    """A column's bins, original beside synthetic."""
    layout = new_layout(height=230)
    layout["xaxis"] |= name_axis([plain(label) for label in table["bins"][0]])
    layout["yaxis"] |= {"tickformat": ".0%", "nticks": 4}
    return {"data": _both_bars([plain(label) for label in table["bins"][0]], table), "layout": layout}


def heatmaps(table: Mapping) -> Figure:
    """A table of two or three columns, original beside synthetic: the last column across, the others down.

    Colour goes by the root of the share, so that small cells can be seen too. Lines without any row are left out.
    """
    across = [plain(label) for label in table["bins"][-1]]
    down = [" · ".join(map(plain, labels)) for labels in product(*table["bins"][:-1])]
    sides = [in_lines(table[side], len(across)) for side in ("original", "synthetic")]
    kept = [place for place in range(len(down)) if any(any(lines[place]) for lines in sides)]
    down = [down[place] for place in kept]
    layout = new_layout(height=300 if len(table["bins"]) == 2 else 360)
    names = name_axis(down) | {"autorange": "reversed"}
    layout["yaxis"] |= names | {"showticklabels": len(down) <= MOST_TICKS}
    layout["xaxis"] |= name_axis(across) | {"domain": [0, 0.48]}
    layout["xaxis2"] = layout["xaxis"] | {"domain": [0.52, 1], "anchor": "y"}
    layout["annotations"] = [
        note(side, x=centre, xref="paper", y=1, yref="paper", yanchor="bottom")
        for side, centre in (("original", 0.24), ("synthetic", 0.76))
    ]
    largest = sqrt(max(max(table[side]) / max(sum(table[side]), 1) for side in ("original", "synthetic")))
    data = []
    for side, lines, axis in zip(("original", "synthetic"), sides, ("x", "x2"), strict=True):
        rows = max(sum(table[side]), 1)
        data.append(
            {
                "type": "heatmap",
                "x": across,
                "y": down,
                "z": [[sqrt(count / rows) for count in lines[place]] for place in kept],
                "customdata": [lines[place] for place in kept],
                "zmin": 0,
                "zmax": largest,
                "colorscale": SCALE,
                "showscale": False,
                "xaxis": axis,
                "xgap": 1,
                "ygap": 1 if len(kept) <= MOST_TICKS else 0,
                "hovertemplate": f"%{{y}}<br>%{{x}}<br>%{{customdata:,}} {side} rows<extra></extra>",
            }
        )
    return {"data": data, "layout": layout}


def weight_histogram(weights: Mapping) -> Figure:
    """Pool rows by weight, and the share of the weight that they carry."""
    bins = weights["histogram"]
    names = [
        f"{part['above']:.1g} to {part['to']:.1g}" if part["above"] else f"below {part['to']:.1g}" for part in bins
    ]
    layout = new_layout(height=300)
    layout["xaxis"] |= name_axis(names) | {"title": {"text": "IPF weight of a pool row"}}
    layout["yaxis"] |= {"tickformat": ".0%"}
    return {
        "data": [
            bars("pool rows", names, [part["rows"] / weights["rows"] for part in bins], ORIGINAL),
            bars("their share of the weight", names, [part["weight_share"] for part in bins], SYNTHETIC),
        ],
        "layout": layout,
    }


def origin_bars(origin: Mapping) -> Figure:
    """Each part's share of the pool beside its share of the result."""
    parts = origin["parts"]
    names = [f"{origin['parts_are']} {plain(part['name'])}" for part in parts]
    layout = new_layout(height=300) | {"bargap": 0.6 if len(parts) <= FEW_BARS else 0.25}
    layout["xaxis"] |= name_axis(names)
    layout["yaxis"] |= {"tickformat": ".0%"}
    return {
        "data": [
            bars("share of the pool", names, as_shares([part["pool_rows"] for part in parts]), ORIGINAL),
            bars("share of the result", names, as_shares([part["chosen_rows"] for part in parts]), SYNTHETIC),
        ],
        "layout": layout,
    }


def missing_bars(summary: Mapping) -> Figure:
    """The most frequent patterns of missing cells, original beside synthetic."""
    patterns = summary["missing"]["most_frequent"]
    names = [_pattern_name(pattern["columns"]) for pattern in patterns]
    places = list(range(len(patterns)))
    layout = new_layout(height=90 + 38 * len(patterns))
    layout["yaxis"] |= {"tickvals": places, "ticktext": names, "autorange": "reversed", "showgrid": False}
    layout["xaxis"] |= {"tickformat": ".0%", "showgrid": True, "rangemode": "tozero"}
    data = []
    for name, role, side, colour in (
        ("original", "training", "original", ORIGINAL),
        ("synthetic", "result", "synthetic", SYNTHETIC),
    ):
        shares = [pattern[side] / summary[role]["rows"] for pattern in patterns]
        hover = "%{x:.2%} of the rows<br>missing: %{customdata}<extra></extra>"
        told = [plain(", ".join(pattern["columns"]) or "nothing") for pattern in patterns]
        data.append(
            bars(name, shares, places, colour) | {"orientation": "h", "customdata": told, "hovertemplate": hover}
        )
    return {"data": data, "layout": layout}


def _pattern_name(columns: Sequence[str]) -> str:
    if not columns:
        return "nothing missing"
    more = f" + {len(columns) - PATTERN_NAMES}" if len(columns) > PATTERN_NAMES else ""
    return ", ".join(short(plain(name)) for name in columns[:PATTERN_NAMES]) + more


def _both_bars(names: Sequence[str], table: Mapping) -> list[Figure]:
    return [
        bars(side, names, as_shares(table[side]), colour)
        for side, colour in (("original", ORIGINAL), ("synthetic", SYNTHETIC))
    ]
