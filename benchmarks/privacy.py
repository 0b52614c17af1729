"""Shows what a selection gives away: it selects by one half of the training rows and compares with both halves.

python -m benchmarks.privacy TRAINING POOL [--seeds N] [--setting LABEL:name=value,...] [--json FILE]

The generators knew both halves, so the pool leans to neither. If a result leans towards the half that was selected by,
the selection has caused it. No holdout is needed.
"""

import argparse
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.command import (
    add_case,
    add_parameters,
    exits,
    positive,
    settings_of,
    text_table,
    with_settings,
    write_figures,
)
from benchmarks.runs import Case, read_case
from main import SELECTION
from postprocess.data.binning import fit_binning, read_typed
from postprocess.data.codes import Codes
from postprocess.data.sources import open_source
from postprocess.report.qa_internals import (
    calculate_dcr_share,
    calculate_dcrs_nndrs,
    calculate_nndr_ratio,
    encode_data,
    harmonize_dtype,
)
from postprocess.runtime.progress import Progress, open_progress
from postprocess.runtime.stages import Journal
from postprocess.runtime.threads import open_workers
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.select import select
from postprocess.tables.accuracy import measure

SETTINGS = (  # in addition to main.py's own parameters
    "fullest fit:target_smoothing=0.0,privacy_filter=0.0",
    "filter alone:target_smoothing=0.0",
    "smoothing alone:privacy_filter=0.0",
)
POOL_SAMPLE = "pool sample"
MAX_QUERIES = 20_000  # rows of a result, and of the pool, whose nearest neighbours are searched
IDENTICAL = 1e-6  # distance below which mostlyai-qa calls two rows identical


@dataclass(frozen=True)
class Embedded:
    """All rows as points of mostlyai-qa's embedding: (n_rows, n_dimensions) float32."""

    training: np.ndarray
    pool: np.ndarray


@dataclass(frozen=True)
class Seen:
    """One selection: its overall accuracies against the half selected by, the other half and both, and its distances.

    dcr_share: share of rows that are nearer to the half selected by than to the other half; ties count half. All
    distances are those of at most MAX_QUERIES of the selected rows, drawn at random. pool_dcr_share: the DCR share of
    MAX_QUERIES random pool rows.
    """

    setting: str
    seed: int
    seconds: float
    accuracy_selected_by: float
    accuracy_unseen: float
    accuracy_both: float
    dcr_share: float
    pool_dcr_share: float
    nndr_ratio: float
    identical_selected_by: float
    identical_unseen: float


def embed(training_path: Path, pool_path: Path, *, progress: Progress) -> Embedded:
    """Embed the rows of both files as mostlyai-qa does for its distances, fitted to the training rows."""
    source = open_source(training_path, role="training")
    binning = fit_binning(source, progress=progress)
    training, pool = (
        read_typed(each, binning).apply(harmonize_dtype) for each in (source, open_source(pool_path, role="pool"))
    )
    half = len(training) // 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of qa's own libraries
        points, *halves = encode_data(syn_data=pool, trn_data=training.iloc[:half], hol_data=training.iloc[half:])
    return Embedded(np.concatenate(halves).astype(np.float32), points.astype(np.float32))


