"""Measures what each step of the selection gains, by leaving one step after the other to chance.

python -m benchmarks.ablation TRAINING POOL [--set name=value ...] [--json FILE]
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.command import add_case, add_parameters, exits, share, text_table, with_settings, write_figures
from benchmarks.measure import ACCURACIES
from benchmarks.runs import Case, read_case
from main import SELECTION
from postprocess.runtime.progress import Progress, open_progress
from postprocess.runtime.stages import Journal
from postprocess.selection import steps as steps_of_selection
from postprocess.selection.ipf import IpfResult
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.rounding import scale_weights
from postprocess.selection.select import select
from postprocess.selection.trimming import TrimmingResult
from postprocess.tables.counts import Tables


def equal_weights(codes: np.ndarray, *_: object, **__: object) -> IpfResult:
    """Replace `fit_weights`: give all rows the same weight. Refinement then tries all rows."""
    return IpfResult(np.ones(codes.shape[1]), "left to chance", sweeps=0, largest_error=np.nan, mean_error=np.nan)


def draw_rows(
    _codes: np.ndarray, weights: np.ndarray, *_: object, n: int, rng: np.random.Generator, **__: object
) -> np.ndarray:
    """Replace `round_weights`: draw n rows at random by their weights (Efraimidis and Spirakis, 2006)."""
    fractions = scale_weights(weights, n)
    with np.errstate(divide="ignore"):
        keys = rng.standard_exponential(len(fractions)) / fractions
    return np.sort(np.argpartition(keys, n - 1)[:n])


def drop_rows(
    tables: Tables, codes: np.ndarray, *_: object, n: int, rng: np.random.Generator, **__: object
) -> TrimmingResult:
    """Replace `trim`: keep n rows at random."""
    keep = np.zeros(codes.shape[1], dtype=bool)
    keep[rng.permutation(len(keep))[:n]] = True
    tables.add(codes[:, ~keep], np.full(np.count_nonzero(~keep), -1))
    return TrimmingResult(keep, "left to chance", removed_greedily=0)


@dataclass(frozen=True)
class Variant:
    """A selection with other steps, by their names in postprocess.selection.steps, or with other parameters."""

    name: str
    steps: dict[str, Callable] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)


VARIANTS = (
    Variant("all steps"),
    Variant("no IPF, subset drawn at random", {"fit_weights": equal_weights, "round_weights": draw_rows}),
    Variant("IPF, subset drawn by weight", {"round_weights": draw_rows}),
    Variant("trimming at random", {"trim": drop_rows}),
    Variant("no refinement", settings={"refinement_iterations": 0}),
)


def ablate(case: Case, parameters: SelectionParameters, *, progress: Progress) -> list[dict]:
    """Run all variants. Return the name, the seconds of the selection and the accuracies by step and order of each."""
    found = []
    for variant in VARIANTS:
        progress.log(f"variant: {variant.name}")
        started = time.monotonic()
        with ExitStack() as replaced:
            for name, step in variant.steps.items():
                replaced.enter_context(mock.patch.object(steps_of_selection, name, step))
            changed = replace(parameters, **variant.settings)
            selection = select(case.training, case.pool, case.n_codes, changed, journal=Journal(progress))
        accuracy = {step: accuracy.as_dict() for step, accuracy in selection.accuracy.items()}
        found.append({"variant": variant.name, "seconds": time.monotonic() - started, "accuracy": accuracy})
    return found


def ablation_table(found: Sequence[dict]) -> str:
    """Return a line for each variant: the overall accuracy after each step, and all accuracies of the result."""
    rows = [
        [
            result["variant"],
            f"{result['seconds']:,.1f}",
            *(share(result["accuracy"][step]["overall"]) for step in ("ipf", "trimmed")),
            *(share(result["accuracy"]["refined"][name]) for name in ACCURACIES),
        ]
        for result in found
    ]
    return text_table(["variant", "seconds", "subset", "trimmed", "result", *ACCURACIES[1:]], rows)


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__.splitlines()[0])
    add_case(parser)
    add_parameters(parser)
    given = parser.parse_args(arguments)
    with exits(parser):
        parameters = with_settings(SELECTION, given.set)
        progress = open_progress(sys.stderr)
        case = read_case(given.training, given.pool, threads=parameters.threads, journal=Journal(progress))
        found = ablate(case, parameters, progress=progress)
        print(ablation_table(found))
        write_figures(given, parameters=asdict(parameters), variants=found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
