"""The page's pictures as plotly figures, made from the summary alone.

Figures are plain mappings for plotly.js. Colours are the names of the page's style variables, `var(--name)`, which the
page replaces by what they stand for, light or dark. Words from outside go through `_plain`, as plotly reads some HTML.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from itertools import pairwise, product
from math import sqrt

Figure = dict[str, object]

INK, QUIET, LINE, CLEAR = "var(--ink)", "var(--quiet)", "var(--line)", "rgba(0,0,0,0)"
ORIGINAL, SYNTHETIC, LIMIT = "var(--original)", "var(--synthetic)", "var(--limit)"
SCALE = [[0, "var(--scale-low)"], [0.5, "var(--scale-middle)"], [1, "var(--scale-high)"]]
MOST_TICKS = 40  # names on an axis; with more of them, only every few are written
LABEL_LENGTH = 18  # characters of a name on an axis
PATTERN_NAMES = 2  # of the columns that a pattern has missing, on the axis; the pointer shows all
FEW_BARS = 4  # are drawn narrower
SELECTION_STAGES = ("ipf", "oversized subset", "measuring", "trimming", "refinement")


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
    if summary.get("origin"):
        figures["origin"] = origin_bars(summary["origin"])
    if summary["missing"]["columns_with_missing_cells"]:
        figures["missing"] = missing_bars(summary)
    return figures


def accuracy_over_time(summary: Mapping) -> Figure:
    """Overall accuracy against the seconds of the selection, with its stages and the sampling limit."""
    seconds = [stage["seconds"] for stage in summary["stages"] if stage["name"] in SELECTION_STAGES]
    names = [stage["name"] for stage in summary["stages"] if stage["name"] in SELECTION_STAGES]
    ends = [sum(seconds[:place]) for place in range(len(seconds) + 1)]
    last = max([ends[-1], *(moment for moment, _ in summary["curve"])])
    in_minutes = last > 300
    unit = 60 if in_minutes else 1
    points = [[0, summary["accuracy"]["pool_sample"]["overall"]], *summary["curve"]]
    limit = summary["sampling_limit"]["overall"]
    layout = _layout(height=340)
    layout["xaxis"] |= {
        "title": {"text": f"{'minutes' if in_minutes else 'seconds'} of selection"},
        "rangemode": "tozero",
    }
    layout["yaxis"] |= {"tickformat": ".1%"}
    layout["shapes"] = [
        _band(start / unit, end / unit) for place, (start, end) in enumerate(pairwise(ends)) if place % 2 == 0
    ]
    layout["annotations"] = [
        _note(name, x=(start + end) / 2 / unit, y=1, yref="paper", yanchor="bottom")
        for name, (start, end) in zip(names, pairwise(ends), strict=True)
        if end - start > 0.09 * last
    ]
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "lines+markers",
                "name": "overall accuracy",
                "x": [moment / unit for moment, _ in points],
                "y": [overall for _, overall in points],
                "line": {"color": SYNTHETIC, "width": 2.5},
                "marker": {"size": 6, "color": SYNTHETIC},
                "hovertemplate": f"%{{y:.3%}} after %{{x:,.1f}} {'min' if in_minutes else 's'}<extra></extra>",
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


def pair_matrix(pairs: Mapping) -> Figure:
    """The accuracies of all pairs of columns, and of the columns themselves on the diagonal."""
    names, rows = [_plain(name) for name in pairs["columns"]], pairs["values"]
    full = [[rows[max(i, j)][min(i, j)] for j in range(len(rows))] for i in range(len(rows))]
    layout = _layout(height=min(640, 300 + 8 * len(names)))
    layout["xaxis"] |= _name_axis(names)
    layout["yaxis"] |= _name_axis(names) | {"autorange": "reversed"}
    heatmap = {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": full,
        "zmin": min(min(row) for row in rows),
        "zmax": 1,
        "colorscale": [[place, colour] for (place, _), (_, colour) in zip(SCALE, reversed(SCALE), strict=True)],
        "hovertemplate": "%{y}<br>%{x}<br>%{z:.2%}<extra></extra>",
        "colorbar": {"tickformat": ".1%", "thickness": 10, "outlinewidth": 0, "len": 0.9, "tickfont": {"size": 11}},
    }
    return {"data": [heatmap], "layout": layout}


def bars_of_column(table: Mapping) -> Figure:
    """A column's bins, original beside synthetic."""
    layout = _layout(height=230)
    layout["xaxis"] |= _name_axis([_plain(label) for label in table["bins"][0]])
    layout["yaxis"] |= {"tickformat": ".0%", "nticks": 4}
    return {"data": _both_bars([_plain(label) for label in table["bins"][0]], table), "layout": layout}


