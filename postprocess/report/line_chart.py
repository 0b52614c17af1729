"""A chart of lines over a common x axis, with named ends and shaded spans."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

from markupsafe import Markup

from postprocess.report.sentences import percent
from postprocess.report.svg import LETTER, drawing, element, round_numbers, short, text

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 116, 24, 44  # the margins of the plot
X_NUMBERS, Y_NUMBERS = 8, 6  # at most, on the axes
LINE_HEIGHT = 13  # pixels between the names at the ends of lines
PADDING = 0.06  # of the height, above and below the points
NAME_GAP = 6  # pixels between a line's end and its name
END_LENGTH = 16  # letters of a name at the end of a line

Point = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A line of a chart.

    style: classes of style.css. name: at the end of the line. said: returns what the pointer shows at a point (x, y);
    without it, no dots are drawn.
    """

    points: Sequence[Point]
    style: str
    name: str = ""
    said: Callable[[float, float], str] | None = None


@dataclass(frozen=True)
class Span:
    """A named part of the x axis."""

    name: str
    start: float
    end: float


def line_chart(
    lines: Sequence[Line], label: str, *, x_name: str, shares: bool = False, spans: Sequence[Span] = (), figure: str
) -> Markup:
    """Draw the lines. label: what the chart shows. shares: whether the y axis is in percent. figure: the chart's name.

    Every other span is shaded, and a span that is long enough is named.
    """
    points = list(chain.from_iterable(line.points for line in lines))
    plot = _Plot(points)
    return drawing(
        WIDTH,
        HEIGHT,
        label,
        *plot.shaded(spans),
        *plot.axes(x_name, shares=shares),
        *chain.from_iterable(plot.drawn(line) for line in lines),
        *plot.names(lines),
        class_="drawing broad",
        data_figure=figure,
    )


class _Plot:
    """The area in which points are drawn: x from 0 on, y from a little below the lowest point."""

    def __init__(self, points: Sequence[Point]) -> None:
        lowest, highest = min(y for _, y in points), max(y for _, y in points)
        padding = PADDING * (highest - lowest) or abs(highest) * PADDING or 1
        self.low, self.high = lowest - padding, highest + padding
        self.last = max(x for x, _ in points) or 1

    def place(self, x: float, y: float) -> Point:
        """Return where a point is drawn."""
        across = LEFT + (WIDTH - LEFT - RIGHT) * x / self.last
        return across, HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (y - self.low) / (self.high - self.low)

    def shaded(self, spans: Sequence[Span]) -> list[Markup]:
        found = []
        for number, span in enumerate(spans):
            start, end = (self.place(x, self.low)[0] for x in (span.start, span.end))
            if number % 2 == 0:
                extent = {"x": start, "y": TOP, "width": end - start, "height": HEIGHT - TOP - BOTTOM}
                found.append(element("rect", class_="span", **extent))
            if LETTER * len(span.name) < end - start:
                found.append(text(span.name, (start + end) / 2, TOP - 8, anchor="middle"))
        return found

    def axes(self, x_name: str, *, shares: bool) -> list[Markup]:
        found = []
        rows = round_numbers(self.low, self.high, Y_NUMBERS)
        for number, words in zip(rows, _written(rows, shares=shares), strict=True):
            _, y = self.place(0, number)
            found.append(element("line", class_="grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y))
            found.append(text(words, LEFT - NAME_GAP, y + 4, anchor="end"))
        across = round_numbers(0, self.last, X_NUMBERS)
        for number, words in zip(across, _written(across), strict=True):
            found.append(text(words, self.place(number, 0)[0], HEIGHT - BOTTOM + 16, anchor="middle"))
        return [*found, text(x_name, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, anchor="middle")]

    def drawn(self, line: Line) -> list[Markup]:
        places = [self.place(*point) for point in line.points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        found = [element("polyline", class_=f"line {line.style}", points=path)] if len(places) > 1 else []
        for (x, y), (across, down) in zip(line.points, places, strict=True):
            if line.said:
                title = element("title", line.said(x, y))
                found.append(element("circle", title, class_=f"dot {line.style}", cx=across, cy=down, r=3.5))
        return found

    def names(self, lines: Sequence[Line]) -> list[Markup]:
        """Write the names right of the plot, as high as their lines end, or lower if they would overlap."""
        found, free = [], -math.inf
        ends = [(self.place(*line.points[-1])[1], line.name) for line in lines if line.name]
        for down, name in sorted(ends):
            free = max(down + 4, free)
            found.append(text(short(name, END_LENGTH), WIDTH - RIGHT + NAME_GAP, free))
            free += LINE_HEIGHT
        return found


def _written(numbers: Sequence[float], *, shares: bool = False) -> list[str]:
    """Return numbers at equal steps with as many decimals as the step needs."""
    step = numbers[1] - numbers[0] if len(numbers) > 1 else 1.0
    step *= 100 if shares else 1
    decimals = next((each for each in range(6) if math.isclose(step, round(step, each), rel_tol=1e-6)), 6)
    return [percent(number, decimals) if shares else f"{number:,.{decimals}f}" for number in numbers]
