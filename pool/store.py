"""The pool CSV and its manifest, as one run changes them.

A cycle's rows go to a part file of their own. Once that is whole, the manifest names it, and the cycle outlives any
crash. When its turn has come, its rows are copied to the end of the CSV, the manifest says so, and the part goes.
Whatever breaks off is undone or done again by the next run (pool/resume.py).
"""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from pool.disk import CHUNK_BYTES, sync_folder
from pool.errors import PoolError
from pool.lock import Lock
from pool.manifest import CycleRecord, Manifest, manifest_path, write_manifest
from pool.plan import CyclePlan


@dataclass(frozen=True, kw_only=True)
class PoolResult:
    """A finished pool: the CSV, its manifest, the number of rows, its cycles, and how many of them are new."""

    path: Path
    manifest: Path
    rows: int
    cycles: tuple[CycleRecord, ...]
    new_cycles: int


class PoolFile:
    """A pool that this process may add cycles to while it holds the lock, or a complete one, without a lock.

    checksum: of the CSV, as far as the manifest's cycles reach.
    """

    def __init__(self, path: Path, manifest: Manifest, *, lock: Lock | None, checksum: "hashlib._Hash") -> None:
        self.path, self.manifest = path, manifest
        self._found_cycles = len(manifest.cycles)
        self._lock, self._checksum = lock, checksum

    def missing(self) -> list[CyclePlan]:
        """The cycles that are still to be trained."""
        return [cycle for cycle in self.manifest.plan if cycle.number not in self.manifest.cycles]

    def new_part(self, cycle: CyclePlan) -> Path:
        """A name for the rows of a cycle that no other process uses, wherever it runs."""
        return self.path.with_name(f"{self.path.stem}_cycle{cycle.number}_{uuid4().hex[:8]}.part")

    def keep(self, cycle: CycleRecord) -> None:
        """Make a cycle last whose rows are whole in its part file, and add all rows whose turn has come."""
        self._record(self.manifest.having(cycle))
        self.add_waiting()

    def add_waiting(self) -> None:
        """Add the waiting rows whose turn has come."""
        while (cycle := self.manifest.cycles.get(len(self.manifest.added()) + 1)) is not None:
            self._add(cycle)

    def score(self, number: int, accuracy: float) -> CycleRecord:
        """Note the accuracy of a finished cycle."""
        cycle = replace(self.manifest.cycles[number], accuracy=accuracy)
        self._record(self.manifest.having(cycle))
        return cycle

    def result(self) -> PoolResult:
        return PoolResult(
            path=self.path,
            manifest=manifest_path(self.path),
            rows=self.manifest.rows(),
            cycles=tuple(self.manifest.added()),
            new_cycles=len(self.manifest.cycles) - self._found_cycles,
        )

    def close(self) -> None:
        """Remove what no finished cycle needs, and leave the pool to others."""
        if self._lock is not None:
            if self._lock.is_exclusive:
                remove_strays(self.path, self.manifest)
            self._lock.release()

    def _add(self, cycle: CycleRecord) -> None:
        start, part, checksum = self.manifest.end(), cycle.part_beside(self.path), self._checksum.copy()
        size = self.path.stat().st_size if self.path.exists() else 0
        if size != start:
            raise PoolError(f"{self.path}: {size:,} bytes instead of {start:,}; another program has changed it")
        try:
            with part.open("rb") as rows, self.path.open("ab") as pool:
                while chunk := rows.read(CHUNK_BYTES):
                    pool.write(chunk)
                    checksum.update(chunk)
                pool.flush()
                os.fsync(pool.fileno())
        except BaseException:
            self._cut(start)
            raise
        sync_folder(self.path.parent)
        self._checksum = checksum
        self._record(replace(self.manifest.having(replace(cycle, start=start, part=None)), sha256=checksum.hexdigest()))
        part.unlink()

    def _cut(self, end: int) -> None:
        with suppress(FileNotFoundError):
            if end:
                os.truncate(self.path, end)
            else:
                self.path.unlink()

    def _record(self, manifest: Manifest) -> None:
        write_manifest(manifest, self.path)
        self.manifest = manifest


def remove_strays(pool: Path, manifest: Manifest | None) -> None:
    """Remove what was broken off: files of cycles that the manifest of a pool does not name, and half a manifest."""
    waiting = {cycle.part for cycle in manifest.waiting()} if manifest else set()
    for ending in ("_cycle*.part", "_cycle*.log", "_manifest.json.part"):
        for path in pool.parent.glob(f"{pool.stem}{ending}"):
            if path.name not in waiting:
                path.unlink(missing_ok=True)
