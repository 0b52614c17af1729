"""Output files: they appear whole or not at all, under a free name, and only where they can be written."""

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from postprocess.runtime.exits import InputError


def free_path(folder: Path, stem: str, suffixes: Sequence[str]) -> tuple[Path, ...]:
    """One path for each suffix, none of them taken: all of the stem `stem`, or else `stem_2`, `stem_3`, and so on."""
    number = 1
    while True:
        numbered = stem if number == 1 else f"{stem}_{number}"
        paths = tuple(folder / f"{numbered}{suffix}" for suffix in suffixes)
        if not any(os.path.lexists(path) for path in paths):
            return paths
        number += 1


@contextmanager
def whole_file(path: Path, *, replacing: bool = False) -> Iterator[Path]:
    """A name beside `path` to write to; the file gets its own name when the block ends well, and goes away otherwise.

    replacing: an older file of that name gives way to it.

    Raises:
        FileExistsError: `path` exists by then, and is not to be replaced.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    try:
        yield unfinished
        if replacing:
            unfinished.replace(path)
        else:
            publish(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def publish(unfinished: Path, path: Path) -> None:
    """Gives a finished file its name at once; raises FileExistsError where that name is taken."""
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: take the name first, then put the file in its place
        path.open("xb").close()
        try:
            unfinished.replace(path)
        except BaseException:
            path.unlink()
            raise


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
