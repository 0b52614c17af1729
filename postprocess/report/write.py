"""Writes the report of a run: a close look at the result, the summary, the page, and mostlyai-qa's figures."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from postprocess.data.binning import Binning, read_typed
from postprocess.data.codes import Codes
from postprocess.data.encoding import read_codes
from postprocess.data.inputs import Inputs
from postprocess.data.kinds import kind_rows
from postprocess.data.sources import Source, open_source
from postprocess.privacy.membership import MIN_CONTROLS, attack
from postprocess.report.beyond_tables import beyond_tables
from postprocess.report.closest_rows import closest_training_rows
from postprocess.report.data_figures import data_figures
from postprocess.report.findings import findings_of
from postprocess.report.mostlyai_qa import QaReport, evaluate
from postprocess.report.page import write_page
from postprocess.report.pool_usage import pool_usage, weight_summary
from postprocess.report.privacy_checks import not_kept
from postprocess.report.sentences import worse_than_a_sample
from postprocess.report.single_rows import combination_figures, shared_values
from postprocess.report.summary import (
    file_facts,
    qa_figures,
    rule_figures,
    run_figures,
    versions,
    weighting,
    write_summary,
)
from postprocess.report.verdict import verdict
from postprocess.rules.rule import Rules
from postprocess.runtime.random_streams import random_stream
from postprocess.runtime.stages import Journal
from postprocess.runtime.threads import Workers, open_workers
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.select import Selection
from postprocess.tables.comparison import Comparison, compare

ENDINGS = ("_summary.json", "_report.html", "_official.html")  # of the names of the files beside the result


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run has read and made.

    pool_file, pool: the file and its codes. holdout: the codes of the rows kept apart; None if there are none.
    pool_made_by: "this run", "an earlier run", or None if the pool was given. rules: those that the pool was checked
    for. repaired: by the text of a rule, the pool rows that it has changed. paths: of the result and of the files
    beside it, one for each of ENDINGS. parameters: of the pool (any dataclass) and of the selection. settings: those of
    them, by name, that the call has given.
    """

    inputs: Inputs
    pool_file: Source
    pool_made_by: str | None
    binning: Binning
    training: Codes
    pool: Codes
    holdout: Codes | None
    rules: Rules
    repaired: dict[str, int]
    selection: Selection
    paths: tuple[Path, ...]
    parameters: tuple[Any, SelectionParameters]
    settings: dict[str, Any] = field(default_factory=dict)
    draft: bool


def write_report(run: Run, journal: Journal) -> list[Path]:
    """Write the summary and the page, and with a holdout mostlyai-qa's page; returns the paths of all files of the run.

    mostlyai-qa takes minutes, so the summary and the page are written before it, and once more with its figures. The
    warnings of the run are logged once more at its end.
    """
    result, summary_path, page_path, qa_path = run.paths
    result_file = open_source(result, role="result")
    summary = _look_at(run, result_file, journal)
    journal.warn(*not_kept(summary))
    _write(summary | run_figures(journal), summary_path, page_path)
    qa = _evaluate(run, result_file, qa_path, journal)
    if qa is not None:
        summary |= qa_figures(qa, qa_path.name)
        journal.warn(*(reason for reason in not_kept(summary) if reason not in journal.warnings))
        _write(summary | run_figures(journal), summary_path, page_path, replacing=True)
    for subject, words in verdict(summary):
        journal.progress.log(f"{subject}: {words}")
    for text in journal.warnings:
        journal.progress.log(f"warning: {text}")
    journal.progress.log(f"done; open {page_path}")
    return [result, summary_path, page_path, *([qa_path] if qa else [])]


