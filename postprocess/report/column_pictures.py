"""Small pictures of all columns: the share of each bin in the training data and in the result."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from postprocess.report.bars import bars_of_column
from postprocess.report.sentences import largest_difference
from postprocess.report.svg import drawing, element, short

WIDTH, NAMES = 260, 112  # pixels of a picture, and of the names of the bins in it
LINE, BARS = 15, (5, 10)  # pixels from a bin to the next, and to the middle of its two bars
NAME_LENGTH, NAME_GAP = 13, 6  # letters of a bin's name, and pixels after it


def column_pictures(summary: Mapping) -> list[dict[str, Any]]:
    """Return the columns whose bins the summary has, the least accurate first: name, accuracy, picture, and the bin
    that differs most."""
    profiles = [profile for profile in summary.get("profiles", ()) if "bins" in profile]
    found = []
    for profile in sorted(profiles, key=lambda profile: profile["accuracy"]):
        table = profile | {"columns": [profile["column"]], "bins": [profile["bins"]]}
        found.append(
            {
                "column": profile["column"],
                "accuracy": profile["accuracy"],
                "picture": _picture(table),
                "difference": largest_difference(table),
            }
        )
    return found


def _picture(table: Mapping) -> Markup:
    """Draw two bars for each bin that any row has: the training data's above the result's."""
    pairs = bars_of_column(table)
    names = [
        element("text", short(pair.name, NAME_LENGTH), x=NAMES - NAME_GAP, y=place * LINE + BARS[1] + 1)
        for place, pair in enumerate(pairs)
    ]
    lines = []
    for side, style in enumerate(("original", "synthetic")):
        lengths = [round((WIDTH - NAMES) * pair.widths[side] / 100) for pair in pairs]
        path = "".join(
            f"M{NAMES} {place * LINE + BARS[side]}h{length}" for place, length in enumerate(lengths) if length
        )
        lines.append(element("path", class_=f"line bar {style}", d=path))
    label = f"Shares of the bins of {short(table['columns'][0])}"
    return drawing(WIDTH, LINE * len(pairs), label, element("g", *names, text_anchor="end"), *lines, class_="drawing")
