"""The page's charts as static SVG, made from the summary alone."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

from markupsafe import Markup

from postprocess.report.association_maps import both_maps, difference_map
from postprocess.report.heatmaps import pair_differences, pair_matrix
from postprocess.report.line_chart import Line, Span, line_chart
from postprocess.report.sentences import percent
from postprocess.selection.context import Step

SELECTION_STAGES = tuple(Step)  # a tuple can be asked for any name; before Python 3.12, an enum cannot
MAX_SECONDS = 300  # of a selection whose time axis is in seconds; a longer one is shown in minutes
DRAWN_PAIRS = 4  # of the least accurate pairs


def charts(summary: Mapping) -> dict[str, Markup]:
    """Return all charts for which the summary has the numbers, by name."""
    found = {}
    if summary.get("curve"):
        found["time"] = accuracy_over_time(summary)
    if len(summary["pair_accuracy"]["columns"]) > 1:
        found["pairs"] = pair_matrix(summary["pair_accuracy"])
    for place, table in enumerate(summary["weakest"]["pairs"][:DRAWN_PAIRS]):
        found[f"pairs-{place}"] = pair_differences(table, f"pairs-{place}")
    if found_v := summary.get("associations"):
        found["associations"], found["association-differences"] = both_maps(found_v), difference_map(found_v)
    if any(map(_has_losses, summary.get("trainings", ()))):
        found["losses"] = losses_by_epoch(summary["trainings"])
    return found


def accuracy_over_time(summary: Mapping) -> Markup:
    """Draw overall accuracy against the time of the selection, with its stages and the sampling limit.

    The line is dotted from the random sample to the trimmed rows, because nothing is measured in between. The curve
    begins with the oversized subset. It has more rows and therefore less noise, so its point is not on the line.
    """
    stages = [stage for stage in summary["stages"] if stage["name"] in SELECTION_STAGES]
    ends = list(accumulate((stage["seconds"] for stage in stages), initial=0.0))
    last = max(ends[-1], *(seconds for seconds, _ in summary["curve"]))
    unit, unit_name, symbol = (60, "minutes", "min") if last > MAX_SECONDS else (1, "seconds", "s")
    spans = [
        Span(stage["name"], start / unit, end / unit)
        for stage, (start, end) in zip(stages, pairwise(ends), strict=True)
    ]
    subset, *later = [(seconds / unit, overall) for seconds, overall in summary["curve"]]

    def said(x: float, y: float) -> str:
        return f"{percent(y, 3)} after {x:,.1f} {symbol}"

    limit = summary["sampling_limit"]["overall"]
    lines = [Line([(0, limit), (last / unit, limit)], "limit", name="sampling limit")]
    if sample := summary["accuracy"].get("pool_sample"):
        start = (0.0, sample["overall"])
        lines += [Line([start, *later[:1]], "synthetic dotted"), Line([start], "synthetic", said=said)]
    lines.append(Line([subset], "subset", said=said))
    if later:
        lines.append(Line(later, "synthetic", name="the result", said=said))
    label = "Overall accuracy against the time of the selection"
    return line_chart(lines, label, x_name=f"{unit_name} of selection", shares=True, spans=spans, figure="time")


def losses_by_epoch(trainings: Sequence[Mapping]) -> Markup:
    """Draw the losses of each cycle by epoch: a solid line for the validation loss, a dotted one for the training loss.

    The cycle's number stands at the end of its validation line.
    """

    def said(x: float, y: float) -> str:
        return f"{y:.4f} after epoch {x:g}"

    lines = []
    for cycle in trainings:
        for kind, style in (("training", "original dotted"), ("validation", "synthetic")):
            losses = [(epoch["number"], epoch[f"{kind}_loss"]) for epoch in cycle["epochs"]]
            points = [(number, loss) for number, loss in losses if loss is not None]
            name = f"cycle {cycle['number']}" if kind == "validation" else ""
            if points:
                lines.append(Line(points, style, name=name, said=said if name else None))
    label = "Training and validation loss of each cycle by epoch"
    return line_chart(lines, label, x_name="epoch", figure="losses")


def _has_losses(cycle: Mapping) -> bool:
    losses = ("training_loss", "validation_loss")
    return any(epoch[loss] is not None for epoch in cycle["epochs"] for loss in losses)
