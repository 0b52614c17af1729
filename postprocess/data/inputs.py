"""The files that a call names, opened and checked before any work."""

import filecmp
from dataclasses import dataclass
from pathlib import Path

from postprocess.data.binning import Binning
from postprocess.data.codes import Codes
from postprocess.data.encoding import read_codes, require_columns
from postprocess.data.sources import Source, open_source
from postprocess.runtime.exits import InputError
from postprocess.runtime.outputs import require_utf8
from postprocess.runtime.progress import Progress


@dataclass(frozen=True)
class Inputs:
    """The files by their roles; None for a role that the call does not name."""

    training: Source
    pool: Source | None = None
    holdout: Source | None = None
    result: Source | None = None

    def warnings(self) -> list[str]:
        """Return what the user should know about the files."""
        if self.pool is not None and filecmp.cmp(self.training.path, self.pool.path, shallow=False):
            return [f"{self.pool.path}: the same as the training data, so the result is a copy of it"]
        return []

    def read_holdout(self, binning: Binning, *, threads: int | None = None, progress: Progress) -> Codes | None:
        """Return the codes of the holdout; None if there is none.

        Raises InputError if a value does not fit its column.
        """
        return None if self.holdout is None else read_codes(self.holdout, binning, progress=progress, threads=threads)


def open_inputs(
    training: Path, *, pool: Path | None = None, holdout: Path | None = None, result: Path | None = None
) -> Inputs:
    """Open the files and take a first look at each.

    Raises InputError if a file cannot be used, lacks a column of the training data, or is a holdout that equals it.
    """
    given = {"training": training, "pool": pool, "holdout": holdout, "result": result}
    paths = {role: path for role, path in given.items() if path is not None}
    for path in paths.values():
        require_utf8(path)
    sources = {role: open_source(path, role=role) for role, path in paths.items()}
    for source in sources.values():
        require_columns(source, sources["training"].columns)
    if holdout is not None and filecmp.cmp(training, holdout, shallow=False):
        raise InputError(f"{holdout}: the same as the training data; give rows that the training data does not have")
    _ = sources["training"].sha256  # taken now, because the file may change during a long run
    return Inputs(**sources)
