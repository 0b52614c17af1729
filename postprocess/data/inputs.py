"""What the command lines have in common: a wrong call ends in one line, before any work on what it names."""

from __future__ import annotations

import filecmp
from pathlib import Path

from postprocess.data.encoding import require_columns
from postprocess.data.sources import Source, open_source
from postprocess.runtime.exits import InputError
from postprocess.runtime.outputs import require_utf8


def open_inputs(*, training: Path, **others: Path | None) -> dict[str, Source]:
    """The files by their roles, those left out that are None; what a first look finds wrong is told at once.

    Raises:
        InputError: A file cannot be used, lacks a column of the training data, or is a holdout that equals it.
    """
    given = {"training": training} | {role: path for role, path in others.items() if path is not None}
    for path in given.values():
        require_utf8(path)
    sources = {}
    for role, path in given.items():
        sources[role] = open_source(path, role=role)
        require_columns(sources[role], sources["training"].columns)
    if "holdout" in given and filecmp.cmp(training, given["holdout"], shallow=False):
        raise InputError(
            f"{given['holdout']}: the same as the training data; give rows that the training data does not have"
        )
    return sources
