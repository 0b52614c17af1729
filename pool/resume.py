"""Which pool a run builds: one that an earlier run has left, where its rows are those that are wanted, or a new one."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pool.disk import CHUNK_BYTES, sha256_of
from pool.lock import Lock, try_to_hold
from pool.manifest import CycleRecord, Manifest, manifest_path, pool_path, read_manifest
from pool.protocols import Progress
from pool.store import PoolFile, remove_strays


@contextmanager
def open_pool(folder: Path, wanted: Manifest, *, time: datetime, progress: Progress) -> Iterator[PoolFile]:
    """The pool in `folder` that is to be built, with all its finished cycles.

    It is the pool of the same training data, cycles and package versions that has most of its cycles, the newest one of
    several; what a crash has left half-written there is taken away. A pool that another run is building, and one whose
    bytes are not those that its manifest tells of, stay as they are. Where there is none, or no training_sha256 to tell
    by, it is a new one, under a name of the given time that is free.
    """
    _sweep(folder)
    pool = _continued(folder, wanted, progress) or _new(folder, wanted, time)
    try:
        yield pool
    finally:
        pool.close()


def _continued(folder: Path, wanted: Manifest, progress: Progress) -> PoolFile | None:
    if wanted.training_sha256 is None:
        return None
    paths = sorted(folder.glob("flat_pool_*_manifest.json"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    known = [(pool_path(path), manifest) for path in paths if (manifest := read_manifest(path)) is not None]
    fitting = [(path, manifest) for path, manifest in known if manifest.difference(wanted) is None]
    for path, manifest in sorted(fitting, key=lambda entry: -len(entry[1].cycles)):
        pool = _whole(path, manifest, progress) if manifest.is_complete else _unfinished(path, wanted, progress)
        if pool is not None:
            return pool
    if known and not fitting:
        path, manifest = known[0]
        progress.log(f"starting a new pool: {path.name} has {manifest.difference(wanted)}")
    return None


def _whole(path: Path, manifest: Manifest, progress: Progress) -> PoolFile | None:
    checksum = _checksum(path, manifest)
    if checksum is None or path.stat().st_size != manifest.end():
        _mistrust(path, progress)
        return None
    progress.log(
        f"re-using {path.name}, complete with {_cycles(manifest)} of this training data and these parameters; "
        "change the pool's seed for a new one"
    )
    return PoolFile(path, manifest, lock=None, checksum=checksum)


def _unfinished(path: Path, wanted: Manifest, progress: Progress) -> PoolFile | None:
    lock = try_to_hold(_lock_path(path))
    if lock is None:
        progress.log(f"{path.name} is not used: another run is building it")
        return None
    if not lock.is_exclusive:
        progress.log(f"warning: no locks in {path.parent}: see to it that no other run uses that folder")
    try:
        pool = _taken_up(path, wanted, lock, progress)
    except BaseException:
        lock.release()
        raise
    if pool is None:
        lock.release()
    return pool


def _taken_up(path: Path, wanted: Manifest, lock: Lock, progress: Progress) -> PoolFile | None:
    manifest = read_manifest(manifest_path(path))  # once more: now nobody else changes it
    if manifest is None or manifest.difference(wanted) is not None:
        return None
    checksum = _checksum(path, manifest)
    if checksum is None:
        _mistrust(path, progress)
        return None
    surplus = path.stat().st_size - manifest.end() if path.exists() else 0
    if surplus:
        os.truncate(path, manifest.end())
        progress.log(f"{path.name}: {surplus:,} bytes of a half-written cycle are taken away")
    manifest = manifest.without(cycle.number for cycle in manifest.waiting() if not _is_whole(path, cycle))
    progress.log(f"re-using {_cycles(manifest)} of {len(manifest.plan)} in {path.name}")
    manifest = replace(manifest, parameters=wanted.parameters)
    return PoolFile(path, manifest, lock=lock, checksum=checksum)


def _mistrust(path: Path, progress: Progress) -> None:
    progress.log(f"{path.name} is not used: its bytes are not those that its manifest tells of")


def _cycles(manifest: Manifest) -> str:
    numbers = sorted(manifest.cycles)
    return f"cycle{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}" if numbers else "no cycle"


def _new(folder: Path, wanted: Manifest, time: datetime) -> PoolFile:
    stem, number = f"flat_pool_{time:%Y%m%d_%H%M}", 1
    while True:
        path = folder / f"{stem if number == 1 else f'{stem}_{number}'}.csv"
        if not _is_taken(path) and not _lock_path(path).exists():
            lock = try_to_hold(_lock_path(path))
            if lock is not None and not _is_taken(path):
                return PoolFile(path, wanted, lock=lock, checksum=hashlib.sha256())
            if lock is not None:
                lock.release()
        number += 1


def _is_taken(path: Path) -> bool:
    return os.path.lexists(path) or os.path.lexists(manifest_path(path))


def _lock_path(path: Path) -> Path:
    return path.with_suffix(".lock")


def _sweep(folder: Path) -> None:
    """Remove what runs that were killed have left of cycles that were not finished."""
    for lock_path in folder.glob("flat_pool_*.lock"):
        lock = try_to_hold(lock_path)
        if lock is not None and lock.is_exclusive:
            path = lock_path.with_suffix(".csv")
            manifest = read_manifest(manifest_path(path))
            if manifest is None and manifest_path(path).exists():  # unreadable now, it may name what waits
                lock.leave()
                continue
            remove_strays(path, manifest)
            lock.release()
        elif lock is not None:
            lock.leave()


def _is_whole(pool: Path, cycle: CycleRecord) -> bool:
    part = cycle.part_beside(pool)
    return part.is_file() and sha256_of(part) == cycle.sha256


def _checksum(path: Path, manifest: Manifest) -> "hashlib._Hash | None":
    """The checksum of the CSV as far as its cycles reach; None where a cycle's bytes are not its own."""
    whole = hashlib.sha256()
    if not manifest.added():
        return whole
    try:
        with path.open("rb") as file:
            for cycle in manifest.added():
                of_cycle, left = hashlib.sha256(), cycle.size
                while left and (chunk := file.read(min(left, CHUNK_BYTES))):
                    of_cycle.update(chunk)
                    whole.update(chunk)
                    left -= len(chunk)
                if of_cycle.hexdigest() != cycle.sha256:
                    return None
    except FileNotFoundError:
        return None
    return whole