def _look_at(run: Run, result_file: Source, journal: Journal) -> dict[str, Any]:
    """Read the result as it was written, compare it with the training data, and return the summary of the run."""
    training, weights, selection = run.training.codes, run.training.weights, run.selection
    chosen, progress = run.parameters[1], journal.progress
    seed, threads, quasi_identifiers = chosen.seed, chosen.threads, chosen.quasi_identifiers
    with open_workers(threads, progress=progress) as workers:
        with journal.stage("reading the result") as stage:
            read, comparison = _read(run, result_file, workers)
            result = read.codes
            samples = {"result": result, "pool_sample": run.pool.codes.take(selection.pool_sample, axis=1)}
            frames = {
                "training": read_typed(run.inputs.training, run.binning),
                "result": read_typed(result_file, run.binning),
            }
            codes = {"training": training} | samples
            data = data_figures(result_file, frames, codes, run.binning, weights=weights, workers=workers)
            stage.rows = result.shape[1]
        with journal.stage("closest training rows") as stage:
            closest = closest_training_rows(training, samples, selection.training_dcr, seed=seed, workers=workers)
            stage.rows = sum(int(figures["rows"]) for figures in closest.values())
    combinations = combination_figures(run.training, read, selection.pool_sample, run.pool, quasi_identifiers, journal)
    attacks = {} if run.holdout is None else _attack(run, run.holdout.codes, result, journal)
    accuracy = {step: each.as_dict() for step, each in selection.accuracy.items()}
    if harm := worse_than_a_sample({"accuracy": accuracy, "stages": [stage.status for stage in journal.stages]}):
        journal.warn(harm)
    real_rows = int(np.count_nonzero(np.isin(read.fingerprints, run.training.fingerprints)))
    origin, trainings = pool_usage(selection.rows, run.pool_file.path, run.pool.n_rows)
    pool_parameters, selection_parameters = map(asdict, run.parameters)
    return {
        "training": file_facts(run.inputs.training, run.training.n_rows),
        "pool": file_facts(run.pool_file, run.pool.n_rows) | {"made_by": run.pool_made_by},
        "result": file_facts(result_file, result.shape[1]),
        "parameters": {"pool": pool_parameters, "selection": selection_parameters},
        "settings": run.settings,
        "weighting": weighting(weights, chosen.weight_column, chosen.target_shares),
        "seed": seed,
        "versions": versions(),
        "accuracy": accuracy,
        "curve": [[round(seconds, 3), overall] for seconds, overall in selection.curve],
        "excluded": selection.excluded,
        "real_rows": real_rows,
        "weights": weight_summary(selection.weights),
        "origin": origin,
        "trainings": trainings,
        "draft": run.draft,
        "columns": kind_rows(run.binning),
        "rules": rule_figures(run.rules, run.repaired, run.pool.broken, read.broken, selection.rules),
        **data,
        **beyond_tables(frames, run.inputs.holdout, run.pool_file, selection.pool_sample, run.binning, chosen, journal),
        **attacks,
        **combinations,
        "shared_values": shared_values(run.inputs.training, result_file, run.binning, journal),
        "closest_training_row": closest,
        **findings_of(comparison, training, result, run.binning, weights),
    }


def _read(run: Run, result_file: Source, workers: Workers) -> tuple[Codes, Comparison]:
    """Read the result as it was written; returns it with the selection's comparison, or with a new one if some values
    were not written exactly."""
    chosen, training = run.parameters[1], run.training
    read = read_codes(
        result_file,
        run.binning,
        quasi_identifiers=chosen.quasi_identifiers,
        rules=run.rules,
        progress=workers.progress,
        threads=chosen.threads,
    )
    comparison = run.selection.comparison
    if not np.array_equal(read.codes, run.pool.codes.take(run.selection.rows, axis=1)):
        n_codes = run.binning.n_codes
        comparison = compare(training.codes, read.codes, n_codes, weights=training.weights, workers=workers)
    return read, comparison


def _attack(run: Run, holdout: np.ndarray, result: np.ndarray, journal: Journal) -> dict[str, Any]:
    """Attack the result with the holdout as controls, and return the figures for the summary."""
    seed, threads = run.parameters[1].seed, run.parameters[1].threads
    with journal.stage("membership attacks") as stage:
        stage.rows = holdout.shape[1]
        return attack_figures(
            run.training.codes, holdout, result, run.binning, seed=seed, threads=threads, journal=journal
        )


def attack_figures(
    training: np.ndarray,
    others: np.ndarray,
    result: np.ndarray,
    binning: Binning,
    *,
    seed: int,
    threads: int | None = None,
    journal: Journal,
) -> dict[str, Any]:
    """Return the membership attacks on a result as plain values. The arguments: as `membership.attack` takes them.

    Fewer than two rows apart make no attack: then nothing is returned, and a warning says so.
    """
    if others.shape[1] < MIN_CONTROLS:
        journal.warn(f"no membership attacks, because they need at least {MIN_CONTROLS} holdout rows")
        return {}
    with open_workers(threads, progress=journal.progress) as workers:
        rng = random_stream(seed, "membership attacks")
        attacks = attack(result, training, others, binning.n_codes, rng=rng, workers=workers)
    for name, each in attacks.items():
        journal.progress.log(f"membership attack by {name}: AUC {each.all_rows.auc:.3f}, 0.5 gives nothing away")
    return {"membership_attacks": {name: each.as_dict() for name, each in attacks.items()}}


def _write(summary: dict[str, Any], summary_path: Path, page_path: Path, *, replacing: bool = False) -> None:
    """Write the summary and the page; replacing: those that this run has written before."""
    write_summary(summary, summary_path, replacing=replacing)
    write_page(summary, page_path, replacing=replacing)


def _evaluate(run: Run, result_file: Source, page: Path, journal: Journal) -> QaReport | None:
    """Return mostlyai-qa's figures if there is a holdout."""
    if run.inputs.holdout is None:
        return None
    with journal.stage("mostlyai-qa") as stage:
        stage.rows = run.training.n_rows
        threads = run.parameters[1].threads
        return evaluate_files(
            (run.inputs.training, run.inputs.holdout, result_file), run.binning, page, threads=threads, journal=journal
        )


def evaluate_files(
    files: tuple[Source, Source, Source], binning: Binning, page: Path, *, threads: int | None = None, journal: Journal
) -> QaReport | None:
    """Return mostlyai-qa's figures for the files of training data, holdout and result, in this sequence."""
    training, holdout, result = (read_typed(file, binning) for file in files)
    return evaluate(
        training=training,
        holdout=holdout,
        result=result,
        page=page,
        threads=threads,
        warn=journal.warn,
        progress=journal.progress,
    )
