"""The selection: from the codes of training data and pool to the numbers of the pool rows that make the result."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from postprocess.data.codes import Codes
from postprocess.report.diagnostics import summarise, weight_summary
from postprocess.runtime.progress import Progress
from postprocess.runtime.stages import Deadline
from postprocess.runtime.threads import Workers, open_workers
from postprocess.selection.eligibility import KEPT_OUT, admitted_rows, training_copies
from postprocess.selection.ipf import IpfResult, Margin, fit_weights, margins
from postprocess.selection.nearest import Distances, distances, reach_of
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.privacy_filter import rows_apart
from postprocess.selection.refinement import refine
from postprocess.selection.rounding import oversize, refinement_candidates, round_weights
from postprocess.selection.table_budget import layout_within
from postprocess.selection.targets import PRIOR_MULTIPLE, target_tables
from postprocess.selection.trimming import trim
from postprocess.tables.accuracy import Accuracy, measure, of_residuals
from postprocess.tables.counts import Tables
from postprocess.tables.mutual_information import top_pairs

SCOUTING_SWEEPS = 1  # of IPF, to tell which rows the privacy filter has to look at
NEAR_COPIES_ALONE = 1e-9  # a privacy_filter that reaches no farther than near copies of a training row
NEAREST_OF = 5_000  # rows of the result, the pool's sample and the training data whose nearness is told


@dataclass(frozen=True)
class Stage:
    """A finished step: wall-clock seconds, rows that it made or looked at, how it ended, and when (time.monotonic)."""

    name: str
    seconds: float
    rows: int
    status: dict[str, object] = field(default_factory=dict)
    ended: float = field(default_factory=time.monotonic, compare=False)


@dataclass(frozen=True)
class Selection:
    """rows: sorted int64 numbers of the selected pool rows.

    accuracy: after each step, over all tables, against the training data. curve: (seconds since the selection began,
    overall accuracy) after each step, and after each round of refinement where the targets are the training data's own
    tables. excluded: number of pool rows kept out, by reason. weights: of `weight_summary`. closest_training_row: of
    `neighbours.summarise` for `result`, `pool_sample` and `training`.
    """

    rows: np.ndarray
    accuracy: dict[str, Accuracy]
    curve: tuple[tuple[float, float], ...]
    stages: tuple[Stage, ...]
    excluded: dict[str, int]
    warnings: tuple[str, ...]
    weights: dict[str, object] = field(default_factory=dict)
    closest_training_row: dict[str, dict[str, float]] = field(default_factory=dict)


def select(
    training: Codes, pool: Codes, sizes: np.ndarray, parameters: SelectionParameters, *, progress: Progress
) -> Selection:
    """Select as many pool rows as there are training rows, so that all tables match.

    pool: at least as many rows as `training`; sizes: (n_columns,) number of codes of each column.
    """
    with open_workers(parameters.threads) as workers:
        return _Run(training, pool, np.asarray(sizes, dtype=np.int64), parameters, workers, progress).run()


class _Run:
    """One selection: the steps in order, with what they share and what is to be told of them."""

    def __init__(
        self,
        training: Codes,
        pool: Codes,
        sizes: np.ndarray,
        parameters: SelectionParameters,
        workers: Workers,
        progress: Progress,
    ) -> None:
        self.n, self.parameters, self.workers, self.progress = training.n_rows, parameters, workers, progress
        self.started = time.monotonic()
        self.stages: list[Stage] = []
        self.accuracy: dict[str, Accuracy] = {}
        self.curve: list[tuple[float, float]] = []
        self.warnings: list[str] = []
        self.admitted, self.excluded = admitted_rows(training, pool, parameters, warn=self._warn)
        allowed = parameters.allow_training_copies
        self.allowed_copies = training_copies(training, pool) if allowed else np.zeros(pool.n_rows, dtype=bool)
        self.layout, order = layout_within(training.codes, sizes, parameters, warn=self._warn)
        self.sizes = self.layout.sizes
        in_order = np.array_equal(order, np.arange(len(order)))
        self.training, self.pool = (codes if in_order else codes[order] for codes in (training.codes, pool.codes))
        self.fits_training = self.layout.complete and parameters.target_smoothing == 0
        self.own_closest: np.ndarray | None = None  # (n,) of each training row, once the filter has asked
        self.seeds = np.random.SeedSequence(parameters.seed)

    def run(self) -> Selection:
        sample = self._some_rows(self.n)
        targets, pairs = self._targets()
        self._keep_apart(pairs)
        weights = self._fit(pairs)
        subset = self._round(weights, targets)
        self._measure(sample, subset)
        tables, rows = self._trim(targets, subset)
        rows = self._refine(tables, rows, weights)
        closest_training_row = self._nearness(result=rows, pool_sample=sample)
        return Selection(
            rows=rows,
            accuracy=self.accuracy,
            curve=tuple(self.curve),
            stages=tuple(self.stages),
            excluded=self.excluded,
            warnings=tuple(self.warnings),
            weights=weight_summary(weights),
            closest_training_row=closest_training_row,
        )

    def _targets(self) -> tuple[Tables, list[Margin]]:
        """The tables to match, and those that IPF fits: the pairs of columns, or a single column itself."""
        single = len(self.sizes) == 1
        fitted: Sequence[tuple[int, ...]] = (
            [(0,)] if single else top_pairs(self.training, self.sizes, self.parameters.ipf_top_pairs)
        )
        with self._stage("targets") as status:
            smoothing = self.parameters.target_smoothing
            number = min(len(self.admitted), PRIOR_MULTIPLE * self.n) if smoothing > 0 else 0
            rows = self._some_rows(number, among=self.admitted)
            prior = self._codes(rows)
            pairs = margins(self.training, prior, self.sizes, fitted, smoothing=smoothing)
            targets = target_tables(
                self.training,
                prior,
                self.layout,
                smoothing=smoothing,
                workers=self.workers,
                progress=self.progress,
            )
            status.update(rows=len(rows))
        return targets, pairs

    def _keep_apart(self, pairs: list[Margin]) -> None:
        """Take rows too near to a training row out of the admitted ones.

        A first sweep of IPF tells which rows are likely to be chosen. Where too few rows would be left, near copies
        alone are taken out; where even they cannot be spared, none.
        """
        with self._stage("privacy filter") as status:
            self.excluded["near_copies"] = 0
            if self.parameters.privacy_filter > 0:
                self.own_closest = self._among_training(np.arange(self.n))
                weights = self._fit_weights(pairs, most_sweeps=SCOUTING_SWEEPS).weights
                found = []
                for share in (self.parameters.privacy_filter, NEAR_COPIES_ALONE):
                    apart, near = self._apart(weights, reach_of(self.own_closest, share))
                    found.append(near)
                    if len(apart) >= self.n:
                        self.admitted, self.excluded["near_copies"] = self.admitted[apart], near
                        break
                if len(found) > 1:
                    spared = found[0] - self.excluded["near_copies"]
                    what = "but no near copies of one" if len(apart) >= self.n else "even near copies of one"
                    self._warn(
                        f"up to {spared:,} pool rows near a training row may be selected, {what}, whatever "
                        f"privacy_filter says: without them fewer than {self.n:,} are left; a larger pool would do"
                    )
            status.update(rows=len(self.admitted))
        kept_out = ", ".join(f"{self.excluded[reason]:,} {what}" for reason, what in KEPT_OUT.items())
        self.progress.log(f"pool rows kept out: {kept_out}")

    def _apart(self, weights: np.ndarray, reach: np.ndarray) -> tuple[np.ndarray, int]:
        """Places among the admitted rows of those beyond the training rows' reach, and how many were within it."""
        return rows_apart(
            weights,
            wanted=oversize(self.n, len(self.admitted), self.parameters),
            is_near=lambda rows: self._is_near(self.admitted[rows], reach),
        )

    def _is_near(self, rows: np.ndarray, reach: np.ndarray) -> np.ndarray:
        """Which pool rows are near a training row; training copies are not, where they are allowed."""
        found = self._compare("pool rows with the training rows", self._codes(rows), reach=reach)
        return found.is_near & ~self.allowed_copies[rows]

    def _fit(self, pairs: list[Margin]) -> np.ndarray:
        """The weights of the admitted rows."""
        with self._stage("ipf") as status:
            fit = self._fit_weights(pairs, most_sweeps=self.parameters.ipf_iterations)
            status.update(rows=len(self.admitted), status=fit.status, sweeps=fit.sweeps)
            status.update(largest_error=fit.largest_error, mean_error=fit.mean_error)
        return fit.weights

    def _fit_weights(self, pairs: list[Margin], *, most_sweeps: int) -> IpfResult:
        return fit_weights(
            self._codes(self.admitted),
            self.sizes,
            pairs,
            n=self.n,
            most_sweeps=most_sweeps,
            tolerance=self.parameters.ipf_tolerance,
            rng=self._rng(),
            workers=self.workers,
            progress=self.progress,
        )

    def _round(self, weights: np.ndarray, targets: Tables) -> np.ndarray:
        """The oversized subset: sorted row numbers."""
        with self._stage("oversized subset") as status:
            wanted = oversize(self.n, int(np.count_nonzero(weights)), self.parameters, warn=self._warn)
            subset = round_weights(
                self._codes(self.admitted),
                weights,
                targets,
                n=wanted,
                n_target=self.n,
                rng=self._rng(),
                workers=self.workers,
                progress=self.progress,
            )
            status.update(rows=len(subset))
        return self.admitted[subset]

    def _measure(self, sample: np.ndarray, subset: np.ndarray) -> None:
        """The accuracy of what the selection starts from, and of the oversized subset."""
        with self._stage("measuring") as status:
            measured = self._measured([sample, subset])
            status.update(rows=self.n + len(subset))
        self._tell("pool_sample", "a random sample of the pool", measured[0])
        multiple = len(subset) / self.n
        self._tell("ipf", f"the oversized subset ({multiple:.3g} times the rows, so less chance in it)", measured[1])

    def _trim(self, targets: Tables, subset: np.ndarray) -> tuple[Tables, np.ndarray]:
        """The rows that are left, and their residuals."""
        with self._stage("trimming") as status:
            codes, tables = self._codes(subset), targets
            target_sums = tables.row_sums(codes)
            tables.negate()  # the residuals of an empty selection
            tables.add(codes)
            trimmed = trim(
                tables,
                codes,
                target_sums,
                n=self.n,
                swapsize=self.parameters.trimming_swapsize,
                deadline=Deadline(self.parameters.max_trimming_time),
                rng=self._rng(),
                progress=self.progress,
            )
            rows = subset[trimmed.keep]
            accuracy = self._accuracy(tables, rows)
            status.update(rows=len(rows), status=trimmed.status, removed_greedily=trimmed.removed_greedily)
        self._tell("trimmed", "the trimmed rows", accuracy)
        return tables, rows

    def _refine(self, tables: Tables, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The result: sorted row numbers."""
        with self._stage("refinement") as status:
            candidates = np.union1d(self.admitted[refinement_candidates(weights, self.n)], rows)
            began = time.monotonic() - self.started
            refined = refine(
                tables,
                self._codes(candidates),
                np.isin(candidates, rows, assume_unique=True),
                n=self.n,
                swapsize=self.parameters.refinement_swapsize,
                most_rounds=self.parameters.refinement_iterations,
                tolerance=self.parameters.refinement_tolerance,
                deadline=Deadline(self.parameters.max_refinement_time),
                rng=self._rng(),
                progress=self.progress,
            )
            if self.fits_training:  # or else the rounds know another accuracy
                self.curve += [(began + seconds, overall) for seconds, overall in refined.curve]
            result = candidates[refined.selected]
            accuracy = self._accuracy(tables, result)
            partial = not self.layout.complete
            if partial and accuracy.overall < self.accuracy["trimmed"].overall:
                self._warn("refinement served the matched tables at the cost of the others: the trimmed rows stay")
                result, accuracy = rows, self.accuracy["trimmed"]
            status.update(rows=len(result), status=refined.status, rounds=refined.rounds, swaps=refined.swaps)
            status.update(fit=[[round(seconds, 3), fit] for seconds, fit in refined.curve])
        self._tell("refined", "the result", accuracy)
        return result

    def _codes(self, rows: np.ndarray) -> np.ndarray:
        """The codes of these pool rows (n_columns, n_rows), C-contiguous; the pool itself where that is all."""
        return self.pool if len(rows) == self.pool.shape[1] else self.pool.take(rows, axis=1)

    def _accuracy(self, tables: Tables, rows: np.ndarray) -> Accuracy:
        return of_residuals(tables, self.n) if self.fits_training else self._measured([rows])[0]

    def _measured(self, samples: list[np.ndarray]) -> list[Accuracy]:
        return measure(
            self.training,
            [self._codes(rows) for rows in samples],
            self.sizes,
            workers=self.workers,
            progress=self.progress,
            label="Measuring all tables",
        )

    def _nearness(self, **rows: np.ndarray) -> dict[str, dict[str, float]]:
        """How near some of these rows come to the training rows, by name, beside training rows among themselves."""

        def some(numbers: np.ndarray) -> np.ndarray:
            return np.sort(self._rng().permutation(numbers)[:NEAREST_OF])

        with self._stage("closest training rows") as status:
            found = {}
            for name, numbers in rows.items():
                what = f"{name.replace('_', ' ')} with the training rows"
                found[name] = self._compare(what, self._codes(some(numbers))).closest
            found["training"] = self._among_training(some(np.arange(self.n)))
            status.update(rows=sum(map(len, found.values())))
        return {name: summarise(closest) for name, closest in found.items()}

    def _among_training(self, numbers: np.ndarray) -> np.ndarray:
        """(len,) distance of each of these training rows to the closest other one."""
        if self.own_closest is not None:
            return self.own_closest[numbers]
        codes = self.training.take(numbers, axis=1)
        return self._compare("training rows among themselves", codes, own_number=numbers).closest

    def _compare(self, what: str, codes: np.ndarray, **options: Any) -> Distances:
        label = f"Comparing {what}"
        return distances(codes, self.training, workers=self.workers, progress=self.progress, label=label, **options)

    def _some_rows(self, number: int, among: np.ndarray | None = None) -> np.ndarray:
        """So many rows of the pool, drawn at random, sorted; among: of these."""
        drawn = self._rng().choice(self.pool.shape[1] if among is None else among, number, replace=False)
        return np.sort(drawn)

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(self.seeds.spawn(1)[0])

    @contextmanager
    def _stage(self, name: str) -> Iterator[dict[str, Any]]:
        started = time.monotonic()
        status: dict[str, Any] = {}
        yield status
        self.stages.append(Stage(name, time.monotonic() - started, status.pop("rows"), status))

    def _tell(self, step: str, what: str, accuracy: Accuracy) -> None:
        self.accuracy[step] = accuracy
        if step != "pool_sample":
            self.curve.append((time.monotonic() - self.started, accuracy.overall))
        self.progress.log(f"accuracy of {what}: {accuracy}")

    def _warn(self, text: str) -> None:
        self.warnings.append(text)
        self.progress.log(f"warning: {text}")
