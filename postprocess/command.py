"""What the command lines have in common: a wrong call ends in one line, before any work on what it names."""

from __future__ import annotations

import argparse
import filecmp
import os
import sys
from pathlib import Path
from typing import Any, NoReturn

from postprocess.codes import require_columns
from postprocess.ending import EXIT_WRONG_INPUT, explain
from postprocess.files import InputError, Source, open_source


class Parser(argparse.ArgumentParser):
    """Ends the program with one line and exit code 2 where the call is wrong; program: who says so in that line."""

    def __init__(self, *, program: str, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)
        self.program = program

    def error(self, message: str) -> NoReturn:
        """As argparse calls it."""
        sys.exit(explain(f"{message}; see --help", code=EXIT_WRONG_INPUT, program=self.program))


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


def require_writable(folder: Path) -> None:
    """Raises InputError where no file can be written to `folder`, or, where it does not exist, it cannot be made."""
    require_utf8(folder)
    try:
        existing = next(path for path in (folder, *folder.parents) if path.exists())
    except OSError as error:  # a name that is too long
        raise InputError(f"{folder}: {error.strerror}; give another --output") from error
    if not existing.is_dir():
        raise InputError(f"{existing}: a file, so {folder} cannot be a folder; give another --output")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"{existing}: no permission to write there; give another --output")


def require_utf8(path: Path) -> None:
    """Raises InputError where a path's name cannot be written into a summary or a page."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{path}: not UTF-8, which paths must be; rename the file or folder") from error
