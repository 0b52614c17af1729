"""Finds the pool of an earlier run that fits the data, the parameters and the packages, or starts a new one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from pool.files import Lock, sha256_of, try_to_hold
from pool.protocols import Progress
from pool.storage.manifest import CycleRecord, Manifest, manifest_path, pool_path, read_manifest
from pool.storage.pool_file import PoolFile, remove_strays


@contextmanager
def open_pool(folder: Path, wanted: Manifest, *, suffix: str, time: datetime, progress: Progress) -> Iterator[PoolFile]:
    """Yield the pool in `folder` that is to be built, with all its finished cycles.

    It is the pool with the most cycles among those of the same training data, cycles and package versions, and the
    newest of several such pools. Half-written files of a crash are removed. A pool that another run is building stays
    as it is, and so does a pool whose bytes differ from its manifest. If no pool fits, or without a training_sha256,
    the pool is new. Its file is then called flat_pool_YYYYMMDD_HHMM{suffix}.csv, with a number if that name is taken.
    """
    _sweep(folder)
    pool = _continued(folder, wanted, progress) or _new(folder, f"flat_pool_{time:%Y%m%d_%H%M}{suffix}", wanted)
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
        pool = _finished(path, manifest, progress) if manifest.is_complete else _unfinished(path, wanted, progress)
        if pool is not None:
            return pool
    if known and not fitting:
        path, manifest = known[0]
        progress.log(f"starting a new pool: {path.name} has {manifest.difference(wanted)}")
    return None


def _finished(path: Path, manifest: Manifest, progress: Progress) -> PoolFile | None:
    if not path.is_file() or sha256_of(path) != manifest.sha256:
        progress.log(f"{path.name} is not used: its bytes differ from its manifest")
        return None
    progress.log(
        f"re-using {path.name}, complete with {_cycles(manifest)} of this training data and these parameters; "
        "change the pool's seed for a new one"
    )
    return PoolFile(path, manifest, lock=None)


def _unfinished(path: Path, wanted: Manifest, progress: Progress) -> PoolFile | None:
    lock = try_to_hold(_lock_path(path))
    if lock is None:
        progress.log(f"{path.name} is not used: another run is building it")
        return None
    if not lock.is_exclusive:
        progress.log(f"warning: no locks in {path.parent}: make sure that no other run uses that folder")
    try:
        pool = _taken_up(path, wanted, lock, progress)
    except BaseException:
        lock.release()
        raise
    if pool is None:
        lock.release()
    return pool


def _taken_up(path: Path, wanted: Manifest, lock: Lock, progress: Progress) -> PoolFile | None:
    manifest = read_manifest(manifest_path(path))  # once more: from here on nobody else changes it
    if manifest is None or manifest.difference(wanted) is not None or manifest.is_complete:
        return None
    cycles = {number: cycle for number, cycle in manifest.cycles.items() if _is_intact(path, cycle)}
    manifest = replace(manifest, cycles=cycles, parameters=wanted.parameters)
    progress.log(f"re-using {_cycles(manifest)} of {len(manifest.plan)} in {path.name}")
    return PoolFile(path, manifest, lock=lock)


def _cycles(manifest: Manifest) -> str:
    numbers = sorted(manifest.cycles)
    return f"cycle{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}" if numbers else "no cycle"


def _new(folder: Path, stem: str, wanted: Manifest) -> PoolFile:
    number = 1
    while True:
        path = folder / f"{stem if number == 1 else f'{stem}_{number}'}.csv"
        if not _is_taken(path) and not _lock_path(path).exists():
            lock = try_to_hold(_lock_path(path))
            if lock is not None and not _is_taken(path):
                return PoolFile(path, wanted, lock=lock)
            if lock is not None:
                lock.release()
        number += 1


def _is_taken(path: Path) -> bool:
    return os.path.lexists(path) or os.path.lexists(manifest_path(path))


def _lock_path(path: Path) -> Path:
    return path.with_suffix(".lock")


def _sweep(folder: Path) -> None:
    """Remove the files that killed runs have left of unfinished cycles."""
    for lock_path in folder.glob("flat_pool_*.lock"):
        lock = try_to_hold(lock_path)
        if lock is not None and lock.is_exclusive:
            path = lock_path.with_suffix(".csv")
            manifest = read_manifest(manifest_path(path))
            if manifest is None and manifest_path(path).exists():  # it may name the files, though it is unreadable now
                lock.leave()
                continue
            remove_strays(path, manifest)
            lock.release()
        elif lock is not None:
            lock.leave()


def _is_intact(pool: Path, cycle: CycleRecord) -> bool:
    part = pool.with_name(cycle.part)
    return part.is_file() and sha256_of(part) == cycle.sha256
