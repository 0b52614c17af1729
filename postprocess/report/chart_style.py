"""What the page's figures are made of: layouts, axes of names, bars, and words as plotly shall show them.

Colours are names of the page's style variables, `var(--name)`, which the page replaces by what they stand for, light
or dark. Words from outside go through `plain`, as plotly takes some HTML for markup.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

Figure = dict[str, Any]

INK, QUIET, LINE, CLEAR = "var(--ink)", "var(--quiet)", "var(--line)", "rgba(0,0,0,0)"
ORIGINAL, SYNTHETIC, LIMIT = "var(--original)", "var(--synthetic)", "var(--limit)"
SCALE = [[0, "var(--scale-low)"], [0.5, "var(--scale-middle)"], [1, "var(--scale-high)"]]
MOST_TICKS = 40  # names on an axis; with more of them, only every few are written
LABEL_LENGTH = 18  # characters of a name on an axis


def bars(name: str, x: Sequence, y: Sequence, colour: str) -> Figure:
    """A trace of bars of shares over names."""
    hover = f"%{{x}}: %{{y:.2%}} {name}<extra></extra>"
    return {"type": "bar", "name": name, "x": x, "y": y, "marker": {"color": colour}, "hovertemplate": hover}


def as_shares(counts: Sequence[int]) -> list[float]:
    """Counts over their sum; zeros where that is zero."""
    total = max(sum(counts), 1)
    return [count / total for count in counts]


def in_lines(cells: Sequence[int], width: int) -> list[Sequence[int]]:
    """Flat cells, cut into lines of a width."""
    return [cells[start : start + width] for start in range(0, len(cells), width)]


def new_layout(*, height: int) -> Figure:
    """What all figures have in common; height in pixels."""
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


def name_axis(names: Sequence[str]) -> Figure:
    """An axis of names, shortened, and only every few where there are many."""
    step = -(-len(names) // MOST_TICKS)
    shown = list(names[::step])
    ticks = {"tickmode": "array", "tickvals": shown, "ticktext": [short(name) for name in shown]}
    return ticks | {"type": "category", "showgrid": False, "tickfont": {"size": 11 if len(names) <= 20 else 9}}


def note(text: str, **place: object) -> Figure:
    """A few small words in a figure."""
    return {"text": text, "showarrow": False, "font": {"size": 11, "color": QUIET}} | place


def band(start: float, end: float) -> Figure:
    """A shaded part of the first axis."""
    extent = {"x0": start, "x1": end, "y0": 0, "y1": 1, "yref": "paper"}
    return extent | {"type": "rect", "line": {"width": 0}, "fillcolor": "var(--band)", "layer": "below"}


def short(name: str) -> str:
    """A name that went through `plain`, cut to LABEL_LENGTH characters."""
    name = html.unescape(name)
    return plain(name if len(name) <= LABEL_LENGTH else name[: LABEL_LENGTH - 1] + "…")


def plain(text: str) -> str:
    """Text that plotly shows as it is: it takes some HTML for markup."""
    return html.escape(str(text), quote=False)
