"""Makes the page again for any result: `python -m postprocess.report --training T --result R`."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from postprocess.runtime.exits import explain_early_exit, run_to_exit
from postprocess.runtime.streams import open_standard_streams

PROGRAM = "python -m postprocess.report"

if __name__ == "__main__":
    explain_early_exit(PROGRAM)

from postprocess.data.binning import fit_binning
from postprocess.data.encoding import read_codes
from postprocess.data.inputs import open_inputs
from postprocess.data.kinds import kind_rows
from postprocess.data.row_weights import training_weights
from postprocess.data.sources import ENDINGS, open_source
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
    read_as = _read_as(call.result, call.training)
    inputs = open_inputs(
        call.training,
        result=call.result,
        pool=call.pool,
        holdout=call.holdout,
        exclude=read_as.exclude,
        weight_column=read_as.weight_column,
    )
    assert inputs.result is not None, "the call requires it"
    page, qa_page = _free_pages(call)
    binning = fit_binning(inputs.training, kinds=read_as.kinds, progress=progress)
    holdout = inputs.read_holdout(binning, progress=progress)
    sources = {"training": inputs.training, "result": inputs.result} | ({"pool": inputs.pool} if inputs.pool else {})
    codes = {role: read_codes(source, binning, progress=progress).codes for role, source in sources.items()}
    weights = training_weights(inputs.training, binning, read_as.weight_column, read_as.shares, progress=progress)
    files = {role: file_facts(source, codes[role].shape[1]) for role, source in sources.items()}

    summary: dict[str, Any] = {"versions": versions(), "made_again": True} | _of_the_run(files, call.result, progress)
    for role, facts in files.items():
        summary[role] = summary.get(role, {}) | facts
    summary["weighting"] = weighting(weights, read_as.weight_column, read_as.shares)
    summary["columns"] = kind_rows(binning)
    others = []
    if "pool" in codes and "pool_sample" not in summary.get("accuracy", {}):
        n_pool = codes["pool"].shape[1]
        rows = random_rows(n_pool, min(codes["result"].shape[1], n_pool), SEED)
        others = [codes["pool"].take(rows, axis=1)]
    with open_workers(progress=progress) as workers:
        comparison = compare(
            codes["training"], codes["result"], binning.n_codes, others=others, weights=weights, workers=workers
        )
    summary |= findings_of(comparison, codes["training"], codes["result"], binning, weights)
    summary["shared_values"] = shared_values(inputs.training, inputs.result, binning, Journal(progress))
    summary["accuracy"] = summary.get("accuracy", {}) | {"refined": summary["result_accuracy"]}
    for sample in comparison.others:
        summary["accuracy"] = {"pool_sample": sample.as_dict()} | summary["accuracy"]

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


def _free_pages(call: argparse.Namespace) -> tuple[Path, Path]:
    """Return free names for the page and for mostlyai-qa's page."""
    wanted = call.output or call.result.with_name(f"{_stem(call.result)}_report.html")
    require_utf8(wanted)
    if wanted.is_dir():
        raise InputError(f"{wanted}: a folder; give the path of the page itself as --output")
    require_writable(wanted.parent)
    if not wanted.parent.is_dir():
        raise InputError(f"{wanted.parent}: no such folder; make it first")
    (page,) = free_path(wanted.parent, wanted.stem, (wanted.suffix,))
    (qa_page,) = free_path(wanted.parent, f"{wanted.stem.removesuffix('_report')}_official", (".html",))
    return page, qa_page


def _stem(data: Path) -> str:
    """Return the name of a data file without its ending."""
    ending = next((ending for ending in ENDINGS if data.name.lower().endswith(ending)), "")
    return data.name[: len(data.name) - len(ending)]


@dataclass(frozen=True)
class _ReadAs:
    """How a run has read its training data: columns left out, their kinds, and the weights of its rows."""

    exclude: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    weight_column: str | None = None
    shares: Mapping[str, Mapping[object, float]] = field(default_factory=dict)


def _read_as(result: Path, training: Path) -> _ReadAs:
    """Return how the result's run has read its training data, from its summary.

    A summary of other training data says nothing.
    """
    try:
        summary = json.loads(result.with_name(f"{_stem(result)}_summary.json").read_text(encoding="utf-8"))
        if summary["training"]["sha256"] != open_source(training, role="training").sha256:
            return _ReadAs()
        parameters = summary["parameters"]["selection"]
        shares = {
            column: {None if value == "None" else value: share for value, share in of.items()}
            for column, of in parameters["target_shares"].items()
        }
        kinds = dict(parameters.get("column_kinds", {}))
        return _ReadAs(tuple(parameters["exclude"]), kinds, parameters["weight_column"], shares)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return _ReadAs()  # there is no summary, or one of before there were such parameters


def _of_the_run(files: Mapping[str, Mapping], result: Path, progress: Progress) -> dict[str, Any]:
    """Return the summary beside the result; nothing if there is none, or if its run had other files than these.

    Nearly all figures of a run depend on all of its files, so some of them beside another file would mislead.
    """
    path = result.with_name(f"{_stem(result)}_summary.json")
    try:
        earlier = json.loads(path.read_text(encoding="utf-8"))
        others = [role for role, facts in files.items() if earlier[role]["sha256"] != facts["sha256"]]
        if not others:
            return earlier
        named = " and ".join(f"another {role} file" for role in others)
        progress.log(
            f"warning: {path} is of a run with {named} than given here, so all figures of its run are left out"
        )
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as error:
        progress.log(f"warning: {path} cannot be read, so its figures are left out: {error}")
    return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
