"""Writes the report of a run: a close look at the result, the summary, the page, and mostlyai-qa's figures."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from postprocess.data.binning import Binning, read_typed
from postprocess.data.codes import Codes
from postprocess.data.encoding import read_codes
from postprocess.data.inputs import Inputs
from postprocess.data.sources import Source, open_source
from postprocess.report.comparison import Comparison, compare
from postprocess.report.diagnostics import closest_training_rows
from postprocess.report.findings import findings_of
from postprocess.report.mostlyai_qa import QaReport, evaluate
from postprocess.report.page import write_page
from postprocess.report.pool_usage import selected_by_part, trainings, weight_summary
from postprocess.report.sentences import worse_than_a_sample
from postprocess.report.summary import FileFacts, RunFacts, summary, write_summary
from postprocess.runtime.progress import Progress
from postprocess.runtime.random_streams import random_stream
from postprocess.runtime.stages import Journal
from postprocess.runtime.threads import open_workers
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.select import Selection

ENDINGS = ("_summary.json", "_report.html", "_official.html")  # of the names of the files beside the result


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run has read and made.

    pool_file, pool: the file and its codes. pool_made_by: as in `RunFacts`. paths: of the result and of the files
    beside it, one for each of ENDINGS. parameters: of the pool (a dataclass value) and of the selection.
    """

    inputs: Inputs
    pool_file: Source
    pool_made_by: str | None
    binning: Binning
    training: Codes
    pool: Codes
    selection: Selection
    paths: tuple[Path, ...]
    parameters: tuple[Any, SelectionParameters]
    draft: bool


def write_report(run: Run, journal: Journal) -> list[Path]:
    """Write the summary and the page, and with a holdout mostlyai-qa's page; returns the paths of all files of the run.

    mostlyai-qa takes minutes, so the summary and the page are written before it, and once more with its figures.
    """
    result, summary_path, page_path, qa_path = run.paths
    facts = _look_at(run, open_source(result, role="result"), journal)
    content = _write(facts, summary_path, page_path)
    qa = _evaluate(run, qa_path, journal)
    if qa is not None:
        facts = replace(facts, qa=qa, qa_page=qa_path.name, stages=tuple(journal.stages), seconds=journal.seconds())
        content = _write(facts, summary_path, page_path, replacing=True)
    if harm := worse_than_a_sample(content):
        journal.warn(harm)
    journal.progress.log(f"done: accuracy {run.selection.accuracy['refined']}")
    return [result, summary_path, page_path, *([qa_path] if qa else [])]


def _look_at(run: Run, result_file: Source, journal: Journal) -> RunFacts:
    """Read the result as it was written, compare it with the training data, and gather the facts of the run."""
    training, pool, selection, pool_path = run.training.codes, run.pool.codes, run.selection, run.pool_file.path
    seed, threads, progress = run.parameters[1].seed, run.parameters[1].threads, journal.progress
    sample = pool.take(random_rows(run.pool.n_rows, run.training.n_rows, seed), axis=1)
    with open_workers(threads, progress=progress) as workers:
        with journal.stage("comparing") as stage:
            result = read_codes(result_file, run.binning, progress=progress, threads=threads).codes
            comparison = compare(training, result, run.binning.n_codes, sample=sample, workers=workers)
            stage.rows = result.shape[1]
        with journal.stage("closest training rows") as stage:
            closest = closest_training_rows(
                training, {"result": result, "pool_sample": sample}, selection.training_dcr, seed=seed, workers=workers
            )
            stage.rows = sum(int(figures["rows"]) for figures in closest.values())
    return RunFacts(
        training=FileFacts.of(run.inputs.training, run.training.n_rows),
        pool=FileFacts.of(run.pool_file, run.pool.n_rows),
        result=FileFacts.of(result_file, result.shape[1]),
        pool_made_by=run.pool_made_by,
        parameters=run.parameters,
        stages=tuple(journal.stages),
        accuracy=_with_sample(comparison, selection, progress),
        curve=selection.curve,
        excluded=selection.excluded,
        seconds=journal.seconds(),
        warnings=tuple(journal.warnings),
        weights=weight_summary(selection.weights),
        origin=selected_by_part(selection.rows, pool_path, run.pool.n_rows),
        trainings=trainings(pool_path, run.pool.n_rows),
        closest_training_row=closest,
        findings=findings_of(comparison, training, result, run.binning),
        draft=run.draft,
    )


def random_rows(n_pool: int, n: int, seed: int) -> np.ndarray:
    """Return sorted numbers of n random pool rows: the plain sample with which the result is compared."""
    return np.sort(random_stream(seed, "pool sample").choice(n_pool, n, replace=False))


def _with_sample(comparison: Comparison, selection: Selection, progress: Progress) -> dict[str, Any]:
    assert comparison.sample is not None
    progress.log(f"accuracy of a random sample of the pool, for comparison: {comparison.sample}")
    return {"pool_sample": comparison.sample, **selection.accuracy}


def _write(facts: RunFacts, summary_path: Path, page_path: Path, *, replacing: bool = False) -> dict:
    """Write the summary, which is returned, and the page; replacing: those that this run has written before."""
    content = summary(facts)
    write_summary(content, summary_path, replacing=replacing)
    write_page(content, page_path, replacing=replacing)
    return content


def _evaluate(run: Run, page: Path, journal: Journal) -> QaReport | None:
    """Return mostlyai-qa's figures if there is a holdout."""
    if run.inputs.holdout is None:
        return None
    with journal.stage("mostlyai-qa") as stage:
        stage.rows = run.training.n_rows
        return evaluate(
            training=read_typed(run.inputs.training, run.binning),
            holdout=read_typed(run.inputs.holdout, run.binning),
            result=read_typed(open_source(run.paths[0], role="result"), run.binning),
            page=page,
            threads=run.parameters[1].threads,
            progress=journal.progress,
        )
