"""The command line of main.py. The usage in run.sh explains its options."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from postprocess.runtime.exits import Parser
from postprocess.runtime.outputs import require_writable

PROJECT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Call:
    """What a call asks for."""

    training: Path
    pool: Path | None
    holdout: Path | None
    output: Path
    draft: bool

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
    parser.add_argument("--output", type=Path, metavar="DIR", default=PROJECT)
    parser.add_argument("--draft", action="store_true")
    given = parser.parse_args(arguments)
    if given.draft and given.pool is not None:
        parser.error("--draft shortens the training of generators, and --pool trains none: leave one of them out")
    return Call(given.training, given.pool, given.holdout, given.output, given.draft)
