"""Measures how the selection's time and memory grow with rows, columns and pool rows, on cases that it makes.

python -m benchmarks.scaling FOLDER [--rows N] [--columns N] [--pool-rows N] [--set name=value ...]
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.command import add_parameters, exits, machine, new_file, text_table, whole, with_settings, write_json
from benchmarks.make_case import CaseSize, make_case
from benchmarks.runs import run_apart
from main import SELECTION
from postprocess.runtime.progress import Progress, open_progress
from postprocess.selection.parameters import SelectionParameters

FACTORS = (0.5, 2, 4)  # one size at a time is the base's times one of these
BASE = CaseSize(rows=5_000, columns=20, pool_rows=100_000)
VARIED = ("rows", "columns", "pool_rows")
FILE_NAME = "scaling.json"


def grid(base: CaseSize) -> list[CaseSize]:
    """Return the base case, and for each size the cases in which only that size differs from the base.

    Raises ValueError if a case is impossible.
    """
    return [base, *(replace(base, **{name: round(getattr(base, name) * f)}) for name in VARIED for f in FACTORS)]


def scale(
    sizes: Sequence[CaseSize], folder: Path, parameters: SelectionParameters, *, seed: int, progress: Progress
) -> list[dict]:
    """Make, measure and remove one case after the other. Return the sizes and the run of each."""
    points: list[dict] = []
    for size in sizes:
        progress.log(f"case {len(points) + 1} of {len(sizes)}: {size}")
        with TemporaryDirectory(dir=folder, prefix="x".join(map(str, asdict(size).values())) + "_") as case:
            files = make_case(Path(case), size, seed=seed, progress=progress)
            points.append(asdict(size) | {"run": run_apart(*files, parameters).as_dict()})
    return points


def scaling_table(points: Sequence[dict]) -> str:
    """Return a line for each case: seconds, peak memory and overall accuracy."""
    rows = [
        [
            *(f"{point[name]:,}" for name in VARIED),
            f"{point['run']['seconds']:,.1f}",
            f"{point['run']['peak_memory_bytes'] / 1e6:,.0f}",
            f"{point['run']['accuracy']['refined']['overall']:.5f}",
        ]
        for point in points
    ]
    return text_table(["rows", "columns", "pool rows", "seconds", "peak MB", "accuracy"], rows)


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__.splitlines()[0])
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help=f"where {FILE_NAME} goes, and each case while it is measured"
    )
    for name in VARIED:
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=whole, default=getattr(BASE, name), help="of the base case (%(default)s)")
    parser.add_argument("--seed", type=whole, default=1, help="of the cases (%(default)s)")
    add_parameters(parser)
    given = parser.parse_args(arguments)
    with exits(parser):
        given.folder.mkdir(parents=True, exist_ok=True)
        path = new_file(str(given.folder / FILE_NAME))
        parameters = with_settings(SELECTION, given.set)
        sizes = grid(CaseSize(rows=given.rows, columns=given.columns, pool_rows=given.pool_rows))
        points = scale(sizes, given.folder, parameters, seed=given.seed, progress=open_progress(sys.stderr))
        print(scaling_table(points))
        write_json({"machine": machine(), "parameters": asdict(parameters), "points": points}, path)
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
