"""The command line of main.py. The usage in run.sh explains its options."""

import argparse
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from postprocess.overrides import parse_setting
from postprocess.runtime.exits import InputError, Parser
from postprocess.runtime.outputs import require_writable

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Call:
    """What a call asks for.

    settings: the parameters, by name, that it gives in place of main.py's. verbose: short steps are logged as well.
    """

    training: Path
    pool: Path | None
    holdout: Path | None
    output: Path
    draft: bool
    settings: dict[str, Any] = field(default_factory=dict)
    verbose: bool = False

    @property
    def suffix(self) -> str:
        """What the file names of a draft end in."""
        return "_draft" if self.draft else ""

    def require_writable_output(self) -> None:
        """Raise InputError if the folders of the output cannot be written."""
        for name in ("results", "pool_data") if self.pool is None else ("results",):
            require_writable(self.output / name)


def parse_call(arguments: Sequence[str]) -> Call:
    """Parse the command line. A wrong call ends the program with one line and exit code 2."""
    parser = Parser(prog="./run.sh", epilog="./run.sh --help explains the options.")
    parser.add_argument("training", type=Path, metavar="TRAINING")
    parser.add_argument("--pool", type=Path)
    parser.add_argument("--holdout", type=Path)
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", default=PROJECT)
    parser.add_argument("--draft", action="store_true")
    parser.add_argument("--rows", type=_whole, metavar="N")
    parser.add_argument("--seed", type=_whole, metavar="N")
    parser.add_argument("--exclude", type=_names, metavar="COLUMNS", action="extend")
    parser.add_argument("--set", type=_setting, metavar="NAME=VALUE", action="append", default=[])
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--version", action="version", version=version())
    given = parser.parse_args(arguments)
    if given.draft and given.pool is not None:
        parser.error("--draft shortens the training of generators, and --pool trains none: leave one of them out")
    exclude = given.exclude and tuple(dict.fromkeys(given.exclude))
    options = {"rows": given.rows, "seed": given.seed, "exclude": exclude}
    settings = given.set + [(name, value) for name, value in options.items() if value is not None]
    names = Counter(name for name, _ in settings)
    if twice := sorted(name for name, number in names.items() if number > 1):
        parser.error(f"{', '.join(twice)}: given twice; leave one of the values out")
    files = given.training, given.pool, given.holdout, given.output
    return Call(*files, given.draft, dict(settings), given.verbose)


def version() -> str:
    """Return the version of this project, as pyproject.toml states it."""
    with (PROJECT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    return f"{project['name']} {project['version']}"


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of column names, such as id,name")
    return names


def _setting(text: str) -> tuple[str, Any]:
    try:
        return parse_setting(text)
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
