"""The command line of main.py."""

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
    parser = Parser(
        prog="run.sh",
        description="Synthetic rows whose tables match the original's: trains generators, fills a pool, selects.",
        epilog="Parameters are edited at the top of main.py. Exit codes: 0 done, 1 failed, 2 wrong call or input, "
        "130 interrupted, 143 terminated.",
    )
    parser.add_argument("training", type=Path, metavar="TRAINING", help="the original rows: .csv, .csv.gz or .parquet")
    parser.add_argument("--pool", type=Path, help="select from these synthetic rows instead of training generators")
    parser.add_argument(
        "--holdout", type=Path, help="original rows kept apart: for mostlyai-qa's accuracy and privacy figures alone"
    )
    parser.add_argument(
        "--output", type=Path, metavar="DIR", default=PROJECT, help="folder for results/ and pool_data/ (this project)"
    )
    parser.add_argument(
        "--draft", action="store_true", help="a first look in about a minute: one small generator, shortly trained"
    )
    given = parser.parse_args(arguments)
    if given.draft and given.pool is not None:
        parser.error("--draft shortens the training of generators, and --pool trains none: leave one of them out")
    return Call(given.training, given.pool, given.holdout, given.output, given.draft)
