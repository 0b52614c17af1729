"""Output files: they appear whole or not at all, under a free name, and only where they can be written."""

import fcntl
import os
import secrets
from array import array
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from postprocess.runtime.exits import InputError

UNFINISHED = f".*.{'[0-9a-f]' * 8}.unfinished"  # the pattern of the names of `unfinished_file`
FS_IOC_GETFLAGS, FS_APPEND_FL = 0x80086601, 0x20  # Linux: <linux/fs.h>


def free_path(folder: Path, stem: str, suffixes: Sequence[str]) -> tuple[Path, ...]:
    """Return one free path for each suffix, all named `stem`. If that is taken, all are named `stem_2`, and so on."""
    number = 1
    while True:
        numbered = stem if number == 1 else f"{stem}_{number}"
        paths = tuple(folder / f"{numbered}{suffix}" for suffix in suffixes)
        if not any(os.path.lexists(path) for path in paths):
            return paths
        number += 1


def write_under_free_name(
    folder: Path, stem: str, suffixes: Sequence[str], write: Callable[[Path], None]
) -> tuple[Path, ...]:
    """Write a file under a free name in `folder`, which is made if it is missing; returns one path for each suffix.

    The first path is that of the file. The others are free names for files that will stand beside it. `write` raises
    FileExistsError if another run takes the name meanwhile. Then the next free name is tried.
    """
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        paths = free_path(folder, stem, suffixes)
        with suppress(FileExistsError):
            write(paths[0])
            return paths


@contextmanager
def whole_file(path: Path, *, replacing: bool = False) -> Iterator[Path]:
    """Yield a name beside `path` to write to. The file gets the name `path` if the block succeeds, else it is removed.

    replacing: the file may replace an older one. Raises FileExistsError if `path` exists and is not to be replaced.
    """
    with unfinished_file(path) as unfinished:
        yield unfinished
        if replacing:
            unfinished.replace(path)
        else:
            publish(unfinished, path)


@contextmanager
def unfinished_file(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` to write to. What still has this name at the end of the block is removed."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}.unfinished")
    with _sharing(path.parent):
        try:
            yield unfinished
        finally:
            unfinished.unlink(missing_ok=True)


@contextmanager
def _sharing(folder: Path) -> Iterator[None]:
    """Hold a folder while a file is being written there. If nobody else holds it, half-written files are removed first.

    They are of killed runs. On a file system without locks they stay.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # the writing will fail as well, and name the file
        yield
        return
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in folder.glob(UNFINISHED):
                path.unlink(missing_ok=True)
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def publish(unfinished: Path, path: Path) -> None:
    """Give a finished file its name in one step. Raises FileExistsError if the name is taken."""
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
    """Raise InputError if no file can be written to `folder`, or if it does not exist and cannot be made."""
    require_utf8(folder)
    try:
        existing = next(path for path in (folder, *folder.parents) if path.is_symlink() or path.exists())
        existing.stat()
    except OSError as error:  # a name that is too long, or a link to nothing or to itself
        raise InputError(f"{folder}: {error.strerror}; give another --output") from error
    if not existing.is_dir():
        raise InputError(f"{existing}: a file, so {folder} cannot be a folder; give another --output")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(f"{existing}: no permission to write there; give another --output")
    if existing == folder and _is_append_only(folder):
        raise InputError(f"{folder}: files there cannot be renamed or removed (chattr +a); give another --output")


def _is_append_only(folder: Path) -> bool:
    """Return whether the folder takes new files and keeps each for ever. Other systems than Linux do not tell."""
    flags = array("L", [0])
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            fcntl.ioctl(handle, FS_IOC_GETFLAGS, flags)
        finally:
            os.close(handle)
    return bool(flags[0] & FS_APPEND_FL)


def require_utf8(path: Path) -> None:
    """Raise InputError if a path cannot be written into a summary or a page."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"{path}: not UTF-8, which paths must be; rename the file or folder") from error
