"""The selection: from the codes of training data and pool to the numbers of the pool rows that make the result."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from postprocess.candidates import admitted_rows, oversize, refinement_candidates
from postprocess.clock import Deadline
from postprocess.codes import Codes
from postprocess.evaluation import Accuracy, measure, of_residuals
from postprocess.informative import layout_within, top_pairs
from postprocess.ipf import fit_weights, margins
from postprocess.parameters import SelectionParameters
from postprocess.progress import Progress
from postprocess.refinement import refine
from postprocess.rounding import round_weights
from postprocess.tables import Tables, cell_dtype
from postprocess.trimming import trim
from postprocess.workers import Workers, open_workers


@dataclass(frozen=True)
class Stage:
    """A finished step: wall-clock seconds, rows that came out of it, and how it ended."""

    name: str
    seconds: float
    rows: int
    status: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Selection:
    """rows: sorted int64 numbers of the selected pool rows.

    accuracy: after each step, over all tables. curve: (seconds since the selection began, overall accuracy) after each
    step and each round of refinement. excluded: number of pool rows kept out, by reason.
    """

    rows: np.ndarray
    accuracy: dict[str, Accuracy]
    curve: tuple[tuple[float, float], ...]
    stages: tuple[Stage, ...]
    excluded: dict[str, int]
    warnings: tuple[str, ...]


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
        self.cell_dtype = cell_dtype(oversize(self.n, pool.n_rows, parameters))
        self.layout, order = layout_within(training.codes, sizes, parameters, self.cell_dtype, warn=self._warn)
        self.sizes = self.layout.sizes
        in_order = np.array_equal(order, np.arange(len(order)))
        self.training, self.pool = (codes if in_order else codes[order] for codes in (training.codes, pool.codes))
        self.seeds = iter(np.random.SeedSequence(parameters.seed).spawn(5))

    def run(self) -> Selection:
        admitted = self._codes(self.admitted)
        weights = self._fit(admitted)
        subset = self._round(admitted, weights)
        del admitted  # can be as large as the pool
        self._measure(subset)
        tables, rows = self._trim(subset)
        rows = self._refine(tables, rows, weights)
        return Selection(
            rows, self.accuracy, tuple(self.curve), tuple(self.stages), self.excluded, tuple(self.warnings)
        )

    def _fit(self, admitted: np.ndarray) -> np.ndarray:
        """The weights of the admitted rows; a single column is fitted itself, more by their pairs."""
        parameters = self.parameters
        with self._stage("ipf") as status:
            single = len(self.sizes) == 1
            fitted = [(0,)] if single else top_pairs(self.training, self.sizes, parameters.ipf_top_pairs)
            fit = fit_weights(
                admitted,
                self.sizes,
                margins(self.training, self.sizes, fitted),
                n=self.n,
                most_sweeps=parameters.ipf_iterations,
                tolerance=parameters.ipf_tolerance,
                rng=self._rng(),
                workers=self.workers,
                progress=self.progress,
            )
            status.update(rows=len(self.admitted), status=fit.status, sweeps=fit.sweeps)
            status.update(largest_error=fit.largest_error, mean_error=fit.mean_error)
        return fit.weights

    def _round(self, admitted: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """The oversized subset: sorted row numbers."""
        with self._stage("oversized subset") as status:
            wanted = oversize(self.n, len(self.admitted), self.parameters, warn=self._warn)
            subset = round_weights(
                admitted,
                weights,
                self.training,
                self.layout,
                n=wanted,
                rng=self._rng(),
                workers=self.workers,
                progress=self.progress,
            )
            status.update(rows=len(subset))
        return self.admitted[subset]

    def _measure(self, subset: np.ndarray) -> None:
        """The accuracy of what the selection starts from, and of the oversized subset."""
        with self._stage("measuring") as status:
            sample = np.sort(self._rng().choice(self.pool.shape[1], self.n, replace=False))
            measured = self._measured([sample, subset])
            status.update(rows=self.n + len(subset))
        self._tell("pool_sample", "a random sample of the pool", measured[0])
        self._tell("ipf", "the oversized subset", measured[1])

    def _trim(self, subset: np.ndarray) -> tuple[Tables, np.ndarray]:
        """The rows that are left, and their residuals."""
        with self._stage("trimming") as status:
            codes = self._codes(subset)
            tables = Tables(self.layout, dtype=self.cell_dtype, workers=self.workers)
            tables.add(self.training)
            target_sums = tables.row_sums(codes)
            tables.negate()
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
            status.update(rows=len(rows), status=trimmed.status, removed_greedily=trimmed.removed_greedily)
        self._tell("trimmed", "the trimmed rows", self._accuracy(tables, rows))
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
            if self.layout.complete:  # or else the rounds know the accuracy of some tables only
                self.curve += [(began + seconds, overall) for seconds, overall in refined.curve]
            result = candidates[refined.selected]
            accuracy = self._accuracy(tables, result)
            if accuracy.overall < self.accuracy["trimmed"].overall:  # possible where some tables are not matched
                self._warn("refinement served the matched tables at the cost of the others: the trimmed rows stay")
                result, accuracy = rows, self.accuracy["trimmed"]
            status.update(rows=len(result), status=refined.status, rounds=refined.rounds, swaps=refined.swaps)
        self._tell("refined", "the result", accuracy)
        return result

    def _codes(self, rows: np.ndarray) -> np.ndarray:
        """The codes of these pool rows (n_columns, n_rows), C-contiguous; the pool itself where that is all."""
        return self.pool if len(rows) == self.pool.shape[1] else self.pool.take(rows, axis=1)

    def _accuracy(self, tables: Tables, rows: np.ndarray) -> Accuracy:
        return of_residuals(tables, self.n) if self.layout.complete else self._measured([rows])[0]

    def _measured(self, samples: list[np.ndarray]) -> list[Accuracy]:
        return measure(
            self.training,
            [self._codes(rows) for rows in samples],
            self.sizes,
            workers=self.workers,
            progress=self.progress,
            label="Measuring all tables",
        )

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng(next(self.seeds))

    @contextmanager
    def _stage(self, name: str) -> Iterator[dict]:
        started, status = time.monotonic(), {}
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
