"""The selection: from the codes of training data and pool to the numbers of the pool rows that make the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from postprocess.data.codes import Codes
from postprocess.runtime.random_streams import random_rows
from postprocess.runtime.stages import Journal
from postprocess.runtime.threads import Workers, open_workers
from postprocess.selection.context import Context, Course, Step
from postprocess.selection.eligibility import EXCLUSION_REASONS, eligible_rows, training_copies
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.rounding import worth_trying
from postprocess.selection.row_rules import enforce
from postprocess.selection.steps import (
    filter_close_rows,
    ipf_weights,
    make_targets,
    refine_rows,
    round_to_subset,
    trim_subset,
)
from postprocess.selection.table_budget import layout_within
from postprocess.tables.accuracy import Accuracy
from postprocess.tables.comparison import Comparison, compare_unions


@dataclass(frozen=True)
class Selection:
    """What the selection has chosen, and how it came about.

    rows: sorted int64 numbers of the selected pool rows. pool_sample: the same of a plain random sample, to compare
    them with. accuracy: of this sample, and after the steps `ipf`, `trimmed` and `refined`, over all tables, against
    the training data. comparison: of the selected rows with the training data, table by table. curve: (seconds since
    the selection began, overall accuracy) after each step, and after each round of refinement if the targets are the
    training data's own tables. excluded: number of pool rows that could not be selected, by reason. weights:
    (n_eligible,) IPF weights of the eligible rows. training_dcr: (n_training,) distance of each training row to the
    nearest other one; None without a privacy filter. rules: the texts of the rules that hold in every selected row.
    """

    rows: np.ndarray
    pool_sample: np.ndarray
    accuracy: dict[str, Accuracy]
    comparison: Comparison
    curve: tuple[tuple[float, float], ...]
    excluded: dict[str, int]
    weights: np.ndarray
    training_dcr: np.ndarray | None
    rules: tuple[str, ...] = ()


def select(
    training: Codes,
    pool: Codes,
    n_codes: np.ndarray,
    parameters: SelectionParameters,
    *,
    fixed_columns: Sequence[int] = (),
    given_pool: Path | None = None,
    journal: Journal,
) -> Selection:
    """Select n pool rows, `rows` of the parameters or the number of the training rows, so that all tables match.

    pool: at least n rows; n_codes: (n_columns,) number of codes of each column. fixed_columns: the numbers of the
    columns whose counts have to be the targets exactly. given_pool: as `eligible_rows` takes it. The journal gets a
    stage for each step, and the warnings.

    Raises InputError if a given pool consists of copies, if `exclude_unique_combinations` leaves too few rows, or if
    `rows` asks for more than may be selected.
    """
    course = Course()
    n = parameters.rows or training.n_rows
    enforced, breaking = enforce(pool.broken, parameters.rules, pool.n_rows, n, warn=journal.warn)
    eligible, excluded = eligible_rows(
        training,
        pool,
        parameters,
        breaking=breaking if pool.broken else None,
        given_pool=given_pool,
        warn=journal.warn,
    )
    layout, sequence = layout_within(training.codes, np.asarray(n_codes, np.int64), parameters, warn=journal.warn)
    with open_workers(parameters.threads, progress=journal.progress) as workers:
        context = Context(
            _in_sequence(training.codes, sequence),
            training.weights,
            _in_sequence(pool.codes, sequence),
            layout,
            parameters,
            workers,
            journal,
            tuple(int(np.flatnonzero(sequence == column)[0]) for column in fixed_columns),
        )

        targets, marginals = make_targets(context, eligible)
        exempt = training_copies(training, pool) if parameters.allow_training_copies else np.zeros(pool.n_rows, bool)
        far_enough, too_close, training_dcr = filter_close_rows(context, eligible, marginals, exempt)
        excluded |= {"near_copies": too_close, "not_compared": len(eligible) - too_close - len(far_enough)}
        eligible = far_enough
        if listed := _listed(excluded):
            journal.progress.log(f"pool rows kept out: {listed}")

        weights = ipf_weights(context, eligible, marginals)
        subset = round_to_subset(context, eligible, weights, targets)
        course.ended("ipf")
        trimmed, residuals = trim_subset(context, subset, targets)
        course.ended("trimmed")
        candidates = eligible[worth_trying(weights, context.n)]
        rows, rounds = refine_rows(context, trimmed, residuals, candidates)
        course.ended("refined", rounds)
        del residuals  # they may take gigabytes, and the comparison needs memory of its own

        sample = random_rows(pool.n_rows, context.n, parameters.seed)
        reached = {"refined": rows, "trimmed": trimmed, "ipf": subset, "pool_sample": sample}
        with journal.stage(Step.COMPARING) as stage:
            stage.rows = len(rows)
            comparison = _compare(training, pool.codes, reached, n_codes, workers)
    found = dict(zip(reached, (comparison.accuracy, *comparison.others), strict=True))
    accuracy = {step: found[step] for step in reversed(reached)}
    _log(accuracy, len(subset) / context.n, journal)
    curve = course.curve(accuracy)
    return Selection(rows, sample, accuracy, comparison, curve, excluded, weights, training_dcr, enforced)


def _compare(
    training: Codes, pool: np.ndarray, reached: dict[str, np.ndarray], n_codes: np.ndarray, workers: Workers
) -> Comparison:
    """Compare the rows of the steps, of which most are in several, and the sample, in the order of `reached`."""
    rows, trimmed, subset, sample = reached.values()
    parts = [
        np.intersect1d(rows, trimmed, assume_unique=True),
        np.setdiff1d(rows, trimmed, assume_unique=True),
        np.setdiff1d(trimmed, rows, assume_unique=True),
        np.setdiff1d(subset, trimmed, assume_unique=True),
        sample,
    ]
    unions = [(0, 1), (0, 2), (0, 2, 3), (4,)]
    chosen = [pool.take(part, axis=1) for part in parts]
    return compare_unions(training.codes, chosen, unions, n_codes, weights=training.weights, workers=workers)


def _log(accuracy: dict[str, Accuracy], multiple: float, journal: Journal) -> None:
    names = {
        "pool_sample": "a random sample of the pool",
        "ipf": f"the oversized subset, {multiple:.3g} times the rows",
        "trimmed": "the trimmed rows",
        "refined": "the result",
    }
    journal.progress.log("accuracy: overall (columns / pairs / triples)")
    for step, name in names.items():
        journal.progress.log(f"  {accuracy[step]}  {name}")


def _in_sequence(codes: np.ndarray, sequence: np.ndarray) -> np.ndarray:
    """Return the columns in this sequence; the same array if they already are."""
    return codes if np.array_equal(sequence, np.arange(len(sequence))) else codes[sequence]


def _listed(excluded: dict[str, int]) -> str:
    """Return how many rows were kept out for each reason. Those that were not drawn have no fault."""
    reasons = {reason: text for reason, text in EXCLUSION_REASONS.items() if reason != "not_compared"}
    return ", ".join(f"{excluded[reason]:,} {text}" for reason, text in reasons.items() if excluded.get(reason))
