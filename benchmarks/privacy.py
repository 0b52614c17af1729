"""Shows what a selection gives away: it selects by some of the training rows and attacks the result with the others.

python -m benchmarks.privacy TRAINING POOL [--rows N] [--seeds N] [--setting LABEL:name=value,...] [--json FILE]

The generators knew all training rows, so the pool leans to none of them. If a result tells which rows it was selected
by, the selection has caused it. No holdout is needed.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

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
from postprocess.data.codes import Codes
from postprocess.privacy.membership import MIN_CONTROLS, Attack, attack
from postprocess.runtime.progress import Progress, open_progress
from postprocess.runtime.stages import Journal
from postprocess.runtime.threads import open_workers
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.select import select
from postprocess.tables.accuracy import measure

SETTINGS = (  # in addition to main.py's own parameters
    "fullest fit:target_smoothing=0.0,privacy_filter=0.0",
    "smoothing alone:privacy_filter=0.0",
    "smoothing 0.5:target_smoothing=0.5",
    "smoothing 1:target_smoothing=1.0",
    "smoothing 3:target_smoothing=3.0",
)
ATTACKS = ("tables", "distance")
POOL_SAMPLE, FRESH, COPY = "pool sample", "fresh real rows", "the rows selected by"


@dataclass(frozen=True)
class Seen:
    """One set of rows: its overall accuracies against the rows selected by and against the others, and the attacks.

    seconds: of the selection; 0 for rows that were not selected.
    """

    setting: str
    seed: int
    seconds: float
    accuracy_selected_by: float
    accuracy_unseen: float
    attacks: dict[str, Attack]


class Experiment:
    """The training rows in two parts, drawn by a seed: the rows to select by, and the others, which attack the result.

    rows: number of rows to select by; None: half of them.
    """

    def __init__(self, case: Case, *, rows: int | None, seed: int, progress: Progress) -> None:
        self.case, self.seed, self.progress = case, seed, progress
        self.rng = np.random.default_rng(seed)
        order = self.rng.permutation(case.training.n_rows)
        number = rows or len(order) // 2
        if not MIN_CONTROLS <= number <= len(order) - MIN_CONTROLS:
            raise ValueError(f"--rows {number}: {len(order):,} training rows leave no others to attack with")
        self.own, self.others = (_part(case.training, np.sort(part)) for part in np.split(order, [number]))

    def references(self) -> list[Seen]:
        """Measure a random sample of the pool, a fresh sample of real rows, and a copy of the rows selected by.

        The fresh sample is taken from the others, which attack it without these rows. It is left out if they are fewer
        than twice the rows selected by.
        """
        n = self.own.n_rows
        sample = self.case.pool.codes[:, np.sort(self.rng.choice(self.case.pool.n_rows, n, replace=False))]
        found = [self._measure(POOL_SAMPLE, sample), self._measure(COPY, self.own.codes)]
        if self.others.n_rows >= 2 * n:
            fresh, others = np.split(self.rng.permutation(self.others.n_rows), [n])
            rest = self.others.codes.take(np.sort(others), axis=1)
            found.append(self._measure(FRESH, self.others.codes.take(fresh, axis=1), others=rest))
        return found

    def selection(self, setting: str, parameters: SelectionParameters) -> Seen:
        """Select by the rows, and measure the result."""
        started = time.monotonic()
        chosen = select(self.own, self.case.pool, self.case.n_codes, parameters, journal=Journal(self.progress))
        result = self.case.pool.codes.take(chosen.rows, axis=1)
        return self._measure(setting, result, seconds=time.monotonic() - started)

    def _measure(
        self, setting: str, result: np.ndarray, *, others: np.ndarray | None = None, seconds: float = 0.0
    ) -> Seen:
        others, n_codes = self.others.codes if others is None else others, self.case.n_codes
        with open_workers() as workers:
            accuracies = measure(  # the accuracy is the same whichever of the two is the original
                result, [self.own.codes, others], n_codes, workers=workers, label="Measuring"
            )
            rng = np.random.default_rng(self.seed)
            attacks = attack(result, self.own.codes, others, n_codes, rng=rng, workers=workers)
        own, unseen = (accuracy.overall for accuracy in accuracies)
        return Seen(setting, self.seed, seconds, own, unseen, attacks)


def _part(codes: Codes, rows: np.ndarray) -> Codes:
    return Codes(codes.codes.take(rows, axis=1), codes.fingerprints[rows], codes.rare[rows])


def privacy_table(seen: Sequence[Seen]) -> str:
    """Return a line for each setting: means over the seeds, and in brackets the AUCs' standard deviations."""
    rows = []
    for setting in dict.fromkeys(each.setting for each in seen):
        of_setting = [each for each in seen if each.setting == setting]
        figures = [
            f"{np.mean([getattr(each, name) for each in of_setting]):.5f}"
            for name in ("accuracy_selected_by", "accuracy_unseen")
        ]
        for name in ATTACKS:
            for part in ("all_rows", "outlying"):
                found = [getattr(each.attacks[name], part) for each in of_setting]
                figures.append(_mean_and_spread([each.auc for each in found if each is not None]))
            figures.append(f"{np.mean([each.attacks[name].all_rows.found for each in of_setting]):.3f}")
        rows.append([setting, *figures, f"{np.median([each.seconds for each in of_setting]):,.0f}"])
    heads = [f"{name}{part}" for name in ATTACKS for part in ("", ", outlying", ", found")]
    return text_table(["setting", "selected by", "unseen", *heads, "seconds"], rows)


def _mean_and_spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f} ({np.std(values, ddof=min(1, len(values) - 1)):.3f})" if values else "-"


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.privacy", description=__doc__.splitlines()[0])
    add_case(parser)
    parser.add_argument("--rows", type=positive, metavar="N", help="rows to select by (half of them)")
    parser.add_argument("--seeds", type=positive, default=3, metavar="N", help="ways to draw these (%(default)s)")
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
        seen: list[Seen] = []
        for seed in range(1, given.seeds + 1):
            experiment = Experiment(case, rows=given.rows, seed=seed, progress=progress)
            seen += experiment.references()
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
