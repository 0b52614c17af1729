"""Maps of coloured cells: the accuracy of all pairs of columns, and the differences within the table of one pair."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby

import numpy as np
from markupsafe import Markup

from postprocess.report.bars import shares_of
from postprocess.report.sentences import percent
from postprocess.report.svg import LETTER, drawing, element, letters, name_beside, short, text

LEVELS = 10  # of a colour
FAINTEST = 0.05  # the opacity of the lowest level
NAME_GAP = 6  # pixels between a map and a name
LINE_HEIGHT = 12  # pixels between the base lines of names
TOP = 6  # pixels above a map
TITLED_COLUMNS = 60  # at most, of a matrix with a text for the pointer in each cell; more texts would fill the page
MATRIX_SIZE, MATRIX_CELL = 600, 26  # pixels of a matrix and of its cells, at most
TABLE_SIZE, TABLE_CELL = 264, 22  # the same for the table of a pair
SIGNED = 0.5  # of the largest difference: cells that differ so much have a sign as well
LEGEND_FROM = 200  # pixels of a matrix, from which on its empty corner has space for a legend
SWATCH = 16  # pixels of a colour in the legend

Cell = tuple[int, int]  # row and column


def pair_matrix(pairs: Mapping) -> Markup:
    """Draw the accuracies of all pairs of columns as a triangle: a stronger colour for a lower accuracy.

    The diagonal has the columns themselves.
    """
    names, rows = pairs["columns"], pairs["values"]
    lowest = min(map(min, rows))
    strengths = {
        (row, column): (1 - accuracy) / ((1 - lowest) or 1)
        for row, values in enumerate(rows)
        for column, accuracy in enumerate(values)
    }
    title = None if len(names) > TITLED_COLUMNS else partial(_pair_title, names, rows)
    legend = partial(_legend, lowest)
    return matrix(names, strengths, "Accuracy of all pairs of columns", "pairs", title=title, legend=legend)


def matrix(
    names: Sequence[str],
    strengths: Mapping[Cell, float],
    label: str,
    figure: str,
    *,
    extent: int = MATRIX_SIZE,
    title: Callable[[Cell], str] | None = None,
    legend: Callable[[float], list[Markup]] | None = None,
) -> Markup:
    """Draw cells of columns by columns: a stronger colour for a higher strength, another one below 0.

    strengths: from -1 to 1, row by row. label: what the map shows. extent: pixels of the map, at most. title: returns
    what the pointer shows at a cell. legend: returns what stands in the empty corner, given its right end.
    """
    size = min(MATRIX_CELL, extent / len(names))
    groups: dict[tuple[str, int], list[Cell]] = {}
    for cell, strength in strengths.items():
        level = _level(abs(strength))
        groups.setdefault(("fewer" if strength < 0 < level else "more", level), []).append(cell)
    cells = []
    for (style, level), places in sorted(groups.items()):
        drawn = [_cell(*place, size, title(place)) for place in places] if title else [_runs(places, size)]
        cells.append(element("g", *drawn, class_=style, fill_opacity=_opacity(level)))
    space, width = _space(names), size * len(names)
    return drawing(
        space + width + TOP,
        TOP + width + space,
        label,
        element("g", *cells, transform=f"translate({space:.4g} {TOP})"),
        *_names(names, names, size),
        *(legend(space + width) if legend and width >= LEGEND_FROM else []),
        class_="drawing broad" if width > TABLE_SIZE else "drawing",
        data_figure=figure,
    )


def pair_differences(table: Mapping, figure: str) -> Markup:
    """Draw, for each cell of the table of two columns, the share of the result less that of the original.

    A stronger colour means a larger difference. The first column runs down, the second across. Bins that no row has are
    left out.
    """
    shape = tuple(map(len, table["bins"]))
    original, synthetic = (np.reshape(shares_of(table[side]), shape) for side in ("original", "synthetic"))
    either = original + synthetic > 0
    rows, columns = (np.flatnonzero(either.any(axis=axis)).tolist() for axis in (1, 0))
    down, across = ([bins[place] for place in kept] for bins, kept in zip(table["bins"], (rows, columns), strict=True))
    original, synthetic = original[np.ix_(rows, columns)], synthetic[np.ix_(rows, columns)]
    size = min(TABLE_CELL, TABLE_SIZE / max(original.shape))
    largest = np.abs(synthetic - original).max() or 1
    cells = []
    for row, column in np.ndindex(original.shape):
        before, after = float(original[row, column]), float(synthetic[row, column])
        shares = f"{percent(before)} of the original, {percent(after)} of the result"
        title = f"{down[row]} · {across[column]}: {shares}"
        cells += _signed_cell(row, column, size, title, (after - before) / largest)
    return drawing(
        _space(down) + size * len(across) + TOP,
        TOP + size * len(down) + _space(across),
        f"Result less original: {' by '.join(table['columns'])}",
        element("g", *cells, transform=f"translate({_space(down):.4g} {TOP})"),
        *_names(down, across, size),
        class_="drawing",
        data_figure=figure,
    )


def _pair_title(names: Sequence[str], accuracies: Sequence[Sequence[float]], cell: Cell) -> str:
    row, column = cell
    both = names[row] if row == column else f"{names[row]} · {names[column]}"
    return f"{both}: {percent(accuracies[row][column])}"


def _signed_cell(row: int, column: int, size: float, title: str, difference: float) -> list[Markup]:
    """Return a cell for a difference from -1 to 1, with its sign if it is large."""
    style = {"class_": "more" if difference > 0 else "fewer", "fill_opacity": _opacity(_level(abs(difference)))}
    cell = _cell(row, column, size, title, **style)
    if abs(difference) < SIGNED:
        return [cell]
    x, y = (column + 0.5) * size, (row + 0.5) * size + 4
    return [cell, text("+" if difference > 0 else "−", x, y, anchor="middle", class_="sign")]


def _level(strength: float) -> int:
    """Return the level of a strength from 0 to 1."""
    return min(int(strength * LEVELS), LEVELS - 1)


def _opacity(level: int) -> float:
    return FAINTEST + (1 - FAINTEST) * level / (LEVELS - 1)


def _cell(row: int, column: int, size: float, title: str, **style: object) -> Markup:
    place = {"x": column * size, "y": row * size, "width": size - 1, "height": size - 1}
    return element("rect", element("title", title), **place, **style)


def _runs(places: Sequence[Cell], size: float) -> Markup:
    """Return one path for all these cells: a rectangle for each run of neighbours in a row."""
    path = []
    for row, cells in groupby(places, key=lambda place: place[0]):
        columns = [column for _, column in cells]
        starts = [column for column, before in zip(columns, [-2, *columns], strict=False) if column != before + 1]
        ends = [column for column, after in zip(columns, [*columns[1:], -2], strict=True) if column + 1 != after]
        path += [f"M{start} {row}h{end - start + 1}v1H{start}z" for start, end in zip(starts, ends, strict=True)]
    return element("path", d="".join(path), transform=f"scale({size:.4g})")


def _names(down: Sequence[str], across: Sequence[str], size: float) -> list[Markup]:
    """Return the names beside the rows and below the columns; only every few if there is no space for all."""
    step = math.ceil(LINE_HEIGHT / size)
    left, below, middle = _space(down), TOP + size * len(down) + NAME_GAP, size / 2 + 4
    return [
        *(
            name_beside(name, left - NAME_GAP, TOP + place * size + middle)
            for place, name in enumerate(down)
            if place % step == 0
        ),
        *(
            name_beside(name, left + place * size + middle, below, upright=True)
            for place, name in enumerate(across)
            if place % step == 0
        ),
    ]


def _space(names: Sequence[str]) -> float:
    """Return the pixels that shortened names take."""
    return 2 * NAME_GAP + LETTER * max(letters(short(name)) for name in names)


def _legend(lowest: float, right: float) -> list[Markup]:
    """Return the colours with the accuracies at both ends, in the empty corner of the triangle."""
    left = right - LEVELS * SWATCH
    words = (percent(1, 0), percent(lowest))
    return [
        element(
            "g",
            *(
                element(
                    "rect",
                    x=left + level * SWATCH,
                    y=TOP,
                    width=SWATCH,
                    height=SWATCH / 2,
                    fill_opacity=_opacity(level),
                )
                for level in range(LEVELS)
            ),
            class_="more",
        ),
        text(words[0], left, TOP + SWATCH / 2 + LINE_HEIGHT),
        text(words[1], max(right, left + LETTER * len(words[1])), TOP + SWATCH / 2 + LINE_HEIGHT, anchor="end"),
    ]
