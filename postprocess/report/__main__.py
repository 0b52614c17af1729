"""Makes the page again for any result: `python -m postprocess.report --training T --result R`.

With `--compare OTHER`, the page has the accuracy of another result of the same training data beside it.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from postprocess.runtime.exits import explain_early_exit, leave, run_to_exit
from postprocess.runtime.streams import open_standard_streams

PROGRAM = "python -m postprocess.report"

if __name__ == "__main__":
    explain_early_exit(PROGRAM)

import numpy as np

from postprocess.data.binning import Binning, fit_binning, read_typed
from postprocess.data.encoding import read_codes, require_columns
from postprocess.data.inputs import open_inputs
from postprocess.data.kinds import kind_rows
from postprocess.data.row_weights import training_weights
from postprocess.data.sources import Source, open_source
from postprocess.report.compared import compared_figures
from postprocess.report.data_figures import data_figures
from postprocess.report.earlier_run import ReadAs, of_the_run, read_as, stem
from postprocess.report.findings import findings_of
from postprocess.report.page import write_page
from postprocess.report.single_rows import shared_values
from postprocess.report.summary import file_facts, qa_figures, versions, weighting
from postprocess.report.write import attack_figures, evaluate_files
from postprocess.runtime.exits import InputError, Parser
from postprocess.runtime.outputs import free_path, require_utf8, require_writable
from postprocess.runtime.progress import Progress, open_progress
from postprocess.runtime.random_streams import random_rows
from postprocess.runtime.stages import Journal
from postprocess.runtime.threads import open_workers
from postprocess.tables.comparison import compare

TO_SAVE_MEMORY = "leave --pool out, or free some"
SEED = 1  # of the sample of the pool


def main(arguments: Sequence[str]) -> int:
    """Write the page; returns the exit code. Only the paths of the files go to stdout."""
    open_standard_streams()
    parser = Parser(program=PROGRAM, prog=PROGRAM, description=__doc__)
    parser.add_argument("--training", type=Path, required=True, help="the original rows")
    parser.add_argument(
        "--result",
        type=Path,
        required=True,
        help="the synthetic rows; figures of its run are taken from the summary beside it",
    )
    parser.add_argument("--pool", type=Path, help="the rows that it was chosen from: adds a random sample's accuracy")
    parser.add_argument("--compare", type=Path, help="another result of these original rows: adds its accuracy")
    parser.add_argument("--holdout", type=Path, help="original rows kept apart: adds mostlyai-qa's figures and page")
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the page (beside the result); if the name is taken, another one is chosen",
    )
    call = parser.parse_args(arguments)
    return run_to_exit(
        lambda: make_again(call, open_progress(sys.stderr)), program=PROGRAM, to_save_memory=TO_SAVE_MEMORY
    )


def make_again(call: argparse.Namespace, progress: Progress) -> list[Path]:
    """Look at all files anew, and write a page under a free name; returns the paths of the files written."""
    as_read = read_as(call.result, call.training)
    inputs = open_inputs(
        call.training,
        result=call.result,
        pool=call.pool,
        holdout=call.holdout,
        exclude=as_read.exclude,
        weight_column=as_read.weight_column,
    )
    assert inputs.result is not None, "the call requires it"
    compared = _compared(call.compare, inputs.training)
    page, qa_page = _free_pages(call)
    binning = fit_binning(inputs.training, kinds=as_read.kinds, progress=progress)
    holdout = inputs.read_holdout(binning, progress=progress)
    sources = {"training": inputs.training, "result": inputs.result, "pool": inputs.pool, "compared": compared}
    given = {role: source for role, source in sources.items() if source is not None}
    codes = {role: read_codes(source, binning, progress=progress).codes for role, source in given.items()}
    summary = _look_again(given, codes, binning, as_read, progress)
    written = [page]
    if inputs.holdout is not None and holdout is not None:
        summary |= attack_figures(
            codes["training"], holdout.codes, codes["result"], binning, seed=SEED, journal=Journal(progress)
        )
        files_of_qa = (inputs.training, inputs.holdout, inputs.result)
        qa = evaluate_files(files_of_qa, binning, qa_page, journal=Journal(progress))
        summary |= qa_figures(qa, qa_page.name)
        written += [qa_page] if qa else []
    write_page(summary, page)
    return written


def _compared(path: Path | None, training: Source) -> Source | None:
    """Open the result to compare with. Raises InputError if it cannot be used."""
    if path is None:
        return None
    require_utf8(path)
    source = open_source(path, role="compared")
    require_columns(source, training.columns)
    return source


def _look_again(
    sources: Mapping[str, Source], codes: dict[str, np.ndarray], binning: Binning, as_read: ReadAs, progress: Progress
) -> dict[str, Any]:
    """Return the summary of the files by their roles: what is known of their run, and what was measured anew."""
    training, result = sources["training"], sources["result"]
    files = {role: file_facts(sources[role], codes[role].shape[1]) for role in sources if role != "compared"}
    weights = training_weights(training, binning, as_read.weight_column, as_read.shares, progress=progress)
    summary: dict[str, Any] = {"versions": versions(), "made_again": True} | of_the_run(files, result.path, progress)
    for role, facts in files.items():
        summary[role] = summary.get(role, {}) | facts
    summary["weighting"] = weighting(weights, as_read.weight_column, as_read.shares)
    summary["columns"] = kind_rows(binning)
    beside = {}
    if "pool" in codes and "pool_sample" not in summary.get("accuracy", {}):
        n_pool = codes["pool"].shape[1]
        rows = random_rows(n_pool, min(codes["result"].shape[1], n_pool), SEED)
        beside["pool_sample"] = codes["pool"].take(rows, axis=1)
    shown = {role: codes[role] for role in ("training", "result")} | beside
    beside |= {role: codes[role] for role in codes if role == "compared"}
    with open_workers(progress=progress) as workers:
        others = list(beside.values())
        comparison = compare(
            codes["training"], codes["result"], binning.n_codes, others=others, weights=weights, workers=workers
        )
        if "profiles" not in summary:
            frames = {role: read_typed(sources[role], binning) for role in ("training", "result")}
            summary |= data_figures(result, frames, shown, binning, weights=weights, workers=workers)
    accuracy = {role: each.as_dict() for role, each in zip(beside, comparison.others, strict=True)}
    if "compared" in accuracy:
        columns = codes["training"], codes["compared"], binning.n_codes
        summary["compared"] = compared_figures(sources["compared"], accuracy.pop("compared"), *columns, weights)
    summary |= findings_of(comparison, codes["training"], codes["result"], binning, weights)
    summary["shared_values"] = shared_values(training, result, binning, Journal(progress))
    summary["accuracy"] = accuracy | summary.get("accuracy", {}) | {"refined": summary["result_accuracy"]}
    return summary


def _free_pages(call: argparse.Namespace) -> tuple[Path, Path]:
    """Return free names for the page and for mostlyai-qa's page."""
    wanted = call.output or call.result.with_name(f"{stem(call.result)}_report.html")
    require_utf8(wanted)
    if wanted.is_dir():
        raise InputError(f"{wanted}: a folder; give the path of the page itself as --output")
    require_writable(wanted.parent)
    if not wanted.parent.is_dir():
        raise InputError(f"{wanted.parent}: no such folder; make it first")
    (page,) = free_path(wanted.parent, wanted.stem, (wanted.suffix,))
    (qa_page,) = free_path(wanted.parent, f"{wanted.stem.removesuffix('_report')}_official", (".html",))
    return page, qa_page


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
