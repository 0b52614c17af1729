"""What a run leaves beside its result: summary.json for programs, and a plain page for people."""

from __future__ import annotations

import hashlib
import html
import json
import os
import platform
import resource
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from postprocess.official import Official
from postprocess.result import whole_file
from postprocess.selection import Selection, Stage

PACKAGES = ("mostlyai", "numpy", "pandas", "pyarrow", "scipy", "torch")
STEPS = {
    "pool_sample": "a random sample of the pool",
    "ipf": "the oversized subset, after IPF",
    "trimmed": "after trimming",
    "refined": "after refinement: the result",
}


@dataclass(frozen=True)
class FileFacts:
    """A file that was read or written."""

    path: str
    rows: int
    columns: int
    sha256: str

    @classmethod
    def of(cls, path: Path, rows: int, columns: int) -> FileFacts:
        """Reads the file once more for its checksum."""
        with path.open("rb") as file:
            checksum = hashlib.file_digest(file, "sha256").hexdigest()
        return cls(os.fsencode(path).decode(errors="replace"), rows, columns, checksum)


@dataclass(frozen=True)
class RunFacts:
    """All that the summary and the report tell."""

    training: FileFacts
    pool: FileFacts
    result: FileFacts
    trained: bool
    parameters: tuple[object, object]  # of the pool and of the selection: dataclass values
    stages: tuple[Stage, ...]
    selection: Selection
    official: Official | None
    seconds: float


def peak_memory_bytes() -> int:
    """The most memory that one process has held so far: this one, or one that it started and that has ended."""
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return peak if sys.platform == "darwin" else peak * 1024


def summary(facts: RunFacts) -> dict:
    """The summary as plain values."""
    pool_parameters, selection_parameters = (asdict(part) for part in facts.parameters)
    return {
        "training": asdict(facts.training),
        "pool": asdict(facts.pool) | {"trained_by_this_run": facts.trained},
        "result": asdict(facts.result),
        "parameters": {"pool": pool_parameters, "selection": selection_parameters},
        "seed": selection_parameters["seed"],
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "stages": [
            {"name": stage.name, "seconds": round(stage.seconds, 3), "rows": stage.rows} | stage.status
            for stage in facts.stages
        ],
        "accuracy": {step: accuracy.as_dict() for step, accuracy in facts.selection.accuracy.items()},
        "curve": [[round(seconds, 3), overall] for seconds, overall in facts.selection.curve],
        "excluded": facts.selection.excluded,
        "warnings": list(facts.selection.warnings),
        "peak_memory_bytes": peak_memory_bytes(),
        "seconds": round(facts.seconds, 3),
    } | _official_figures(facts.official)


def write_summary(facts: RunFacts, path: Path) -> None:
    """Write summary.json, whole or not at all; raises FileExistsError where the name is taken."""
    _write(json.dumps(summary(facts), indent=2, ensure_ascii=False) + "\n", path)


def write_report(facts: RunFacts, path: Path) -> None:
    """Write the page, whole or not at all; raises FileExistsError where the name is taken."""
    _write(_page(summary(facts)), path)


def _write(text: str, path: Path) -> None:
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def _official_figures(official: Official | None) -> dict:
    return {} if official is None else {"official_accuracy": official.accuracy, "privacy": official.privacy}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _page(facts: dict) -> str:
    accuracy = [
        [STEPS[step], *(_share(values[level]) for level in ("overall", "univariate", "bivariate", "trivariate"))]
        for step, values in facts["accuracy"].items()
    ]
    stages = [
        [stage["name"], f"{stage['rows']:,}", f"{stage['seconds']:,.1f}", _details(stage)] for stage in facts["stages"]
    ]
    files = [
        [role, facts[role]["path"], f"{facts[role]['rows']:,}", str(facts[role]["columns"]), facts[role]["sha256"]]
        for role in ("training", "pool", "result")
    ]
    parameters = [
        [part, name, repr(value)]
        for part, values in facts["parameters"].items()
        if part == "selection" or facts["pool"]["trained_by_this_run"]
        for name, value in values.items()
    ]
    versions = [[name, str(value)] for name, value in facts["versions"].items()]
    overall = facts["accuracy"]["refined"]["overall"]
    notes = [
        f"{count:,} pool rows kept out: {kind.replace('_', ' ')}" for kind, count in facts["excluded"].items() if count
    ]
    notes += facts["warnings"]
    return PAGE.format(
        overall=_share(overall),
        rows=f"{facts['result']['rows']:,}",
        pool_rows=f"{facts['pool']['rows']:,}",
        minutes=f"{facts['seconds'] / 60:.1f}",
        gigabytes=f"{facts['peak_memory_bytes'] / 1e9:.2f}",
        notes="".join(f"<li>{html.escape(note)}</li>" for note in notes) or "<li>none</li>",
        accuracy=_table(["rows", "overall", "univariate", "bivariate", "trivariate"], accuracy),
        stages=_table(["stage", "rows", "seconds", "how it ended"], stages),
        files=_table(["file", "path", "rows", "columns", "sha256"], files),
        parameters=_table(["of the", "parameter", "value"], parameters),
        versions=_table(["package", "version"], versions),
        official=_official(facts),
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.5f}"


def _details(stage: dict) -> str:
    details = {name: value for name, value in stage.items() if name not in ("name", "seconds", "rows")}
    return ", ".join(
        str(value) if name == "status" else f"{name.replace('_', ' ')} {value:.6g}" for name, value in details.items()
    )


def _official(facts: dict) -> str:
    if "official_accuracy" not in facts:
        return ""
    rows = [
        [name.replace("_", " "), _share(value)]
        for part in ("official_accuracy", "privacy")
        for name, value in facts[part].items()
        if value is not None
    ]
    return f"<h2>mostlyai-qa's figures, with the holdout</h2>{_table(['figure', 'value'], rows)}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    heading = "".join(f"<th>{html.escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div><table><tr>{heading}</tr>{body}</table></div>"


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Synthetic data: selection report</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
div {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: .25rem .8rem .25rem 0;
  border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }}
strong {{ font-size: 2rem; }}
</style></head><body>
<h1>Selection report</h1>
<p><strong>{overall}</strong><br>overall accuracy of {rows} synthetic rows against the training data,
over all columns, pairs and triples of columns; chosen from a pool of {pool_rows} rows in {minutes} minutes
with {gigabytes} GB of memory.</p>
<h2>What each step bought</h2>{accuracy}
<p>Accuracy is one minus half the L1 distance between the original's and the synthetic tables,
as mostlyai-qa defines it.</p>
{official}<h2>Stages</h2>{stages}
<h2>Kept out, and warnings</h2><ul>{notes}</ul>
<h2>Files</h2>{files}
<h2>Parameters</h2>{parameters}
<h2>Versions</h2>{versions}
</body></html>
"""
