"""The page's charts as plotly figures, made from the summary alone.

A figure is a plain mapping for plotly.js.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise, product
from math import sqrt

from postprocess.report.chart_style import (
    LIMIT,
    MAX_TICKS,
    ORIGINAL,
    SCALE,
    SYNTHETIC,
    Figure,
    as_shares,
    band,
    bars,
    heading,
    heatmap,
    in_lines,
    line,
    name_axis,
    new_layout,
    note,
    plain,
    short,
)
from postprocess.selection.context import Step

SIDES = {"original": ORIGINAL, "synthetic": SYNTHETIC}  # the two data sets that are compared, with their colours
SELECTION_STAGES = tuple(Step)  # a tuple can be asked for any name; before Python 3.12, an enum cannot
MAX_SECONDS = 300  # of a selection whose time axis is in seconds; a longer one is shown in minutes
MIN_NAMED_SHARE = 0.09  # of the time axis: shorter stages have no room for their names
MAX_PATTERN_NAMES = 2  # missing columns that are named on the axis; the pointer shows all
FEW_BARS = 4  # so few bars are drawn narrower


def charts(summary: Mapping) -> dict[str, Figure]:
    """Return all figures for which the summary has the numbers, by name."""
    figures: dict[str, Figure] = {}
    if summary.get("curve"):
        figures["time"] = accuracy_over_time(summary)
    if len(summary["pair_accuracy"]["columns"]) > 1:
        figures["pairs"] = pair_matrix(summary["pair_accuracy"])
    for order, draw in (("columns", bars_of_column), ("pairs", heatmaps), ("triples", heatmaps)):
        for place, table in enumerate(summary["weakest"][order]):
            figures[f"{order}-{place}"] = draw(table)
    if any(cycle["epochs"] for cycle in summary.get("trainings", ())):
        figures["losses"] = losses_by_epoch(summary["trainings"])
    if summary.get("origin"):
        figures["origin"] = origin_bars(summary["origin"])
    if summary["missing"]["columns_with_missing_cells"]:
        figures["missing"] = missing_bars(summary)
    return figures


def accuracy_over_time(summary: Mapping) -> Figure:
    """Draw overall accuracy against the time of the selection, with its stages and the sampling limit.

    The line is dotted from the random sample to the trimmed rows, because nothing is measured in between. The curve
    begins with the oversized subset. It has more rows and therefore less noise, so its point is not on the line.
    """
    stages = [stage for stage in summary["stages"] if stage["name"] in SELECTION_STAGES]
    ends = list(accumulate((stage["seconds"] for stage in stages), initial=0))
    last = max(ends[-1], *(seconds for seconds, _ in summary["curve"]))
    unit, unit_name, symbol = (60, "minutes", "min") if last > MAX_SECONDS else (1, "seconds", "s")
    ends = [seconds / unit for seconds in ends]
    subset, *later = [(seconds / unit, overall) for seconds, overall in summary["curve"]]
    layout = new_layout(height=340) | _stage_marks([stage["name"] for stage in stages], ends, last / unit)
    layout["xaxis"] |= {"title": {"text": f"{unit_name} of selection"}, "rangemode": "tozero"}
    layout["yaxis"] |= {"tickformat": ".1%"}
    return {"data": _accuracy_lines(summary, subset, later, last / unit, symbol), "layout": layout}


def _stage_marks(names: Sequence[str], ends: Sequence[float], last: float) -> Figure:
    """Shade every other stage, and name the stages that are long enough."""
    spans = list(pairwise(ends))
    return {
        "shapes": [band(*span) for span in spans[::2]],
        "annotations": [
            heading(name, (start + end) / 2)
            for name, (start, end) in zip(names, spans, strict=True)
            if end - start > MIN_NAMED_SHARE * last
        ],
    }


def _accuracy_lines(
    summary: Mapping, subset: tuple[float, float], later: Sequence[tuple[float, float]], last: float, symbol: str
) -> list[Figure]:
    sample = (0.0, summary["accuracy"]["pool_sample"]["overall"])
    limit = summary["sampling_limit"]["overall"]
    hover = f"%{{y:.3%}} after %{{x:,.1f}} {symbol}"
    circle = {"mode": "markers", "marker": {"size": 8, "symbol": "circle-open"}}
    return [
        line("overall accuracy", [sample, (None, None), *later], SYNTHETIC, hover=hover, width=2.5, marker_size=6),
        line("not measured in between", [sample, *later[:1]], SYNTHETIC, dash="dot"),
        line("the oversized subset", [subset], SYNTHETIC, hover=hover) | circle,
        line("sampling limit", [(0, limit), (last, limit)], LIMIT, hover="sampling limit %{y:.3%}", dash="dash"),
    ]


def losses_by_epoch(trainings: Sequence[Mapping]) -> Figure:
    """Draw the losses of each cycle by epoch: a solid line for the validation loss, a dotted one for the training loss.

    The cycle's number stands at the end of its validation line.
    """
    layout, data = new_layout(height=320), []
    layout["xaxis"] |= {"title": {"text": "epoch"}, "rangemode": "tozero"}
    layout["yaxis"] |= {"title": {"text": "loss"}}
    layout["annotations"] = []
    for cycle in trainings:
        epochs = cycle["epochs"]
        for kind, colour, dash, width in (("validation", SYNTHETIC, "solid", 2.5), ("training", ORIGINAL, "dot", 1.5)):
            name = f"cycle {cycle['number']}, {kind}"
            points = [(epoch["number"], epoch[f"{kind}_loss"]) for epoch in epochs]
            hover = f"{name}: %{{y:.4f}} after epoch %{{x}}"
            data.append(line(name, points, colour, hover=hover, width=width, dash=dash, marker_size=4))
        if epochs:
            last = epochs[-1]
            place = {"x": last["number"], "y": last["validation_loss"], "xanchor": "left", "xshift": 4}
            layout["annotations"].append(note(f"cycle {cycle['number']}", **place))
    return {"data": data, "layout": layout}


def pair_matrix(pairs: Mapping) -> Figure:
    """Draw the accuracies of all pairs of columns; on the diagonal, of the columns themselves."""
    names, rows = [plain(name) for name in pairs["columns"]], pairs["values"]
    full = [[rows[max(i, j)][min(i, j)] for j in range(len(rows))] for i in range(len(rows))]
    layout = new_layout(height=min(640, 300 + 8 * len(names)))
    layout["xaxis"] |= name_axis(names)
    layout["yaxis"] |= name_axis(names) | {"autorange": "reversed"}
    matrix = heatmap(
        names,
        names,
        full,
        hover="%{y}<br>%{x}<br>%{z:.2%}",
        zmin=min(min(row) for row in rows),
        zmax=1,
        colorscale=[[place, colour] for (place, _), (_, colour) in zip(SCALE, reversed(SCALE), strict=True)],
        colorbar={"tickformat": ".2%", "thickness": 10, "outlinewidth": 0, "len": 0.9, "tickfont": {"size": 11}},
    )
    return {"data": [matrix], "layout": layout}


def heatmaps(table: Mapping) -> Figure:
    """Draw a table of two or three columns, original beside synthetic: the last column across, the others down.

    The colour shows the square root of the share, so that small cells are visible. Lines without any row are left out.
    """
    across = [plain(label) for label in table["bins"][-1]]
    down = [" · ".join(map(plain, labels)) for labels in product(*table["bins"][:-1])]
    lines = {side: in_lines(table[side], len(across)) for side in SIDES}
    filled = [place for place in range(len(down)) if any(any(lines[side][place]) for side in SIDES)]
    down = [down[place] for place in filled]
    layout = new_layout(height=300 if len(table["bins"]) == 2 else 360)
    few = len(down) <= MAX_TICKS
    layout["yaxis"] |= name_axis(down) | {"autorange": "reversed", "showticklabels": few}
    layout["xaxis"] |= name_axis(across) | {"domain": [0, 0.48]}
    layout["xaxis2"] = layout["xaxis"] | {"domain": [0.52, 1], "anchor": "y"}
    layout["annotations"] = [
        heading(side, centre, xref="paper") for side, centre in zip(SIDES, (0.24, 0.76), strict=True)
    ]
    largest = sqrt(max(max(as_shares(table[side])) for side in SIDES))
    data = []
    for side, axis in zip(SIDES, ("x", "x2"), strict=True):
        rows = max(sum(table[side]), 1)
        counts = [lines[side][place] for place in filled]
        data.append(
            heatmap(
                across,
                down,
                [[sqrt(count / rows) for count in row] for row in counts],
                hover=f"%{{y}}<br>%{{x}}<br>%{{customdata:,}} {side} rows",
                customdata=counts,
                zmin=0,
                zmax=largest,
                colorscale=SCALE,
                showscale=False,
                xaxis=axis,
                xgap=1,
                ygap=1 if few else 0,
            )
        )
    return {"data": data, "layout": layout}


def bars_of_column(table: Mapping) -> Figure:
    """Draw the bins of a column, original beside synthetic."""
    names = [plain(label) for label in table["bins"][0]]
    figure = _paired_bars(names, {side: as_shares(table[side]) for side in SIDES}, height=230)
    figure["layout"]["yaxis"] |= {"nticks": 4}
    return figure


def origin_bars(origin: Mapping) -> Figure:
    """Draw each part's share of the pool beside its share of the result."""
    parts = origin["parts"]
    figure = _paired_bars(
        [f"{origin['parts_are']} {plain(part['name'])}" for part in parts],
        {
            "share of the pool": as_shares([part["pool_rows"] for part in parts]),
            "share of the result": as_shares([part["chosen_rows"] for part in parts]),
        },
    )
    if len(parts) <= FEW_BARS:
        figure["layout"]["bargap"] = 0.6
    return figure


