"""Makes the page again for any result: `python -m postprocess.report --training T --result R`."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from postprocess.runtime.exits import explain_early_ends, open_standard_streams, run_to_end

PROGRAM = "python -m postprocess.report"

if __name__ == "__main__":
    explain_early_ends(PROGRAM)

import numpy as np

from postprocess.data.binning import Binning, fit, read_typed
from postprocess.data.codes import Codes
from postprocess.data.encoding import read_codes
from postprocess.data.inputs import open_inputs
from postprocess.report.findings import look_closely
from postprocess.report.mostlyai_qa import evaluate
from postprocess.report.page import write_page
from postprocess.report.summary import FileFacts, official_figures, versions
from postprocess.runtime.exits import InputError, Parser
from postprocess.runtime.outputs import free_path, require_utf8, require_writable
from postprocess.runtime.progress import Progress, open_progress
from postprocess.runtime.threads import open_workers
from postprocess.tables.accuracy import measure

TO_SAVE_MEMORY = "leave --pool out, or free some"
SEED = 1  # of the sample of the pool


def main(arguments: Sequence[str]) -> int:
    """Write the page; the exit code. Paths of what was written go to stdout, everything else to stderr."""
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
        help="the page; where it exists, another name is taken (beside the result)",
    )
    call = parser.parse_args(arguments)
    return run_to_end(
        lambda: make_again(call, open_progress(sys.stderr)),
        wrong_input=(InputError,),
        program=PROGRAM,
        to_save_memory=TO_SAVE_MEMORY,
    )


def make_again(call: argparse.Namespace, progress: Progress) -> list[Path]:
    """Look at all files anew, and write a page under a free name; returns the paths of what was written."""
    sources = open_inputs(training=call.training, result=call.result, pool=call.pool, holdout=call.holdout)
    page, official_page = _free_pages(call)
    binning = fit(sources["training"], progress=progress)
    if "holdout" in sources:
        # Read now for its cells alone: one that does not fit ends the program before anything is compared.
        read_codes(sources["holdout"], binning, progress=progress)
    codes = {role: read_codes(sources[role], binning, progress=progress) for role in sources if role != "holdout"}
    files = {role: FileFacts.of(sources[role].path, codes[role].n_rows, len(sources[role].columns)) for role in codes}
    told: dict[str, Any] = {"versions": versions(), "made_again": True} | _of_the_run(files, call.result, progress)
    for role, facts in files.items():
        told[role] = told.get(role, {}) | vars(facts)
    with open_workers() as workers:
        told |= look_closely(
            codes["training"].codes, codes["result"].codes, binning, workers=workers, progress=progress
        )
    told["accuracy"] = told.get("accuracy", {}) | {"refined": told["result_accuracy"]}
    if "pool" in codes and "pool_sample" not in told["accuracy"]:
        told["accuracy"] = {"pool_sample": _of_pool(codes, binning, progress)} | told["accuracy"]
    written = [page]
    if "holdout" in sources:
        typed = {role: read_typed(sources[role], binning) for role in ("training", "holdout", "result")}
        official = evaluate(**typed, page=official_page, progress=progress)
        told |= official_figures(official, official_page.name)
        written += [official_page] if official else []
    write_page(told, page)
    return written


def _free_pages(call: argparse.Namespace) -> tuple[Path, Path]:
    """Names for the page and for mostlyai-qa's."""
    wanted = call.output or call.result.with_name(f"{_stem(call.result)}_report.html")
    require_utf8(wanted)
    if wanted.is_dir():
        raise InputError(f"{wanted}: a folder; give the path of the page itself as --output")
    require_writable(wanted.parent)
    if not wanted.parent.is_dir():
        raise InputError(f"{wanted.parent}: no such folder; make it first")
    stem = wanted.stem.removesuffix("_report")
    return free_path(wanted.parent, wanted.stem, (wanted.suffix,))[0], free_path(
        wanted.parent, f"{stem}_official", (".html",)
    )[0]


def _stem(data: Path) -> str:
    """The name of a data file without its ending."""
    return re.sub(r"\.(csv(\.gz)?|parquet)$", "", data.name, flags=re.IGNORECASE)


def _of_the_run(files: Mapping[str, FileFacts], result: Path, progress: Progress) -> dict[str, Any]:
    """The summary beside the result; nothing where there is none, or one of a run with another file than these.

    Nearly all that a run tells depends on all of its files: a part of it beside another file would mislead.
    """
    path = result.with_name(f"{_stem(result)}_summary.json")
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        others = [role for role, facts in files.items() if summary[role]["sha256"] != facts.sha256]
        if not others:
            return summary
        named = " and ".join(f"another {role} file" for role in others)
        progress.log(f"warning: {path} tells of {named} than given here, so all figures of its run are left aside")
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError) as error:
        progress.log(f"warning: {path} cannot be read, so it is left aside: {error}")
    return {}


def _of_pool(codes: dict[str, Codes], binning: Binning, progress: Progress) -> dict[str, float | None]:
    """Accuracy of a random sample of the pool of as many rows as the result."""
    pool, n = codes["pool"], codes["result"].n_rows
    rows = np.random.default_rng(SEED).choice(pool.n_rows, min(n, pool.n_rows), replace=False)
    with open_workers() as workers:
        (accuracy,) = measure(
            codes["training"].codes,
            [pool.codes[:, np.sort(rows)]],
            binning.sizes,
            workers=workers,
            progress=progress,
            label="Measuring a sample of the pool",
        )
    return accuracy.as_dict()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
