"""Draws the files of `scaling`, `measure` and `privacy`: time and memory by size, accuracy over time and by privacy.

python -m benchmarks.plot [--scaling FILE] [--curve [TITLE=]FILE ...] [--privacy [TITLE=]FILE ...] [--pictures FOLDER]
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.command import exits, read_items
from benchmarks.scaling import VARIED

PICTURES = Path(__file__).parent / "pictures"
GROUPS = {  # groups of stages, as drawn: the label, colour and stages of each
    "reading": ("#4269d0", ("reading", "reading the pool")),
    "targets, IPF, rounding": ("#efb118", ("targets", "ipf", "oversized subset")),
    "privacy filter": ("#ff725c", ("privacy filter",)),
    "trimming": ("#3ca951", ("trimming",)),
    "refinement": ("#a463f2", ("refinement",)),
    "comparing": ("#9c9c9c", ("comparing",)),
}
NEEDED = {  # for each option: the name of the items in its files, and the keys of each item that are drawn
    "scaling": ("points", (*VARIED, "run")),
    "curve": ("runs", ("accuracy", "curve")),
    "privacy": ("seen", ("setting", "attacks", "accuracy_unseen")),
}
LINES = ("#4269d0", "#ff725c", "#3ca951", "#a463f2", "#efb118", "#9c6b4e")
MARKS = "osD^v"  # once all colours are used
HEADROOM = 1.08
DPI = 150


@dataclass(frozen=True)
class Titled:
    """A file, and the title of its chart."""

    title: str
    path: Path

    @classmethod
    def of(cls, text: str) -> "Titled":
        """Read TITLE=FILE, or FILE alone: then its name without its ending is the title. For argparse."""
        title, mark, name = text.partition("=")
        return cls(title, Path(name)) if mark and not Path(text).exists() else cls(Path(text).stem, Path(text))


def draw_scaling(points: Sequence[dict], path: Path) -> None:
    """Draw the time, stacked by stage, and the peak memory against each of the three sizes."""
    figure = Figure(figsize=(10, 5.5), layout="constrained")
    axes = figure.subplots(2, len(VARIED), sharey="row")
    for name, (time_axes, memory_axes) in zip(VARIED, axes.T, strict=True):
        series = _series(points, name)
        sizes = [point[name] for point in series]
        seconds = [[_seconds(point, stages) for point in series] for _, stages in GROUPS.values()]
        time_axes.stackplot(sizes, seconds, labels=list(GROUPS), colors=[colour for colour, _ in GROUPS.values()])
        memory_axes.plot(sizes, [point["run"]["peak_memory_bytes"] / 1e6 for point in series], "o-", color=LINES[0])
        time_axes.set_title(_held(points[0], name), fontsize="medium", color="dimgray")
        memory_axes.set_xlabel(name.replace("_", " "))
        for each in (time_axes, memory_axes):
            each.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=30)
            _plain(each)
    for row in axes:
        row[0].set_ylim(0, HEADROOM * max(each.dataLim.ymax for each in row))  # the row shares one scale
    axes[0, 0].set_ylabel("seconds")
    axes[1, 0].set_ylabel("peak memory, MB")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="outside right upper", frameon=False)
    figure.savefig(path, dpi=DPI)


def draw_curves(measurements: Sequence[tuple[str, Sequence[dict]]], path: Path) -> None:
    """Draw the overall accuracy against the time since the selection began, from a sample of the pool to the result.

    Each measurement (title, runs) has one chart, of its last run. The oversized subset is left out: it has more rows
    than the result and so less sampling noise, and cannot be compared with it.
    """
    figure = Figure(figsize=(5 * len(measurements), 3.6), layout="constrained")
    for axes, (title, runs) in zip(figure.subplots(1, len(measurements), squeeze=False)[0], measurements, strict=True):
        run = runs[-1]
        seconds, overall = zip((0.0, run["accuracy"]["pool_sample"]["overall"]), *run["curve"][1:], strict=True)
        axes.plot(seconds[:2], overall[:2], ".:", color=LINES[0])  # nothing is measured in between
        axes.plot(seconds[1:], overall[1:], ".-", color=LINES[0])
        notes = {0: "sample of the pool", 1: f"trimmed {overall[1]:.4f}", len(overall) - 1: f"result {overall[-1]:.4f}"}
        for point, text in notes.items():
            below = (6, -14) if point == 1 else (6, 6)
            axes.annotate(text, (seconds[point], overall[point]), below, textcoords="offset points")
        axes.set_title(title)
        axes.set_xlabel("seconds since the selection began")
        axes.set_ylabel("overall accuracy")
        axes.set_xlim(0, 1.3 * seconds[-1])
        axes.margins(y=0.15)
        _plain(axes)
    figure.savefig(path, dpi=DPI)


def draw_privacy(experiments: Sequence[tuple[str, Sequence[dict]]], path: Path) -> None:
    """Draw the frontier: the accuracy against unseen rows by the AUC of the attack by table differences.

    Each experiment (title, selections seen) has one chart. Each setting has one point, the mean of its seeds, with
    standard errors of the mean as bars.
    """
    figure = Figure(figsize=(5 * len(experiments), 3.6), layout="constrained")
    for axes, (title, seen) in zip(figure.subplots(1, len(experiments), squeeze=False)[0], experiments, strict=True):
        for number, setting in enumerate(dict.fromkeys(each["setting"] for each in seen)):
            of_setting = [each for each in seen if each["setting"] == setting]
            lean = np.array([each["attacks"]["tables"]["all_rows"]["auc"] for each in of_setting])
            unseen = np.array([each["accuracy_unseen"] for each in of_setting])
            x_error, y_error = (values.std() / np.sqrt(max(1, len(values) - 1)) for values in (lean, unseen))
            axes.errorbar(
                lean.mean(),
                unseen.mean(),
                y_error,
                x_error,
                MARKS[number // len(LINES)],
                color=LINES[number % len(LINES)],
                label=setting,
            )
        axes.axvline(0.5, color="#bbbbbb", zorder=0)
        axes.set_title(title)
        axes.set_xlabel("AUC of table differences (0.5: nothing given away)")
        axes.set_ylabel("accuracy against unseen rows")
        axes.legend(frameon=False, fontsize="small")
        axes.margins(0.15)
        _plain(axes)
    figure.savefig(path, dpi=DPI)


def _read(path: Path, option: str) -> list[dict]:
    try:
        return read_items(path, *NEEDED[option])
    except ValueError as error:
        raise ValueError(
            f"{error}; give `scaling`'s file to --scaling, `measure`'s to --curve, `privacy`'s to --privacy"
        ) from error


def _series(points: Sequence[dict], varied: str) -> list[dict]:
    """Return the base case, which is the first, and the cases that differ from it in this size only, sorted by size."""
    others = [name for name in VARIED if name != varied]
    chosen = [point for point in points if all(point[name] == points[0][name] for name in others)]
    return sorted(chosen, key=lambda point: point[varied])


def _seconds(point: dict, stages: Sequence[str]) -> float:
    return sum(stage["seconds"] for stage in point["run"]["stages"] if stage["name"] in stages)


def _held(base: dict, varied: str) -> str:
    return ", ".join(f"{base[name]:,} {name.replace('_', ' ')}" for name in VARIED if name != varied)


def _plain(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd")
    axes.set_axisbelow(True)


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plot", description=__doc__.splitlines()[0])
    parser.add_argument("--scaling", type=Path, metavar="FILE", help="what `scaling` wrote: draws scaling.png")
    for option, help_ in (
        ("--curve", "what `measure --json` wrote: draws curve.png, a chart for each file, titled TITLE or as the file"),
        ("--privacy", "what `privacy --json` wrote: draws privacy.png in the same way"),
    ):
        parser.add_argument(option, type=Titled.of, nargs="+", default=[], metavar="[TITLE=]FILE", help=help_)
    parser.add_argument("--pictures", type=Path, default=PICTURES, metavar="FOLDER", help="where they go (%(default)s)")
    given = parser.parse_args(arguments)
    if given.scaling is None and not given.curve and not given.privacy:
        parser.error("nothing to draw: give --scaling, --curve or --privacy")
    with exits(parser):
        given.pictures.mkdir(parents=True, exist_ok=True)
        if given.scaling is not None:
            draw_scaling(_read(given.scaling, "scaling"), given.pictures / "scaling.png")
        if given.curve:
            measurements = [(each.title, _read(each.path, "curve")) for each in given.curve]
            draw_curves(measurements, given.pictures / "curve.png")
        if given.privacy:
            experiments = [(each.title, _read(each.path, "privacy")) for each in given.privacy]
            draw_privacy(experiments, given.pictures / "privacy.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
