"""What the benchmarks' command lines have in common: options, exit codes, JSON files."""

from __future__ import annotations

import argparse
import ast
import json
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from pool.parameters import PoolParameters
from postprocess.runtime.exits import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_WRONG_INPUT, reason
from postprocess.runtime.outputs import whole_file
from postprocess.selection.parameters import SelectionParameters

Parameters = TypeVar("Parameters", PoolParameters, SelectionParameters)

TO_SAVE_MEMORY = "take a smaller case, or lower max_memory or the swapsizes with --set"


class RunError(Exception):
    """A run that was to be measured did not end well: one line that names its files, and what to do."""


@contextmanager
def exits(parser: argparse.ArgumentParser) -> Iterator[None]:
    """Ends the program with one line and an exit code.

    2 for wrong input or parameters, 1 where a run failed or memory ran out, 130 when interrupted.
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
    """A whole number of at least 0, for argparse: 100000 or 100_000."""
    if not text.replace("_", "").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def positive(text: str) -> int:
    """A whole number of at least 1, for argparse."""
    if whole(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return whole(text)


def new_file(text: str) -> Path:
    """A path that is free, for argparse: hours of measuring must not end with a file that is there already."""
    path = Path(text)
    if path.exists():
        raise argparse.ArgumentTypeError(f"{path}: exists already; remove it, or give another name")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{path.parent}: no such folder; make it first")
    return path


def add_case(parser: argparse.ArgumentParser) -> None:
    """The arguments TRAINING and POOL, and the option --json."""
    parser.add_argument("training", type=Path, metavar="TRAINING", help="the original rows: .csv, .csv.gz or .parquet")
    parser.add_argument("pool", type=Path, metavar="POOL", help="the synthetic rows to select from")
    parser.add_argument("--json", type=new_file, metavar="FILE", help="write all figures")


def write_figures(given: argparse.Namespace, **figures: object) -> None:
    """Write the figures, and what they were measured on, to the file of --json, where there is one."""
    if given.json:
        files = {name: str(getattr(given, name)) for name in ("training", "pool") if hasattr(given, name)}
        measured_on = files | {"machine": machine()}
        write_json(measured_on | figures, given.json)


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """The option --set."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a selection parameter in place of main.py's, as in --set max_refinement_time=2; may be given repeatedly",
    )


def settings_of(texts: Sequence[str], parameters: Parameters) -> dict[str, Parameters]:
    """main.py's parameters and, by their labels, those that texts of the form LABEL:NAME=VALUE,... replace some of.

    Raises ValueError, in one line, for a text of another form, an unknown name or a value that is not allowed.
    """
    found = {"main.py's": parameters}
    for text in texts:
        label, mark, values = text.partition(":")
        if not mark:
            raise ValueError(f"--setting {text}: give LABEL:NAME=VALUE,...")
        found[label] = with_settings(parameters, values.split(","))
    return found


def with_settings(parameters: Parameters, settings: Sequence[str]) -> Parameters:
    """The parameters with some of them replaced, each given as `name=value`, the value as Python would write it.

    Raises ValueError, in one line, for an unknown name or a value that is not allowed.
    """
    names = [field.name for field in fields(parameters)]
    values = {}
    for setting in settings:
        name, mark, text = setting.partition("=")
        if not mark or name not in names:
            raise ValueError(f"--set {setting}: give NAME=VALUE, NAME one of {', '.join(names)}")
        try:
            values[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            values[name] = text  # where a parameter is no text, that is refused below, by name
    return replace(parameters, **values)


def machine() -> dict[str, object]:
    """What the numbers were measured on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def read_items(path: Path, holds: str, keys: Sequence[str]) -> list[dict]:
    """The items, at least one, that a benchmark's JSON file holds under the name `holds`, each with these keys.

    Raises ValueError, naming the file, where it is another kind of file.
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
    """Write it, whole or not at all; raises FileExistsError where the name is taken."""
    with whole_file(path) as unfinished:
        unfinished.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side, the first to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if c == 0 else cell.rjust(width)
            for c, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    ]
    return "\n".join(line.rstrip() for line in lines)


def share(value: float | None) -> str:
    """A share, 0..1, or a dash."""
    return "-" if value is None else f"{value:.5f}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
