"""Whether disk and memory will do, told before hours of work rather than after.

The estimates count what is sure to be needed and leave out what only may be: a run that is refused would have failed,
one that is let through may still fail.
"""

import resource
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from postprocess.data.binning import Binning
from postprocess.data.result_csv import csv_lines
from postprocess.data.sources import Source
from postprocess.runtime.exits import InputError
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.rounding import oversize
from postprocess.selection.table_budget import GIB
from postprocess.selection.targets import PRIOR_MULTIPLE
from postprocess.tables.counts import CELL
from postprocess.tables.layout import Layout

MARGIN = 1.2  # of the disk: sampled rows may be longer than the training rows, and file systems need some room
PAGE_BYTES = 5_000_000  # of disk: the report, most of it the library that draws its charts
GENERATOR_BYTES = GIB  # of memory: the least that the MOSTLY AI engine and torch take
CODE_BYTES, COUNTED_BYTES = 1, 8  # of a code as it is kept, and as it is counted
POOL_ROW_BYTES = 24  # of memory for each pool row beside its codes: fingerprint, weight and cell
_OWN_CGROUPS = Path("/proc/self/cgroup")
_CGROUPS = (  # controllers, mount, the limit's and the usage's file, prefix of what can be given back: version 2, 1
    ("", Path("/sys/fs/cgroup"), "memory.max", "memory.current", ""),
    ("memory", Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
)


@dataclass(frozen=True)
class Needs:
    """Bytes that a run needs at least: of memory beyond what it holds already, and of disk below its output folder."""

    memory: int
    disk: int


@dataclass(frozen=True)
class Room:
    """Bytes of memory that are left, and who sets that limit."""

    memory: int
    limit: str


def needs_of_training(
    n_rows: int,
    sizes: np.ndarray,
    pool_rows: int,
    row_bytes: float,
    parameters: SelectionParameters,
    *,
    written_rows: int,
) -> Needs:
    """What a run needs that still has to make its pool.

    n_rows: of the training data; sizes: (n_columns,) number of codes of each column; pool_rows: of the whole pool;
    row_bytes: mean bytes of a training row as CSV; written_rows: as many as the disk has to take at once.
    """
    selection = needs_of_selection(n_rows, sizes, pool_rows, row_bytes, parameters)
    codes = pool_rows * len(sizes) * CODE_BYTES
    memory = max(GENERATOR_BYTES, codes + max(codes, selection.memory))  # read in pieces, then joined
    return Needs(memory, selection.disk + int(written_rows * row_bytes * MARGIN))


def needs_of_selection(
    n_rows: int, sizes: np.ndarray, pool_rows: int, row_bytes: float, parameters: SelectionParameters
) -> Needs:
    """What a run needs that holds the codes of its pool already; arguments as above."""
    n_columns, subset, tables = len(sizes), oversize(n_rows, pool_rows, parameters), 0
    prior = min(PRIOR_MULTIPLE * n_rows, pool_rows) if parameters.target_smoothing > 0 else 0
    counted = n_rows + max(prior, n_rows + subset)  # for the targets; later for measuring a sample and the subset
    if parameters.refinement_top_pairs is None and parameters.refinement_top_triples is None:
        cells = int(Layout(sizes, n_columns, n_columns).level_start[-1]) * np.dtype(CELL).itemsize
        tables = min(cells, int(parameters.max_memory * GIB))
    memory = pool_rows * POOL_ROW_BYTES + counted * n_columns * COUNTED_BYTES + tables
    return Needs(memory, int(n_rows * row_bytes * MARGIN) + PAGE_BYTES)


def require_room(needs: Needs, folder: Path) -> None:
    """Raises InputError, with the figures, where memory or the disk of `folder` (which need not exist) will not do."""
    room = available_memory()
    if needs.memory > room.memory:
        raise InputError(
            f"not enough memory: this run needs at least {_gigabytes(needs.memory)} more, but {room.limit} leaves "
            f"{_gigabytes(room.memory)}; lower sample_size (or bring a smaller pool), max_memory or "
            "trimming_data_multiplier"
        )
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if needs.disk > free:
        raise InputError(
            f"{folder}: not enough disk space: this run writes about {_gigabytes(needs.disk)}, but only "
            f"{_gigabytes(free)} are left; make room, lower sample_size, or give another --output"
        )


def mean_row_bytes(source: Source, binning: Binning) -> float:
    """Mean bytes of the first rows as CSV, in the formats of `binning`."""
    batch = next(source.batches(binning.names))
    lines, _ = csv_lines(batch, binning)
    return len(lines) / batch.num_rows


def available_memory() -> Room:
    """The least of what machine, control groups and the process's address space have left."""
    machine = psutil.virtual_memory().available + psutil.swap_memory().free
    rooms = [Room(machine, "this machine"), *(Room(left, "the control group") for left in _left_in_cgroups())]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        rooms.append(Room(max(0, limit - psutil.Process().memory_info().vms), "the limit on address space (ulimit -v)"))
    return min(rooms, key=lambda room: room.memory)


def _left_in_cgroups() -> Iterator[int]:
    """Bytes left in each control group that this process is in, as far as they can be seen from here."""
    try:
        lines = _OWN_CGROUPS.read_text().splitlines()
    except OSError:
        return
    own = dict(line.split(":", 2)[1:] for line in lines)  # by controllers; version 2 names none
    for controllers, mount, *names in _CGROUPS:
        group = mount / own.get(controllers, "/").lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(mount):
                yield from _left_in_cgroup(folder, *names)


def _left_in_cgroup(folder: Path, limit: str, usage: str, reclaimable: str) -> Iterator[int]:
    with suppress(OSError, ValueError):  # not there, or "max"
        left = int((folder / limit).read_text()) - int((folder / usage).read_text())
        figures = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        yield max(0, left + sum(int(figures.get(f"{reclaimable}{kind}_file", 0)) for kind in ("active", "inactive")))


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e10 else f"{size / 1e6:,.0f} MB"
