"""A file that one process at a time holds: the right to build the pool it stands beside."""

import errno
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

# What a file system answers that has no locks, as some network file systems.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@dataclass(frozen=True)
class Lock:
    """A held lock. It falls with the process, however that ends; the file stays until it is released."""

    path: Path
    is_exclusive: bool  # False where the file system has no locks, so that others may hold it too
    _descriptor: int

    def release(self) -> None:
        self.path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def leave(self) -> None:
        """Let go of it, and leave the file to others that may hold it."""
        os.close(self._descriptor)


def try_to_hold(path: Path) -> Lock | None:
    """Make the file where it is missing, and hold it; None where another process does."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        is_exclusive = True
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                os.close(descriptor)
                raise
            is_exclusive = False
        if _is_still(path, descriptor):
            return Lock(path, is_exclusive, descriptor)
        os.close(descriptor)  # whoever held it removed the file meanwhile


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
