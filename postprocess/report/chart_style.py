"""The parts of the page's charts: layouts, axes of names, traces, and texts in a form that plotly shows unchanged.

Colours are names of the page's style variables, `var(--name)`. The page replaces each by the colour of the light or the
dark scheme. Texts from outside pass through `plain`, because plotly takes some HTML for markup.
"""

import html
from collections.abc import Sequence
from typing import Any

Figure = dict[str, Any]

INK, QUIET, LINE, CLEAR = "var(--ink)", "var(--quiet)", "var(--line)", "rgba(0,0,0,0)"
ORIGINAL, SYNTHETIC, LIMIT = "var(--original)", "var(--synthetic)", "var(--limit)"
SCALE = [[0, "var(--scale-low)"], [0.5, "var(--scale-middle)"], [1, "var(--scale-high)"]]
MAX_TICKS = 40  # names on an axis; if there are more, only every few are written
LABEL_LENGTH = 18  # characters of a name on an axis


def bars(name: str, x: Sequence, y: Sequence, colour: str) -> Figure:
    """Return a trace of bars: one share for each name."""
    hover = f"%{{x}}: %{{y:.2%}} {name}<extra></extra>"
    return {"type": "bar", "name": name, "x": x, "y": y, "marker": {"color": colour}, "hovertemplate": hover}


def line(
    name: str,
    points: Sequence[tuple[float | None, float | None]],
    colour: str,
    *,
    hover: str = "",
    width: float = 1.5,
    dash: str = "solid",
    marker_size: int = 0,
) -> Figure:
    """Return a trace of points, joined by a line; (None, None) is a gap. Without `hover`, the pointer shows nothing."""
    return {
        "type": "scatter",
        "mode": "lines+markers" if marker_size else "lines",
        "name": name,
        "x": [x for x, _ in points],
        "y": [y for _, y in points],
        "line": {"color": colour, "width": width, "dash": dash},
        "marker": {"size": marker_size},
    } | ({"hovertemplate": f"{hover}<extra></extra>"} if hover else {"hoverinfo": "skip"})


def heatmap(x: Sequence[str], y: Sequence[str], z: Sequence[Sequence[float]], *, hover: str, **more: object) -> Figure:
    """Return a trace of coloured cells: z[i][j] belongs to y[i] and x[j]."""
    trace = {"type": "heatmap", "x": x, "y": y, "z": z, "hovertemplate": f"{hover}<extra></extra>"}
    return trace | more


def as_shares(counts: Sequence[int]) -> list[float]:
    """Return counts over their sum; zeros if the sum is zero."""
    total = max(sum(counts), 1)
    return [count / total for count in counts]


def in_lines(cells: Sequence[int], width: int) -> list[Sequence[int]]:
    """Cut flat cells into lines of this width."""
    return [cells[start : start + width] for start in range(0, len(cells), width)]


def new_layout(*, height: int) -> Figure:
    """Return the layout that all charts have in common; height in pixels."""
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
        "showlegend": False,  # the page has its own legends
        "dragmode": False,
    }


def name_axis(names: Sequence[str]) -> Figure:
    """Return an axis of shortened names. If there are many names, only every few are written."""
    step = -(-len(names) // MAX_TICKS)
    shown = list(names[::step])
    ticks = {"tickmode": "array", "tickvals": shown, "ticktext": [short(name) for name in shown]}
    return ticks | {"type": "category", "showgrid": False, "tickfont": {"size": 11 if len(names) <= 20 else 9}}


def note(text: str, **place: object) -> Figure:
    """Return a short text in small letters."""
    return {"text": text, "showarrow": False, "font": {"size": 11, "color": QUIET}} | place


def heading(text: str, x: float, **place: object) -> Figure:
    """Return a note above the chart, centred at x."""
    return note(text, x=x, y=1, yref="paper", yanchor="bottom", **place)


def band(start: float, end: float) -> Figure:
    """Return a shaded interval of the x axis."""
    extent = {"x0": start, "x1": end, "y0": 0, "y1": 1, "yref": "paper"}
    return extent | {"type": "rect", "line": {"width": 0}, "fillcolor": "var(--band)", "layer": "below"}


def short(name: str) -> str:
    """Return a name that has passed through `plain`, cut to LABEL_LENGTH characters."""
    name = html.unescape(name)
    return plain(name if len(name) <= LABEL_LENGTH else name[: LABEL_LENGTH - 1] + "…")


def plain(text: str) -> str:
    """Return a text that plotly shows unchanged: the HTML that plotly takes for markup is escaped."""
    return html.escape(str(text), quote=False)
