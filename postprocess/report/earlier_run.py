"""What is known of the run that made a result: how it read its files, and its figures, from the summary beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from postprocess.data.sources import ENDINGS, open_source
from postprocess.runtime.progress import Progress


@dataclass(frozen=True)
class ReadAs:
    """How a run has read its training data: columns left out, their kinds, and the weights of its rows."""

    exclude: tuple[str, ...] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    weight_column: str | None = None
    shares: Mapping[str, Mapping[object, float]] = field(default_factory=dict)


def read_as(result: Path, training: Path) -> ReadAs:
    """Return how the result's run has read its training data, from its summary.

    A summary of other training data says nothing.
    """
    try:
        summary = json.loads(result.with_name(f"{stem(result)}_summary.json").read_text(encoding="utf-8"))
        if summary["training"]["sha256"] != open_source(training, role="training").sha256:
            return ReadAs()
        parameters = summary["parameters"]["selection"]
        shares = {
            column: {None if value == "None" else value: share for value, share in of.items()}
            for column, of in parameters["target_shares"].items()
        }
        kinds = dict(parameters.get("column_kinds", {}))
        return ReadAs(tuple(parameters["exclude"]), kinds, parameters["weight_column"], shares)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return ReadAs()  # there is no summary, or one of before there were such parameters


def of_the_run(files: Mapping[str, Mapping], result: Path, progress: Progress) -> dict[str, Any]:
    """Return the summary beside the result; nothing if there is none, or if its run had other files than these.

    Nearly all figures of a run depend on all of its files, so some of them beside another file would mislead.
    """
    path = result.with_name(f"{stem(result)}_summary.json")
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


def stem(data: Path) -> str:
    """Return the name of a data file without its ending."""
    ending = next((ending for ending in ENDINGS if data.name.lower().endswith(ending)), "")
    return data.name[: len(data.name) - len(ending)]