def _paired_bars(names: Sequence[str], shares: Mapping[str, Sequence[float]], *, height: int = 300) -> Figure:
    """Draw two bars for each name. shares: the two series, the first in the colour of the original."""
    layout = new_layout(height=height)
    layout["xaxis"] |= name_axis(names)
    layout["yaxis"] |= {"tickformat": ".0%"}
    series = zip(shares.items(), SIDES.values(), strict=True)
    return {"data": [bars(name, names, values, colour) for (name, values), colour in series], "layout": layout}


def missing_bars(summary: Mapping) -> Figure:
    """Draw the most frequent patterns of missing values, original beside synthetic."""
    patterns = summary["missing"]["most_frequent"]
    names = [_pattern_name(pattern["columns"]) for pattern in patterns]
    places = list(range(len(patterns)))
    layout = new_layout(height=90 + 38 * len(patterns))
    layout["yaxis"] |= {"tickvals": places, "ticktext": names, "autorange": "reversed", "showgrid": False}
    layout["xaxis"] |= {"tickformat": ".0%", "showgrid": True, "rangemode": "tozero"}
    horizontal = {
        "orientation": "h",
        "customdata": [plain(", ".join(pattern["columns"]) or "nothing") for pattern in patterns],
        "hovertemplate": "%{x:.2%} of the rows<br>missing: %{customdata}<extra></extra>",
    }
    data = []
    for (side, colour), role in zip(SIDES.items(), ("training", "result"), strict=True):
        shares = [pattern[side] / summary[role]["rows"] for pattern in patterns]
        data.append(bars(side, shares, places, colour) | horizontal)
    return {"data": data, "layout": layout}


def _pattern_name(columns: Sequence[str]) -> str:
    if not columns:
        return "nothing missing"
    more = f" + {len(columns) - MAX_PATTERN_NAMES}" if len(columns) > MAX_PATTERN_NAMES else ""
    return ", ".join(short(plain(name)) for name in columns[:MAX_PATTERN_NAMES]) + more
