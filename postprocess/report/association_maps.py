"""Maps of how strongly columns depend on each other, in the training data and in the result."""

from collections.abc import Mapping

from markupsafe import Markup

from postprocess.report.heatmaps import TABLE_SIZE, Cell, matrix

TITLED_COLUMNS = 30  # at most, of a map with a text for the pointer in each cell
LEAST_SCALE = 0.1  # differences that chance explains get no strong colour


def both_maps(found: Mapping) -> Markup:
    """Draw Cramér's V of all pairs: the training data's below the diagonal, the result's above it."""
    names = found["columns"]
    strengths = {
        (row, column): found["training"][row][column] if column < row else found["result"][column][row]
        for row in range(len(names))
        for column in range(len(names))
        if row != column
    }
    label = "Association of all pairs of columns: training data below the diagonal, result above it"
    return matrix(names, strengths, label, "associations", extent=TABLE_SIZE)


def difference_map(found: Mapping) -> Markup:
    """Draw Cramér's V of the result less that of the training data."""
    names, training, result = found["columns"], found["training"], found["result"]
    differences = {
        (row, column): result[row][column] - training[row][column] for row in range(len(names)) for column in range(row)
    }
    scale = max(LEAST_SCALE, *map(abs, differences.values()))

    def title(cell: Cell) -> str:
        row, column = cell
        values = f"{training[row][column]:.2f} in the training data, {result[row][column]:.2f} in the result"
        return f"{names[row]} · {names[column]}: {values}"

    return matrix(
        names,
        {cell: difference / scale for cell, difference in differences.items()},
        "Association of all pairs of columns: result minus training data",
        "association-differences",
        extent=TABLE_SIZE,
        title=title if len(names) <= TITLED_COLUMNS else None,
    )
