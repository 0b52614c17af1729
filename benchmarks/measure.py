"""Measures the selection on any training data and pool: seconds, rows and memory of each stage, and accuracies.

python -m benchmarks.measure TRAINING POOL [--set name=value ...] [--repeat N] [--json FILE]
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from benchmarks.command import (
    add_case,
    add_parameters,
    exits,
    positive,
    share,
    text_table,
    with_settings,
    write_figures,
)
from benchmarks.runs import Run, run_apart
from main import SELECTION

ACCURACIES = ("overall", "univariate", "bivariate", "trivariate")


def stage_table(runs: Sequence[Run]) -> str:
    """Return a line for each stage: the median and the range of the seconds over all runs, and the highest peak."""
    rows = []
    for stages in zip(*(run.stages for run in runs), strict=True):
        peak = max(stage.peak_memory_bytes for stage in stages)
        rows.append([stages[0].name, *_seconds([stage.seconds for stage in stages]), f"{stages[0].rows:,}", _mb(peak)])
    peak = max(run.peak_memory_bytes for run in runs)
    rows.append(["total", *_seconds([run.seconds for run in runs]), "", _mb(peak)])
    return text_table(["stage", "seconds", "range", "rows", "peak MB"], rows)


def accuracy_table(accuracy: dict[str, dict[str, float | None]]) -> str:
    """Return a line for each step, with all its accuracies."""
    rows = [[step, *(share(values[name]) for name in ACCURACIES)] for step, values in accuracy.items()]
    return text_table(["after", *ACCURACIES], rows)


def _seconds(values: list[float]) -> tuple[str, str]:
    spread = f"{min(values):,.1f} to {max(values):,.1f}" if len(values) > 1 else ""
    return f"{median(values):,.1f}", spread


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f}"


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.measure", description=__doc__.splitlines()[0])
    add_case(parser)
    parser.add_argument(
        "--repeat", type=positive, default=1, metavar="N", help="runs, each in a process of its own (1)"
    )
    add_parameters(parser)
    given = parser.parse_args(arguments)
    with exits(parser):
        parameters = with_settings(SELECTION, given.set)
        runs = [run_apart(given.training, given.pool, parameters) for _ in range(given.repeat)]
        print(stage_table(runs), accuracy_table(runs[-1].accuracy), sep="\n\n")
        print(f"\nmemory: {runs[-1].memory_method}")
        write_figures(given, parameters=asdict(parameters), runs=[run.as_dict() for run in runs])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
