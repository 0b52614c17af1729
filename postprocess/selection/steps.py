"""The steps of the selection, each with its stage in the journal: which rows it is given, and how it ended."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from postprocess.privacy.levels import distances_among, within_radius
from postprocess.runtime.random_streams import random_stream
from postprocess.runtime.stages import Deadline
from postprocess.selection.context import Context, Curve, Step
from postprocess.selection.fixed_shares import hold_shares
from postprocess.selection.ipf import IpfResult, fit_weights
from postprocess.selection.privacy_filter import Mode, filter_rows, rows_to_compare
from postprocess.selection.refinement import refine
from postprocess.selection.rounding import round_weights, subset_size
from postprocess.selection.targets import Evidence, Marginal, prior_rows, target_marginals, target_tables
from postprocess.selection.trimming import trim
from postprocess.tables.accuracy import measure
from postprocess.tables.counts import Tables
from postprocess.tables.mutual_information import top_pairs

PRIOR_ROWS_PER_TARGET_ROW, PRIOR_SWEEPS = 10, 10
PREVIEW_SWEEPS = 1  # of IPF: enough to show which rows the privacy filter has to compare


def make_targets(context: Context, eligible: np.ndarray) -> tuple[Tables, list[Marginal]]:
    """Return the target counts of the tables to match, and the marginals that IPF fits."""
    n_codes, parameters = context.layout.n_codes, context.parameters
    with context.journal.stage(Step.TARGETS) as stage:
        pairs = top_pairs(context.training, n_codes, parameters.ipf_top_pairs)
        fitted: Sequence[tuple[int, ...]] = pairs if len(n_codes) > 1 else [(0,)]
        smoothing = parameters.target_smoothing
        n_tables = int(context.layout.n_tables.sum())
        n_training = context.training.shape[1]
        stage.rows = prior_rows(n_training, len(eligible), n_tables) if smoothing > 0 else 0
        drawn = context.rng(Step.TARGETS).choice(eligible, stage.rows, replace=False)
        prior = context.codes(np.sort(drawn))
        evidence = Evidence(context.training, prior, context.n, smoothing, context.training_weights)
        if context.training_weights is not None and smoothing > 0:
            evidence = replace(evidence, prior_weights=_weights_of_prior(context, evidence))
        marginals = target_marginals(evidence, n_codes, fitted, workers=context.workers)
        targets = target_tables(evidence, context.layout, workers=context.workers)
    return targets, marginals


def _weights_of_prior(context: Context, evidence: Evidence) -> np.ndarray:
    """Return weights under which the prior's columns have the distributions that the weighted training rows have.

    Otherwise the pool, which is made from rows that count once each, would pull the targets away from the weights.
    """
    rows = evidence.prior.shape[1]
    few = replace(evidence, n=max(1, rows // PRIOR_ROWS_PER_TARGET_ROW))  # a weight is at most 1
    columns = [(column,) for column in range(len(context.layout.n_codes))]
    return fit_weights(
        evidence.prior,
        context.layout.n_codes,
        target_marginals(few, context.layout.n_codes, columns, workers=context.workers),
        n=few.n,
        max_sweeps=PRIOR_SWEEPS,
        tolerance=context.parameters.ipf_tolerance,
        rng=random_stream(context.parameters.seed, "weights of the prior"),
        workers=context.workers.unseen(),
    ).weights


def filter_close_rows(
    context: Context, eligible: np.ndarray, marginals: list[Marginal], exempt: np.ndarray
) -> tuple[np.ndarray, int, np.ndarray | None]:
    """Return the eligible rows that are not too close to a training row, and how many were found too close.

    The third value holds (n,) the distances of the training rows to the nearest other one. It is None without a privacy
    filter. exempt: (n_pool,) bool, rows that the filter never leaves out. A first sweep of IPF shows which rows are
    likely to be chosen, because only those are compared.
    """
    share, multiplier = context.parameters.privacy_filter, context.parameters.trimming_data_multiplier
    with context.journal.stage(Step.PRIVACY_FILTER) as stage:
        stage.rows = len(eligible)
        if share == 0:
            return eligible, 0, None
        label = "Comparing training rows among themselves"
        training_dcr = distances_among(context.training, workers=context.workers, label=label)
        preview = _fit_marginals(context, eligible, marginals, Step.PRIVACY_FILTER, max_sweeps=PREVIEW_SWEEPS)
        choice = max(context.n, context.training.shape[1])  # few rows gain from as large a choice as many have
        wanted = subset_size(choice, len(eligible), multiplier)
        filtered = filter_rows(
            preview.weights,
            training_dcr,
            share=share,
            wanted=wanted,
            needed=context.n,
            at_a_time=rows_to_compare(wanted, *context.training.shape[::-1]),
            is_too_close=lambda places, radius: _is_too_close(context, eligible[places], radius, exempt),
            rng=random_stream(context.parameters.seed, "rows to compare"),
        )
        stage.rows = len(filtered.rows)
    if filtered.mode is not Mode.TOO_CLOSE:
        which = "but no near copies of one" if filtered.mode is Mode.NEAR_COPIES_ONLY else "even near copies of one"
        context.journal.warn(
            f"up to {filtered.spared:,} pool rows close to a training row may be selected, {which}, in spite of "
            f"privacy_filter, because without them fewer than {context.n:,} rows are left; bring a larger pool"
        )
    return eligible[filtered.rows], filtered.excluded, training_dcr


def _is_too_close(context: Context, rows: np.ndarray, radius: np.ndarray, exempt: np.ndarray) -> np.ndarray:
    label = "Comparing pool rows with the training rows"
    found = within_radius(context.codes(rows), context.training, radius, workers=context.workers, label=label)
    return found & ~exempt[rows]


def ipf_weights(context: Context, eligible: np.ndarray, marginals: list[Marginal]) -> np.ndarray:
    """Return the IPF weights of the eligible rows."""
    with context.journal.stage(Step.IPF) as stage:
        fit = _fit_marginals(context, eligible, marginals, Step.IPF, max_sweeps=context.parameters.ipf_iterations)
        stage.rows = len(eligible)
        stage.status = {
            "status": fit.status,
            "sweeps": fit.sweeps,
            "largest_error": fit.largest_error,
            "mean_error": fit.mean_error,
        }
    return fit.weights


def _fit_marginals(
    context: Context, eligible: np.ndarray, marginals: list[Marginal], step: Step, *, max_sweeps: int
) -> IpfResult:
    return fit_weights(
        context.codes(eligible),
        context.layout.n_codes,
        marginals,
        n=context.n,
        max_sweeps=max_sweeps,
        tolerance=context.parameters.ipf_tolerance,
        rng=context.rng(step),
        workers=context.workers,
    )


def round_to_subset(context: Context, eligible: np.ndarray, weights: np.ndarray, targets: Tables) -> np.ndarray:
    """Return the sorted row numbers of the oversized subset."""
    multiplier = context.parameters.trimming_data_multiplier
    with context.journal.stage(Step.ROUNDING) as stage:
        size = subset_size(context.n, int(np.count_nonzero(weights)), multiplier, warn=context.journal.warn)
        subset = round_weights(
            context.codes(eligible), weights, targets, n=size, n_target=context.n, rng=context.rng(Step.ROUNDING)
        )
        stage.rows = len(subset)
    return eligible[subset]


def trim_subset(context: Context, subset: np.ndarray, targets: Tables) -> tuple[np.ndarray, Tables]:
    """Return the sorted row numbers that are left, and their residuals. The targets are spent."""
    with context.journal.stage(Step.TRIMMING) as stage:
        codes = context.codes(subset)
        n_tables = context.layout.n_tables.sum()
        with context.workers.progress.task("Preparing trimming", total=n_tables, unit="table") as task:
            target_sums = targets.row_sums(codes, task.advance)
            residuals = targets.spend_on_residuals(codes)
        trimmed = trim(
            residuals,
            codes,
            target_sums,
            n=context.n,
            swapsize=context.parameters.trimming_swapsize,
            deadline=Deadline(context.parameters.max_trimming_time),
            rng=context.rng(Step.TRIMMING),
        )
        rows = subset[trimmed.keep]
        stage.rows = len(rows)
        stage.status = {"status": trimmed.status, "removed_greedily": trimmed.removed_greedily}
    return rows, residuals


def refine_rows(
    context: Context, trimmed: np.ndarray, residuals: Tables, candidates: np.ndarray
) -> tuple[np.ndarray, Curve]:
    """Return the sorted row numbers of the result, and (seconds, overall accuracy) after each round.

    residuals: of the trimmed rows. candidates: pool rows to try, sorted. The rounds are empty if only the fit to the
    targets is known.
    """
    with context.journal.stage(Step.REFINEMENT) as stage:
        candidates = np.union1d(candidates, trimmed)
        codes, before = context.codes(candidates), np.isin(candidates, trimmed, assume_unique=True)
        refined = refine(
            residuals,
            codes,
            before,
            n=context.n,
            swapsize=context.parameters.refinement_swapsize,
            max_rounds=context.parameters.refinement_iterations,
            tolerance=context.parameters.refinement_tolerance,
            deadline=Deadline(context.parameters.max_refinement_time),
            rng=context.rng(Step.REFINEMENT),
        )
        selected = refined.selected
        if not context.layout.complete and _is_harmful(context, trimmed, candidates[selected]):
            context.journal.warn(
                "refinement improved the matched tables at the cost of the others, so the trimmed rows are the result"
            )
            changed, selected = selected != before, before
            residuals.add(codes.compress(changed, axis=1), np.where(before[changed], 1, -1))
        if context.fixed_columns:
            deadline = Deadline(context.parameters.max_refinement_time)
            selected, swaps, left = hold_shares(residuals, codes, selected, context.fixed_columns, deadline)
            stage.status["share_swaps"] = swaps
            if left:
                context.journal.warn(
                    f"target_shares: {left:,} of {context.n:,} rows have other values than the shares ask for, because "
                    "the pool has too few rows of the values asked for; ask for fewer rows, or bring a larger pool"
                )
        rows = candidates[selected]
        stage.rows = len(rows)
        stage.status |= {
            "status": refined.status,
            "rounds": refined.rounds,
            "swaps": refined.swaps,
            "fit": [[round(seconds, 3), fit] for seconds, fit in refined.curve],
        }
    return rows, refined.curve if context.targets_are_training else ()


def _is_harmful(context: Context, trimmed: np.ndarray, refined: np.ndarray) -> bool:
    """Return whether refinement has lowered the accuracy over all tables, of which only some were matched."""
    before, after = measure(
        context.training,
        [context.codes(trimmed), context.codes(refined)],
        context.layout.n_codes,
        weights=context.training_weights,
        workers=context.workers,
        label="Measuring all tables",
    )
    return after.overall < before.overall
