"""The pool CSV and its manifest, as one run changes them.

The rows of each cycle go to a part file. Once a part is complete, the manifest names it, and the cycle survives any
crash. Once all cycles are there, their parts are joined to the CSV, which appears complete or not at all. The next run
removes half-written files and repeats unfinished cycles (`resume`).
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from pool.files import Lock, replacing
from pool.parameters import CyclePlan
from pool.storage.manifest import CycleRecord, Manifest, manifest_path, read_manifest, write_manifest

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class PoolResult:
    """A finished pool: the CSV, its number of rows, its cycles in order, and how many of them are new."""

    path: Path
    rows: int
    cycles: tuple[CycleRecord, ...]
    new_cycles: int

    @property
    def made_by(self) -> str:
        """Which run trained cycles of this pool last."""
        return "this run" if self.new_cycles else "an earlier run"


class PoolFile:
    """A pool. Only the process that holds its lock may add cycles to it. A finished pool has no lock."""

    def __init__(self, path: Path, manifest: Manifest, *, lock: Lock | None) -> None:
        self.path, self.manifest = path, manifest
        self._found_cycles, self._lock = len(manifest.cycles), lock

    def missing(self) -> list[CyclePlan]:
        """Return the cycles that are still to be trained."""
        return [cycle for cycle in self.manifest.plan if cycle.number not in self.manifest.cycles]

    def new_part(self, cycle: CyclePlan) -> Path:
        """Return a path for the rows of a cycle. No other process, on any machine, uses it."""
        return self.path.with_name(f"{self.path.stem}_cycle{cycle.number}_{uuid4().hex[:8]}.part")

    def keep(self, cycle: CycleRecord) -> None:
        """Record a cycle whose rows are complete in its part file, or replace its record by a fuller one."""
        self._record(self.manifest.with_cycle(cycle))

    def finish(self) -> PoolResult:
        """Join the parts of all cycles to the CSV, unless that is done already."""
        cycles = [self.manifest.cycles[number] for number in sorted(self.manifest.cycles)]
        if not self.manifest.is_complete:
            parts = [self.path.with_name(cycle.part) for cycle in cycles]
            self._record(replace(self.manifest, sha256=_join(parts, self.path)))
            for part in parts:
                part.unlink()
        rows = sum(cycle.rows for cycle in cycles)
        new_cycles = len(cycles) - self._found_cycles
        return PoolResult(path=self.path, rows=rows, cycles=tuple(cycles), new_cycles=new_cycles)

    def close(self) -> None:
        """Remove the files that no finished cycle needs, and leave the pool to others."""
        if self._lock is not None:
            if self._lock.is_exclusive:
                # The file: an interrupt may have come after it was replaced, and before this object knew of it.
                remove_strays(self.path, read_manifest(manifest_path(self.path)) or self.manifest)
            self._lock.release()

    def _record(self, manifest: Manifest) -> None:
        write_manifest(manifest, self.path)
        self.manifest = manifest


def remove_strays(pool: Path, manifest: Manifest | None) -> None:
    """Remove half-written files, and files of cycles that the manifest does not name."""
    needed = {cycle.part for cycle in manifest.cycles.values()} if manifest and not manifest.is_complete else set()
    for pattern in ("_cycle*.part", "_manifest.json.part", ".csv.part"):
        for path in pool.parent.glob(f"{pool.stem}{pattern}"):
            if path.name not in needed:
                path.unlink(missing_ok=True)


def _join(parts: list[Path], path: Path) -> str:
    """Write the files one after the other into one file, and return its SHA-256 checksum."""
    checksum = hashlib.sha256()
    with replacing(path) as pool:
        for part in parts:
            with part.open("rb") as rows:
                while chunk := rows.read(CHUNK_BYTES):
                    pool.write(chunk)
                    checksum.update(chunk)
    return checksum.hexdigest()
