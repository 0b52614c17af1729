"""Files that outlive a power cut."""

import hashlib
import os
from pathlib import Path

CHUNK_BYTES = 1 << 20


def write_whole(path: Path, text: str) -> None:
    """Write a text file in place of the one before: at any moment the name stands for one of the two, whole."""
    new = path.with_name(f"{path.name}.part")
    try:
        with new.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names given and taken in a folder last, where the file system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError:  # some network file systems cannot, and have no need to
        pass
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
