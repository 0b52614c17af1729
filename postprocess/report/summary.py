"""What is known of a run, and the summary as plain values: all that the page shows stands in it."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import resource
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from postprocess.report.mostlyai_qa import Official
from postprocess.runtime.outputs import whole_file
from postprocess.selection.select import Selection, Stage

PACKAGES = ("mostlyai", "mostlyai-qa", "numpy", "pandas", "plotly", "pyarrow", "scipy", "torch")


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
    """All that the summary and the report tell.

    pool_made_by: "this run" | "an earlier run" | None, where it was given. findings: of `look_closely`. origin: of
    `diagnostics`. trainings: of each cycle of the pool. official_page: name of qa's page, where there is one.
    draft: whether the run was a first look.
    """

    training: FileFacts
    pool: FileFacts
    result: FileFacts
    pool_made_by: str | None
    parameters: tuple[Any, Any]  # of the pool and of the selection: dataclass values
    stages: tuple[Stage, ...]
    selection: Selection
    official: Official | None
    seconds: float
    findings: Mapping[str, object] = field(default_factory=dict)
    origin: Mapping[str, object] = field(default_factory=dict)
    trainings: Sequence[Mapping[str, object]] = ()
    official_page: str | None = None
    draft: bool = False
    warnings: tuple[str, ...] = ()


def peak_memory_bytes() -> int:
    """The most memory that one process has held so far: this one, or one that it started and that has ended."""
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return peak if sys.platform == "darwin" else peak * 1024


def summary(facts: RunFacts) -> dict:
    """The summary as plain values."""
    pool_parameters, selection_parameters = (asdict(part) for part in facts.parameters)
    selection = facts.selection
    return {
        "training": asdict(facts.training),
        "pool": asdict(facts.pool) | {"made_by": facts.pool_made_by},
        "result": asdict(facts.result),
        "parameters": {"pool": pool_parameters, "selection": selection_parameters},
        "seed": selection_parameters["seed"],
        "versions": versions(),
        "stages": [
            {"name": stage.name, "seconds": round(stage.seconds, 3), "rows": stage.rows} | stage.status
            for stage in facts.stages
        ],
        "accuracy": {step: accuracy.as_dict() for step, accuracy in selection.accuracy.items()},
        "curve": [[round(seconds, 3), overall] for seconds, overall in selection.curve],
        "excluded": selection.excluded,
        "warnings": list(facts.warnings),
        "peak_memory_bytes": peak_memory_bytes(),
        "seconds": round(facts.seconds, 3),
        "weights": selection.weights,
        "origin": dict(facts.origin),
        "trainings": list(facts.trainings),
        "draft": facts.draft,
        "closest_training_row": selection.closest_training_row,
        **official_figures(facts.official, facts.official_page),
        **facts.findings,
    }


def official_figures(official: Official | None, page: str | None) -> dict[str, object]:
    """mostlyai-qa's part of the summary."""
    if official is None:
        return {}
    return {
        "official_accuracy": official.accuracy,
        "privacy": official.privacy,
        "privacy_by_seed": list(official.privacy_by_seed),
        "accuracy_with_holdout": official.together,
        "official_page": page,
    }


def versions() -> dict[str, str | None]:
    """Versions of Python and of the packages whose figures or files may change with them."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def write_summary(summary: Mapping, path: Path, *, replacing: bool = False) -> None:
    """Write summary.json, whole or not at all; raises FileExistsError where the name is taken and not `replacing`."""
    with whole_file(path, replacing=replacing) as unfinished:
        unfinished.write_text(as_json(summary) + "\n", encoding="utf-8")


def as_json(value: object, indent: str = "") -> str:
    """JSON, indented but for lists without mappings in them, which would fill a line with each number."""
    deeper = indent + "  "
    if isinstance(value, Mapping) and value:
        items = [
            f"{deeper}{json.dumps(key, ensure_ascii=False)}: {as_json(item, deeper)}" for key, item in value.items()
        ]
        return "{\n" + ",\n".join(items) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        return "[\n" + ",\n".join(deeper + as_json(item, deeper) for item in value) + f"\n{indent}]"
    return json.dumps(value, ensure_ascii=False)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