class Experiment:
    """The training rows in two halves, drawn by a seed, and the selections by the first half."""

    def __init__(self, case: Case, embedded: Embedded, *, seed: int, progress: Progress) -> None:
        self.case, self.embedded, self.seed, self.progress = case, embedded, seed, progress
        rng = np.random.default_rng(seed)
        order = rng.permutation(case.training.n_rows)
        half = len(order) // 2
        self.halves = np.sort(order[:half]), np.sort(order[half : 2 * half])
        self.sample = np.sort(rng.choice(case.pool.n_rows, half, replace=False))
        self.pool_dcr_share = self._distances(rng.permutation(case.pool.n_rows)[:MAX_QUERIES])["dcr_share"]

    def pool_sample(self) -> Seen:
        """Measure a random sample of the pool."""
        return self._measure(POOL_SAMPLE, self.sample, 0.0)

    def selection(self, setting: str, parameters: SelectionParameters) -> Seen:
        """Select by the first half, and measure the result."""
        started = time.monotonic()
        selected_by = _part(self.case.training, self.halves[0])
        selection = select(selected_by, self.case.pool, self.case.n_codes, parameters, journal=Journal(self.progress))
        return self._measure(setting, selection.rows, time.monotonic() - started)

    def _measure(self, setting: str, rows: np.ndarray, seconds: float) -> Seen:
        originals = [
            self.case.training.codes.take(against, axis=1)
            for against in (*self.halves, np.sort(np.concatenate(self.halves)))
        ]
        with open_workers() as workers:
            accuracies = measure(  # the accuracy is the same whichever of the two is the original
                self.case.pool.codes.take(rows, axis=1),
                originals,
                self.case.n_codes,
                workers=workers,
                label="Measuring",
            )
        overall = [accuracy.overall for accuracy in accuracies]
        some = np.random.default_rng(self.seed).permutation(rows)[:MAX_QUERIES]
        distances = self._distances(some) | {"pool_dcr_share": self.pool_dcr_share}
        return Seen(setting, self.seed, seconds, *overall, **distances)

    def _distances(self, rows: np.ndarray) -> dict[str, float]:
        (near, near_ratio), (far, far_ratio) = (
            calculate_dcrs_nndrs(data=self.embedded.training[half], query=self.embedded.pool[rows])
            for half in self.halves
        )
        return {
            "dcr_share": float(calculate_dcr_share(near, far)),
            "nndr_ratio": float(calculate_nndr_ratio(near_ratio, far_ratio)),
            "identical_selected_by": float(np.mean(near <= IDENTICAL)),
            "identical_unseen": float(np.mean(far <= IDENTICAL)),
        }


def _part(codes: Codes, rows: np.ndarray) -> Codes:
    return Codes(codes.codes.take(rows, axis=1), codes.fingerprints[rows], codes.rare[rows])


def privacy_table(seen: Sequence[Seen]) -> str:
    """Return a line for each setting: means over the seeds, and the difference of the DCR share from the pool's."""
    rows = []
    for setting in dict.fromkeys(each.setting for each in seen):
        of_setting = [each for each in seen if each.setting == setting]
        lean = np.array([each.dcr_share - each.pool_dcr_share for each in of_setting])
        names = ("accuracy_selected_by", "accuracy_unseen", "accuracy_both", "dcr_share")
        means = [np.mean([getattr(each, name) for each in of_setting]) for name in names]
        ratio = np.mean([each.nndr_ratio for each in of_setting])
        identical = np.mean([each.identical_selected_by for each in of_setting])
        seconds = np.median([each.seconds for each in of_setting])
        figures = [f"{mean:.5f}" for mean in means] + [
            f"{lean.mean():+.4f}",
            f"{lean.std(ddof=min(1, len(lean) - 1)):.4f}",
        ]
        rows.append([setting, *figures, f"{ratio:.3f}", f"{identical:.5f}", f"{seconds:,.0f}"])
    head = ["setting", "selected by", "unseen", "both", "DCR share", "- pool's", "sd", "NNDR", "identical", "seconds"]
    return text_table(head, rows)


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.privacy", description=__doc__.splitlines()[0])
    add_case(parser)
    parser.add_argument("--seeds", type=positive, default=5, metavar="N", help="ways to halve the rows (%(default)s)")
    parser.add_argument(
        "--setting",
        action="append",
        metavar="LABEL:NAME=VALUE,...",
        help=f"parameters to compare with main.py's; may be given repeatedly (default: {'; '.join(SETTINGS)})",
    )
    add_parameters(parser)
    given = parser.parse_args(arguments)
    with exits(parser):
        settings = settings_of(given.setting or SETTINGS, with_settings(SELECTION, given.set))
        progress = open_progress(sys.stderr)
        case = read_case(given.training, given.pool, journal=Journal(progress))
        embedded = embed(given.training, given.pool, progress=progress)
        seen: list[Seen] = []
        for seed in range(1, given.seeds + 1):
            experiment = Experiment(case, embedded, seed=seed, progress=progress)
            seen.append(experiment.pool_sample())
            for label, parameters in settings.items():
                progress.log(f"seed {seed} of {given.seeds}: {label}")
                seen.append(experiment.selection(label, parameters))
        print(privacy_table(seen))
        write_figures(
            given,
            settings={label: asdict(parameters) for label, parameters in settings.items()},
            seen=[asdict(each) for each in seen],
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
