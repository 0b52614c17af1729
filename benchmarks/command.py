"""What the command lines of the benchmarks share: options, exit codes, JSON files."""

import argparse
import json
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np

from pool.parameters import PoolParameters
from postprocess import overrides
from postprocess.runtime.exits import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_WRONG_INPUT, reason
from postprocess.runtime.outputs import whole_file
from postprocess.selection.parameters import SelectionParameters

Parameters = TypeVar("Parameters", PoolParameters, SelectionParameters)

OF_COLUMNS = ("exclude", "weight_column", "target_shares", "exclude_unique_combinations")  # parameters

TO_SAVE_MEMORY = "take a smaller case, or lower max_memory or the swapsizes with --set"


class RunError(Exception):
    """A measured run failed. The message is one line with its files and what to do."""


@contextmanager
def exits(parser: argparse.ArgumentParser) -> Iterator[None]:
    """End the program with one line and an exit code if the block fails.

    The code is 2 for wrong input or parameters, 1 if a run failed or memory ran out, and 130 after an interrupt.
    """
    try:
        yield
    except (ValueError, OSError, argparse.ArgumentTypeError) as error:  # InputError is a ValueError
        parser.exit(EXIT_WRONG_INPUT, f"{parser.prog}: {error}\n")
    except MemoryError as error:
        parser.exit(EXIT_FAILED, f"{parser.prog}: {reason(error, to_save_memory=TO_SAVE_MEMORY)}\n")
    except RunError as error:
        parser.exit(EXIT_FAILED, f"{parser.prog}: {error}\n")
    except KeyboardInterrupt:
        parser.exit(EXIT_INTERRUPTED, f"{parser.prog}: interrupted\n")


def whole(text: str) -> int:
    """Return a whole number of at least 0, such as 100000 or 100_000. For argparse."""
    if not text.replace("_", "").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def positive(text: str) -> int:
    """Return a whole number of at least 1. For argparse."""
    if whole(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return whole(text)


def new_file(text: str) -> Path:
    """Return a path that is free. For argparse: hours of measuring must not end because a file exists already."""
    path = Path(text)
    if path.exists():
        raise argparse.ArgumentTypeError(f"{path}: exists already; remove it, or give another name")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{path.parent}: no such folder; make it first")
    return path


def add_case(parser: argparse.ArgumentParser) -> None:
    """Add the arguments TRAINING and POOL, and the option --json."""
    parser.add_argument("training", type=Path, metavar="TRAINING", help="the original rows: .csv, .csv.gz or .parquet")
    parser.add_argument("pool", type=Path, metavar="POOL", help="the synthetic rows to select from")
    parser.add_argument("--json", type=new_file, metavar="FILE", help="write all figures")


def write_figures(given: argparse.Namespace, **figures: object) -> None:
    """Write the figures, and what they were measured on, to the file of --json, if there is one."""
    if given.json:
        files = {name: str(getattr(given, name)) for name in ("training", "pool") if hasattr(given, name)}
        measured_on = files | {"machine": machine()}
        write_json(measured_on | figures, given.json)


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """Add the option --set."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a selection parameter in place of main.py's, as in --set max_refinement_time=2; may be given repeatedly",
    )


def settings_of(texts: Sequence[str], parameters: Parameters) -> dict[str, Parameters]:
    """Return main.py's parameters and, by label, the parameters that texts of the form LABEL:NAME=VALUE,... change.

    Raises ValueError, in one line, if a text has another form, a name is unknown or a value is not allowed.
    """
    found = {"main.py's": parameters}
    for text in texts:
        label, mark, values = text.partition(":")
        if not mark:
            raise ValueError(f"--setting {text}: give LABEL:NAME=VALUE,...")
        found[label] = with_settings(parameters, values.split(","))
    return found


def with_settings(parameters: Parameters, settings: Sequence[str]) -> Parameters:
    """Return the parameters with some of them replaced. Each setting is `name=value`, with the value as in Python.

    Raises ValueError, in one line, if a name is unknown or a value is not allowed.
    """
    (changed,) = overrides.with_settings([parameters], dict(map(overrides.parse_setting, settings)))
    for name in OF_COLUMNS:
        if value := getattr(changed, name, None):
            raise ValueError(f"{name}={value!r}: a benchmark takes all columns as they are; use ./run.sh for this")
    return changed


def machine() -> dict[str, object]:
    """Return what the numbers were measured on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def read_items(path: Path, holds: str, keys: Sequence[str]) -> list[dict]:
    """Return the items that a benchmark's JSON file holds under the name `holds`: at least one, each with these keys.

    Raises ValueError, naming the file, if it is another kind of file.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # of JSON, or of UTF-8
        raise ValueError(f"{path}: not a JSON file ({error})") from error
    items = content.get(holds) if isinstance(content, dict) else None
    if not isinstance(items, list) or not items:
        raise ValueError(f"{path}: has no {holds!r}")
    for item in items:
        lacking = [key for key in keys if not isinstance(item, dict) or key not in item]
        if lacking:
            raise ValueError(f"{path}: {holds!r} without {', '.join(map(repr, lacking))}")
    return items


def write_json(content: dict, path: Path) -> None:
    """Write a JSON file, whole or not at all. Raises FileExistsError if the name is taken."""
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return lines of aligned columns, the first aligned left and the others right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(
            text.ljust(width) if c == 0 else text.rjust(width)
            for c, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    ]
    return "\n".join(line.rstrip() for line in lines)


def share(value: float | None) -> str:
    """Return a share, 0..1, as text, or a dash for None."""
    return "-" if value is None else f"{value:.5f}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
