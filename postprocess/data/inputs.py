"""The files that a call names, opened and checked before any work."""

import filecmp
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from postprocess.data.binning import Binning
from postprocess.data.codes import Codes
from postprocess.data.dialect import SEPARATORS
from postprocess.data.encoding import read_codes, require_columns
from postprocess.data.formats import is_number
from postprocess.data.sources import Source, open_source, require_plain_only_name
from postprocess.runtime.exits import InputError
from postprocess.runtime.outputs import require_utf8
from postprocess.runtime.progress import Progress
from postprocess.runtime.suggestions import question


@dataclass(frozen=True)
class Inputs:
    """The files by their roles; None for a role that the call does not name."""

    training: Source
    pool: Source | None = None
    holdout: Source | None = None
    result: Source | None = None

    def notes(self, binning: Binning) -> list[str]:
        """Return a line for each file that is not a plain CSV or Parquet file. The line says how the file was read.

        binning: the training data's. It tells the columns with decimal commas.
        """
        lines = []
        for source in (self.training, self.pool, self.holdout, self.result):
            if source is not None and (traits := _traits(source)):
                if source is self.training and source.sheet is None:
                    traits += _decimal_commas(binning)
                    traits[-1] += "; the result is written in the same way"
                lines.append(f"{source.path}: {', '.join(traits)}")
        return lines

    def read_holdout(self, binning: Binning, *, threads: int | None = None, progress: Progress) -> Codes | None:
        """Return the codes of the holdout; None if there is none.

        Raises InputError if a value does not fit its column.
        """
        return None if self.holdout is None else read_codes(self.holdout, binning, progress=progress, threads=threads)


def open_inputs(
    training: Path,
    *,
    pool: Path | None = None,
    holdout: Path | None = None,
    result: Path | None = None,
    exclude: Collection[str] = (),
    weight_column: str | None = None,
) -> Inputs:
    """Open the files and take a first look at each. The training data is opened without the columns of the last two.

    Raises InputError if a file cannot be used, lacks a column of the training data, or is a holdout that equals it, and
    if a column to leave out does not exist or none would be left.
    """
    given = {"training": training, "pool": pool, "holdout": holdout, "result": result}
    paths = {role: path for role, path in given.items() if path is not None}
    for path in paths.values():
        require_utf8(path)
    sources = {role: open_source(path, role=role) for role, path in paths.items()}
    if exclude or weight_column is not None:
        sources["training"] = _without(sources["training"], exclude, weight_column)
    for source in sources.values():
        require_columns(source, sources["training"].columns)
    if holdout is not None and filecmp.cmp(training, holdout, shallow=False):
        raise InputError(f"{holdout}: the same as the training data; give rows that the training data does not have")
    _ = sources["training"].sha256  # taken now, because the file may change during a long run
    return Inputs(**sources)


def _traits(source: Source) -> list[str]:
    """Return what sets a file apart from a CSV with commas, plain line ends and no byte order mark."""
    if source.sheet is not None:
        name, number = source.sheet.name, source.sheet.n_sheets
        return [f"first sheet {name!r} of {number} sheets" if number > 1 else f"the only sheet, {name!r}"]
    dialect = source.dialect
    traits = {
        f"separated by {SEPARATORS[dialect.separator]}": dialect.separator != ",",
        "Windows line ends": dialect.line_end == "\r\n",
        "a byte order mark": dialect.mark,
    }
    return [trait for trait, is_there in traits.items() if is_there]


def _decimal_commas(binning: Binning) -> list[str]:
    names = [
        repr(column.name)
        for column in binning.columns
        if is_number(column.format) and column.format.decimal_mark == ","
    ]
    return [f"decimal commas in {', '.join(names)}"] if names else []


def _without(source: Source, exclude: Collection[str], weight_column: str | None) -> Source:
    """Return the training data without these columns."""
    named = [("exclude", name) for name in exclude]
    named += [] if weight_column is None else [("weight_column", weight_column)]
    for parameter, name in named:
        if name not in source.in_file:
            hint = question(name, source.in_file) or "; correct the name"
            raise InputError(f"{source.path}: {parameter}={name!r}: there is no such column{hint}")
    left_out = tuple(dict.fromkeys(name for _, name in named))
    if set(left_out) >= set(source.in_file):
        raise InputError(f"{source.path}: exclude: no column is left; name fewer columns")
    kept = replace(source, left_out=left_out)
    require_plain_only_name(kept)
    return kept
