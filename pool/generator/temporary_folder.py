"""The temporary folder of a training. It holds the training data in another form, so nothing of it may stay."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pool.files import Lock, try_to_hold

PREFIX = "pool-"
LOCK_NAME = "lock"


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a new folder in TMPDIR, or in /tmp, that no other user can read. It is removed however the block ends.

    The folders that killed runs have left are removed first.
    """
    _sweep(Path(tempfile.gettempdir()))
    folder, lock = _new()
    try:
        yield folder
    finally:
        _remove(folder)
        lock.release()


def _new() -> tuple[Path, Lock]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock = try_to_hold(folder / LOCK_NAME)
        if lock is not None:  # otherwise another run took it for one that a killed run had left
            return folder, lock


def _remove(folder: Path) -> None:
    """Remove a folder, the lock last: without it, `_sweep` would not find what is left if this process is killed."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name != LOCK_NAME:
                path.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _sweep(parent: Path) -> None:
    for path in parent.glob(f"{PREFIX}*/{LOCK_NAME}"):
        with suppress(OSError):
            if path.stat().st_uid == os.getuid() and (lock := try_to_hold(path)) is not None:
                if lock.is_exclusive:
                    _remove(path.parent)
                lock.leave()
