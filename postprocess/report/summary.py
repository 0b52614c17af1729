"""The summary of a run as plain values. The page shows nothing that does not stand in it."""

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

from postprocess.data.sources import Source
from postprocess.report.mostlyai_qa import QaReport
from postprocess.runtime.outputs import whole_file
from postprocess.runtime.stages import Stage
from postprocess.tables.accuracy import Accuracy

PACKAGES = ("mostlyai", "mostlyai-qa", "numpy", "pandas", "plotly", "pyarrow", "scipy", "torch")


@dataclass(frozen=True)
class FileFacts:
    """A file that was read or written."""

    path: str
    rows: int
    columns: int
    sha256: str

    @classmethod
    def of(cls, source: Source, rows: int) -> "FileFacts":
        """Return the facts of a file. Its checksum is taken once."""
        path = os.fsencode(source.path).decode(errors="replace")
        return cls(path, rows, len(source.columns), source.sha256)


@dataclass(frozen=True)
class RunFacts:
    """All facts of the summary.

    pool_made_by: "this run", "an earlier run", or None if the pool was given. accuracy, curve, excluded: as `Selection`
    has them, and the accuracy of the pool's sample. weights: of `weight_summary`. origin: of `pool_usage`.
    trainings: of each cycle of the pool. closest_training_row: of `closest_training_rows`. findings: of `findings_of`.
    draft: whether the run was a first look. qa, qa_page: mostlyai-qa's figures and the name of its page, if there are
    any.
    """

    training: FileFacts
    pool: FileFacts
    result: FileFacts
    pool_made_by: str | None
    parameters: tuple[Any, Any]  # of the pool and of the selection: dataclass values
    stages: Sequence[Stage]
    accuracy: Mapping[str, Accuracy]
    curve: Sequence[tuple[float, float]]
    excluded: Mapping[str, int]
    seconds: float
    warnings: Sequence[str] = ()
    weights: Mapping[str, object] = field(default_factory=dict)
    origin: Mapping[str, object] = field(default_factory=dict)
    trainings: Sequence[Mapping[str, object]] = ()
    closest_training_row: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    findings: Mapping[str, Any] = field(default_factory=dict)
    draft: bool = False
    qa: QaReport | None = None
    qa_page: str | None = None


def peak_memory_bytes() -> int:
    """Return the most memory that one process has held so far: this one, or one that it started and that has ended."""
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return peak if sys.platform == "darwin" else peak * 1024


def summary(facts: RunFacts) -> dict:
    """Return the summary as plain values."""
    pool_parameters, selection_parameters = (asdict(part) for part in facts.parameters)
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
        "accuracy": {step: accuracy.as_dict() for step, accuracy in facts.accuracy.items()},
        "curve": [[round(seconds, 3), overall] for seconds, overall in facts.curve],
        "excluded": dict(facts.excluded),
        "warnings": list(facts.warnings),
        "peak_memory_bytes": peak_memory_bytes(),
        "seconds": round(facts.seconds, 3),
        "weights": dict(facts.weights),
        "origin": dict(facts.origin),
        "trainings": list(facts.trainings),
        "draft": facts.draft,
        "closest_training_row": dict(facts.closest_training_row),
        **qa_figures(facts.qa, facts.qa_page),
        **facts.findings,
    }


def qa_figures(qa: QaReport | None, page: str | None) -> dict[str, object]:
    """Return mostlyai-qa's part of the summary."""
    if qa is None:
        return {}
    return {
        "official_accuracy": qa.accuracy,
        "privacy": qa.privacy,
        "privacy_by_seed": list(qa.privacy_by_seed),
        "accuracy_with_holdout": qa.together,
        "official_page": page,
    }


def versions() -> dict[str, str | None]:
    """Return the versions of Python and of the packages whose figures or files may change with them."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def write_summary(summary: Mapping, path: Path, *, replacing: bool = False) -> None:
    """Write summary.json, whole or not at all.

    Raises FileExistsError if the name is taken and `replacing` is not set.
    """
    with whole_file(path, replacing=replacing) as unfinished:
        unfinished.write_text(as_json(summary) + "\n", encoding="utf-8")


def as_json(value: object, indent: str = "") -> str:
    """Return indented JSON. A list without mappings takes one line, because a line for each number would be too
    long."""
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
