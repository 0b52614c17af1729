"""Parts of the summary of a run, as plain values. The page shows nothing that does not stand in the summary."""

import json
import os
import platform
import resource
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from postprocess.data.sources import Source
from postprocess.report.mostlyai_qa import QaReport
from postprocess.report.svg import short
from postprocess.rules.rule import Rules
from postprocess.runtime.outputs import whole_file
from postprocess.runtime.stages import Journal
from postprocess.tables.counts import design_effect

PACKAGES = ("mostlyai", "mostlyai-qa", "numpy", "pandas", "pyarrow", "scipy", "torch")
SHOWN_ROWS, SHOWN_COLUMNS, SHOWN_LETTERS = 10, 100, 24  # of the first rows of the result, at most


def file_facts(source: Source, rows: int) -> dict[str, object]:
    """Return what the summary says of a file that was read or written."""
    path = os.fsencode(source.path).decode(errors="replace")
    return {"path": path, "rows": rows, "columns": len(source.columns), "sha256": source.sha256}


def first_rows(source: Source, names: Sequence[str]) -> dict[str, list]:
    """Return the first rows of a file as they are spelt, with long texts cut. names: of the columns, of which the
    first are shown."""
    columns = list(names[:SHOWN_COLUMNS])
    batch = next(source.batches(columns, SHOWN_ROWS, as_spelt=True))
    texts = [
        ["" if value is None else short(str(value), SHOWN_LETTERS) for value in row.values()]
        for row in batch.to_pylist()
    ]
    return {"columns": columns, "rows": texts}


def run_figures(journal: Journal) -> dict[str, object]:
    """Return the stages and warnings of a run so far, its seconds and its peak memory."""
    return {
        "stages": [
            {"name": stage.name, "seconds": round(stage.seconds, 3), "rows": stage.rows} | stage.status
            for stage in journal.stages
        ],
        "warnings": list(journal.warnings),
        "peak_memory_bytes": peak_memory_bytes(),
        "seconds": round(journal.seconds(), 3),
    }


def peak_memory_bytes() -> int:
    """Return the most memory that one process has held so far: this one, or one that it started and that has ended."""
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return peak if sys.platform == "darwin" else peak * 1024


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


def rule_figures(
    rules: Rules,
    repaired: Mapping[str, int],
    in_pool: Mapping[str, np.ndarray],
    in_result: Mapping[str, np.ndarray],
    enforced: Sequence[str],
) -> list[dict[str, object]]:
    """Return, for each rule, how many rows break it, as plain values.

    pool_repaired: rows of the pool that were changed so that they keep it; None if the rule has no repair or the pool
    was given. pool_broken, result_broken: rows of the pool as it is, and of the result. enforced: whether the selected
    rows had to keep it.
    """
    return [
        {
            "rule": text,
            "enforced": text in enforced,
            "pool_repaired": repaired.get(text),
            "pool_broken": int(np.count_nonzero(in_pool[text])),
            "result_broken": int(np.count_nonzero(in_result[text])),
        }
        for text in rules.texts
    ]


def versions() -> dict[str, str | None]:
    """Return the versions of Python and of the packages whose figures or files may change with them."""
    return {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES}


def write_summary(summary: Mapping, path: Path, *, replacing: bool = False) -> None:
    """Write summary.json, whole or not at all.

    Raises FileExistsError if the name is taken and `replacing` is not set.
    """
    with whole_file(path, replacing=replacing) as unfinished:
        unfinished.write_text(as_json(summary) + "\n", encoding="utf-8")


def weighting(
    weights: np.ndarray | None, weight_column: str | None, target_shares: Mapping[str, Mapping]
) -> dict[str, object] | None:
    """Return how the training rows were weighted, and how many unweighted rows vary as much; None if they were not."""
    if weights is None:
        return None
    shares = {column: {str(value): share for value, share in of.items()} for column, of in target_shares.items()}
    effective = len(weights) / design_effect(weights)
    return {"weight_column": weight_column, "target_shares": shares, "effective_rows": round(effective, 1)}


def as_json(value: object, indent: str = "") -> str:
    """Return indented JSON. A list without mappings takes one line, because a line for each number would be too
    long."""
    deeper = indent + "  "
    if isinstance(value, Mapping) and value:
        items = [
            f"{deeper}{json.dumps(str(key), ensure_ascii=False)}: {as_json(item, deeper)}"
            for key, item in value.items()
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
