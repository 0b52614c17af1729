"""Files that survive a power cut, and a lock that one process at a time can hold."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

# The answers of file systems without locks, such as some network file systems.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write in place of `path`. At any moment the name stands for the old file or the whole new one."""
    new = path.with_name(f"{path.name}.part")
    try:
        with new.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, if the file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems cannot, and do not need to
        pass
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 checksum of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Lock:
    """A lock file that this process holds until it releases it or ends.

    is_exclusive: False if the file system has no locks, so that another process may hold the same file.
    """

    path: Path
    is_exclusive: bool
    _lock: FileLock

    def release(self) -> None:
        """Remove the file, then let go of it."""
        self.path.unlink(missing_ok=True)
        self._lock.release()

    def leave(self) -> None:
        """Let go of the file and leave it in place."""
        self._lock.release()


def try_to_hold(path: Path) -> Lock | None:
    """Create the lock file if it is missing, and hold it. Returns None if another process holds it."""
    lock = FileLock(path, blocking=False, thread_local=False, fallback_to_soft=False)
    while True:
        try:
            lock.acquire()
            return Lock(path, True, lock)
        except Timeout:
            if path.exists():  # otherwise the process that held it has just removed it
                return None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
            return Lock(path, False, lock)
