"""Compares settings of the generators: the accuracy of a sample of the pool and of the result, also on held-out rows.

python -m benchmarks.training TRAINING [--rows N] [--apart N] [--seeds N] [--setting LABEL:name=value,...] [--json FILE]

Each seed draws rows to train on, and other rows that are held out. Pool and selection do not know the held-out rows.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.command import (
    add_parameters,
    exits,
    new_file,
    positive,
    settings_of,
    text_table,
    with_settings,
    write_figures,
)
from main import POOL, SELECTION
from pool.build import build_pool
from pool.parameters import PoolParameters
from postprocess.data.binning import fit_binning, read_typed
from postprocess.data.encoding import read_codes
from postprocess.data.sources import open_source
from postprocess.preflight import available_memory
from postprocess.runtime.progress import Progress, open_progress
from postprocess.runtime.stages import Journal
from postprocess.runtime.threads import open_workers
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.select import select
from postprocess.tables.accuracy import measure

BEFORE = "before:batch_size=1024,max_epochs=17,sampling_temperature=1.05"


@dataclass(frozen=True)
class Trained:
    """One pool and its result, with their overall accuracies. `*_apart`: against the held-out rows."""

    setting: str
    seed: int
    seconds: float  # of training and sampling
    steps: tuple[int, ...]  # of each cycle
    sample: float
    sample_apart: float
    result: float
    result_apart: float


def draw_rows(path: Path, folder: Path, *, rows: int | None, apart: int, seed: int) -> tuple[Path, Path]:
    """Write random rows of a CSV to two files: `rows` to train on (None: all others), and `apart` to hold out."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    order = np.random.default_rng(seed).permutation(len(frame))
    rows = len(frame) - apart if rows is None else rows
    if rows < 1 or rows + apart > len(frame):
        raise ValueError(
            f"{path}: has {len(frame)} rows, too few for {rows} to train on and {apart} apart; lower --rows or --apart"
        )
    paths = folder / "training.csv", folder / "apart.csv"
    for drawn, target in zip((order[:rows], order[rows : rows + apart]), paths, strict=True):
        frame.iloc[np.sort(drawn)].to_csv(target, index=False)
    return paths


def train_once(
    training: Path, apart: Path, setting: str, pool: PoolParameters, selection: SelectionParameters, progress: Progress
) -> Trained:
    """Build a pool, select from it, and measure both against the training rows and the held-out rows."""
    source = open_source(training, role="training")
    binning = fit_binning(source, progress=Progress())
    originals = [
        read_codes(open_source(path, role="holdout"), binning, progress=Progress()) for path in (training, apart)
    ]
    started = time.monotonic()
    built = build_pool(
        read_typed(source, binning),
        pool,
        folder=training.parent / "pool",
        to_text=binning.to_text,
        memory_bytes=available_memory().memory,
        progress=progress,
    )
    seconds = time.monotonic() - started
    codes = read_codes(open_source(built.path, role="pool"), binning, progress=Progress())
    drawn = np.random.default_rng(pool.seed).choice(codes.n_rows, originals[0].n_rows, replace=False)
    chosen = select(originals[0], codes, binning.n_codes, selection, journal=Journal(Progress())).rows
    with open_workers(selection.threads) as workers:
        samples = [codes.codes.take(np.sort(rows), axis=1) for rows in (drawn, chosen)]
        of_training, of_apart = (
            measure(original.codes, samples, binning.n_codes, workers=workers, label="") for original in originals
        )
    return Trained(
        setting=setting,
        seed=pool.seed,
        seconds=seconds,
        steps=tuple(cycle.training.steps for cycle in built.cycles),
        sample=of_training[0].overall,
        sample_apart=of_apart[0].overall,
        result=of_training[1].overall,
        result_apart=of_apart[1].overall,
    )


def training_table(trained: Sequence[Trained]) -> str:
    """Return a line for each setting: means over the seeds, and the standard deviation of each accuracy."""
    rows = []
    for setting in dict.fromkeys(each.setting for each in trained):
        of_setting = [each for each in trained if each.setting == setting]
        figures = [
            _mean_and_spread([getattr(each, name) for each in of_setting])
            for name in ("sample", "sample_apart", "result", "result_apart")
        ]
        steps = f"{np.mean([each.steps for each in of_setting]):,.0f}"
        rows.append([setting, *figures, steps, f"{np.mean([each.seconds for each in of_setting]):,.0f}"])
    return text_table(["setting", "sample", "apart", "result", "apart", "steps a cycle", "seconds"], rows)


def _mean_and_spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.4f} ({np.std(values, ddof=min(1, len(values) - 1)):.4f})"


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description=__doc__.splitlines()[0])
    parser.add_argument("training", type=Path, metavar="TRAINING", help="the original rows: .csv or .csv.gz")
    parser.add_argument("--rows", type=positive, metavar="N", help="rows to train on (all that are not held out)")
    parser.add_argument("--apart", type=positive, default=1000, metavar="N", help="rows to hold out (%(default)s)")
    parser.add_argument("--seeds", type=positive, default=3, metavar="N", help="draws of rows (%(default)s)")
    parser.add_argument(
        "--setting",
        action="append",
        metavar="LABEL:NAME=VALUE,...",
        help=f"pool parameters to compare with main.py's; may be given repeatedly (default: {BEFORE})",
    )
    parser.add_argument("--json", type=new_file, metavar="FILE", help="write all figures")
    add_parameters(parser)
    given = parser.parse_args(arguments)
    with exits(parser):
        settings = settings_of(given.setting or [BEFORE], POOL)
        selection = with_settings(SELECTION, given.set)
        progress, trained = open_progress(sys.stderr), list[Trained]()
        for seed in range(1, given.seeds + 1):
            with tempfile.TemporaryDirectory() as folder:
                paths = draw_rows(given.training, Path(folder), rows=given.rows, apart=given.apart, seed=seed)
                for label, pool in settings.items():
                    progress.log(f"seed {seed} of {given.seeds}: {label}")
                    trained.append(train_once(*paths, label, replace(pool, seed=seed), selection, progress))
        print(training_table(trained))
        write_figures(
            given,
            settings={label: asdict(pool) for label, pool in settings.items()},
            trained=[asdict(each) for each in trained],
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