def heatmaps(table: Mapping) -> Figure:
    """A table of two or three columns, original beside synthetic: the last column across, the others down.

    Colour goes by the root of the share, so that small cells can be seen too. Lines without any row are left out.
    """
    across = [_plain(label) for label in table["bins"][-1]]
    down = [" · ".join(map(_plain, labels)) for labels in product(*table["bins"][:-1])]
    sides = [_lines(table[side], len(across)) for side in ("original", "synthetic")]
    kept = [place for place in range(len(down)) if any(any(lines[place]) for lines in sides)]
    down = [down[place] for place in kept]
    layout = _layout(height=300 if len(table["bins"]) == 2 else 360)
    names = _name_axis(down) | {"autorange": "reversed"}
    layout["yaxis"] |= names | {"showticklabels": len(down) <= MOST_TICKS}
    layout["xaxis"] |= _name_axis(across) | {"domain": [0, 0.48]}
    layout["xaxis2"] = layout["xaxis"] | {"domain": [0.52, 1], "anchor": "y"}
    layout["annotations"] = [
        _note(side, x=centre, xref="paper", y=1, yref="paper", yanchor="bottom")
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
    layout = _layout(height=300)
    layout["xaxis"] |= _name_axis(names) | {"title": {"text": "IPF weight of a pool row"}}
    layout["yaxis"] |= {"tickformat": ".0%"}
    return {
        "data": [
            _bars("pool rows", names, [part["rows"] / weights["rows"] for part in bins], ORIGINAL),
            _bars("their share of the weight", names, [part["weight_share"] for part in bins], SYNTHETIC),
        ],
        "layout": layout,
    }


def origin_bars(origin: Mapping) -> Figure:
    """Each part's share of the pool beside its share of the result."""
    parts = origin["parts"]
    names = [f"{origin['parts_are']} {_plain(part['name'])}" for part in parts]
    layout = _layout(height=300) | {"bargap": 0.6 if len(parts) <= FEW_BARS else 0.25}
    layout["xaxis"] |= _name_axis(names)
    layout["yaxis"] |= {"tickformat": ".0%"}
    return {
        "data": [
            _bars("share of the pool", names, _shares([part["pool_rows"] for part in parts]), ORIGINAL),
            _bars("share of the result", names, _shares([part["chosen_rows"] for part in parts]), SYNTHETIC),
        ],
        "layout": layout,
    }


def missing_bars(summary: Mapping) -> Figure:
    """The most frequent patterns of missing cells, original beside synthetic."""
    patterns = summary["missing"]["most_frequent"]
    names = [_pattern_name(pattern["columns"]) for pattern in patterns]
    places = list(range(len(patterns)))
    layout = _layout(height=90 + 38 * len(patterns))
    layout["yaxis"] |= {"tickvals": places, "ticktext": names, "autorange": "reversed", "showgrid": False}
    layout["xaxis"] |= {"tickformat": ".0%", "showgrid": True, "rangemode": "tozero"}
    data = []
    for name, role, side, colour in (
        ("original", "training", "original", ORIGINAL),
        ("synthetic", "result", "synthetic", SYNTHETIC),
    ):
        shares = [pattern[side] / summary[role]["rows"] for pattern in patterns]
        hover = "%{x:.2%} of the rows<br>missing: %{customdata}<extra></extra>"
        told = [_plain(", ".join(pattern["columns"]) or "nothing") for pattern in patterns]
        data.append(
            _bars(name, shares, places, colour) | {"orientation": "h", "customdata": told, "hovertemplate": hover}
        )
    return {"data": data, "layout": layout}


def _pattern_name(columns: Sequence[str]) -> str:
    if not columns:
        return "nothing missing"
    more = f" + {len(columns) - PATTERN_NAMES}" if len(columns) > PATTERN_NAMES else ""
    return ", ".join(_short(_plain(name)) for name in columns[:PATTERN_NAMES]) + more


def _both_bars(names: Sequence[str], table: Mapping) -> list[Figure]:
    return [
        _bars(side, names, _shares(table[side]), colour)
        for side, colour in (("original", ORIGINAL), ("synthetic", SYNTHETIC))
    ]


def _bars(name: str, x: Sequence, y: Sequence, colour: str) -> Figure:
    hover = f"%{{x}}: %{{y:.2%}} {name}<extra></extra>"
    return {"type": "bar", "name": name, "x": x, "y": y, "marker": {"color": colour}, "hovertemplate": hover}


def _shares(counts: Sequence[int]) -> list[float]:
    total = max(sum(counts), 1)
    return [count / total for count in counts]


def _lines(cells: Sequence[int], width: int) -> list[Sequence[int]]:
    return [cells[start : start + width] for start in range(0, len(cells), width)]


def _layout(*, height: int) -> Figure:
    axis = {"gridcolor": LINE, "linecolor": LINE, "zeroline": False, "automargin": True, "ticks": ""}
    return {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 22, "b": 8},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": CLEAR,
        "font": {"color": QUIET, "size": 12, "family": "system-ui, sans-serif"},
        "hoverlabel": {"bgcolor": "var(--card)", "bordercolor": LINE, "font": {"color": INK}},
        "xaxis": axis | {"showgrid": False},
        "yaxis": dict(axis),
        "bargap": 0.25,
        "showlegend": False,  # the page has keys of its own
        "dragmode": False,
    }


def _name_axis(names: Sequence[str]) -> Figure:
    """An axis of names, shortened, and only every few where there are many."""
    step = -(-len(names) // MOST_TICKS)
    shown = list(names[::step])
    ticks = {"tickmode": "array", "tickvals": shown, "ticktext": [_short(name) for name in shown]}
    return ticks | {"type": "category", "showgrid": False, "tickfont": {"size": 11 if len(names) <= 20 else 9}}


def _note(text: str, **place: object) -> Figure:
    return {"text": text, "showarrow": False, "font": {"size": 11, "color": QUIET}} | place


def _band(start: float, end: float) -> Figure:
    extent = {"x0": start, "x1": end, "y0": 0, "y1": 1, "yref": "paper"}
    return extent | {"type": "rect", "line": {"width": 0}, "fillcolor": "var(--band)", "layer": "below"}


def _short(name: str) -> str:
    name = html.unescape(name)
    return _plain(name if len(name) <= LABEL_LENGTH else name[: LABEL_LENGTH - 1] + "…")


def _plain(text: str) -> str:
    """Text that plotly shows as it is: it takes some HTML for markup."""
    return html.escape(str(text), quote=False)
