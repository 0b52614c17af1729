"""The temporary folder of a training: the training data in another form lies there, so nothing of it must stay."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pool.lock import Lock, try_to_hold

PREFIX = "pool-"
LOCK_NAME = "lock"


@contextmanager
def workspace() -> Iterator[Path]:
    """A new folder below TMPDIR, or /tmp, that no other user can read; removed at the end, however the block ends.

    Those that killed runs have left go at once.
    """
    _sweep(Path(tempfile.gettempdir()))
    folder, lock = _new()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def _new() -> tuple[Path, Lock]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock = try_to_hold(folder / LOCK_NAME)
        if lock is not None:  # or else another run takes it for one that was left
            return folder, lock


def _sweep(parent: Path) -> None:
    for path in parent.glob(f"{PREFIX}*/{LOCK_NAME}"):
        with suppress(OSError):
            if path.stat().st_uid == os.getuid() and (lock := try_to_hold(path)) is not None:
                if lock.is_exclusive:
                    shutil.rmtree(path.parent, ignore_errors=True)
                lock.leave()
