"""Whether memory and disk suffice, checked before hours of work rather than after.

The estimates count what is sure to be needed and leave out what may be needed. A run that is refused would have failed.
A run that is let through may still fail.
"""

import resource
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import psutil

from postprocess.data.binning import Binning
from postprocess.data.result_csv import csv_lines
from postprocess.data.sources import Source
from postprocess.runtime.exits import InputError
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.rounding import subset_size
from postprocess.selection.table_budget import GIB
from postprocess.selection.targets import prior_rows
from postprocess.tables.counts import CELL
from postprocess.tables.layout import Layout
from postprocess.tables.table_pass import number_of_tables

MARGIN = 1.2  # of the disk: sampled rows may be longer than the training rows, and file systems need some room
PAGE_BYTES = 5_000_000  # of disk: the report, most of which is the library that draws its charts
GENERATOR_BYTES = GIB  # of memory: the least that the MOSTLY AI engine and torch take
CODE_BYTES, COUNTED_BYTES = 1, 3  # of a code as it is kept, and as it is counted
POOL_ROW_BYTES = 24  # of memory for each pool row beside its codes: fingerprint, weight and cell
_OWN_CGROUPS = Path("/proc/self/cgroup")
_CGROUPS = (  # of version 2, and of 1: controllers, mount, the files of limit and usage, prefix of reclaimable memory
    ("", Path("/sys/fs/cgroup"), "memory.max", "memory.current", ""),
    ("memory", Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"),
)


@dataclass(frozen=True)
class Needs:
    """Bytes that a run needs at least: of memory beyond what it holds already, and of disk below its output folder."""

    memory: int
    disk: int


@dataclass(frozen=True)
class FreeMemory:
    """Bytes of memory that are left, and what sets that limit."""

    memory: int
    limit: str


@dataclass(frozen=True)
class Preflight:
    """The checks of one run. Both raise InputError, with the figures, if memory, disk or pool do not suffice."""

    training: Source
    binning: Binning
    parameters: SelectionParameters
    folder: Path

    def before_training(self, pool_rows: int, written_rows: int) -> None:
        """Check the room for a pool of `pool_rows` rows. The disk has to take `written_rows` rows at once."""
        if (rows := self.parameters.rows or 0) > pool_rows:
            raise InputError(
                f"rows={rows}: the pool will have {pool_rows:,} rows only; raise sample_size, or ask for fewer"
            )
        needs = needs_of_training(
            self.binning.n_rows,
            self.binning.n_codes,
            pool_rows,
            self._row_bytes,
            self.parameters,
            written_rows=written_rows,
        )
        require_room(needs, self.folder)

    def before_selection(self, pool_rows: int) -> None:
        """Check the room for a selection from a pool whose codes are in memory already."""
        binning = self.binning
        needs = needs_of_selection(binning.n_rows, binning.n_codes, pool_rows, self._row_bytes, self.parameters)
        require_room(needs, self.folder)

    @cached_property
    def _row_bytes(self) -> float:
        return mean_row_bytes(self.training, self.binning)


def needs_of_training(
    n_rows: int,
    n_codes: np.ndarray,
    pool_rows: int,
    row_bytes: float,
    parameters: SelectionParameters,
    *,
    written_rows: int,
) -> Needs:
    """Return the needs of a run that still has to make its pool.

    n_rows: of the training data; n_codes: (n_columns,) number of codes of each column; pool_rows: of the whole pool;
    row_bytes: mean bytes of a training row as CSV; written_rows: rows that the disk has to take at once.
    """
    selection = needs_of_selection(n_rows, n_codes, pool_rows, row_bytes, parameters)
    codes = pool_rows * len(n_codes) * CODE_BYTES
    memory = max(GENERATOR_BYTES, codes + max(codes, selection.memory))  # codes are read in pieces, then joined
    return Needs(memory, selection.disk + int(written_rows * row_bytes * MARGIN))


def needs_of_selection(
    n_rows: int, n_codes: np.ndarray, pool_rows: int, row_bytes: float, parameters: SelectionParameters
) -> Needs:
    """Return the needs of a run that holds the codes of its pool already. The arguments: as above."""
    n_columns, tables, wanted = len(n_codes), 0, parameters.rows or n_rows
    subset = subset_size(wanted, pool_rows, parameters.trimming_data_multiplier)
    n_tables = int(number_of_tables(n_columns).sum())
    prior = prior_rows(n_rows, pool_rows, n_tables) if parameters.target_smoothing > 0 else 0
    counted = n_rows + max(prior, subset + wanted)  # for targets, and for subset and sample together
    if parameters.refinement_top_pairs is None and parameters.refinement_top_triples is None:
        cells = int(Layout(n_codes, n_columns, n_columns).order_start[-1]) * np.dtype(CELL).itemsize
        tables = min(cells, int(parameters.max_memory * GIB))
    memory = pool_rows * POOL_ROW_BYTES + counted * n_columns * COUNTED_BYTES + tables
    return Needs(memory, int(wanted * row_bytes * MARGIN) + PAGE_BYTES)


def require_room(needs: Needs, folder: Path) -> None:
    """Raise InputError, with the figures, if memory or the disk of `folder` (which need not exist) do not suffice."""
    free = available_memory()
    if needs.memory > free.memory:
        raise InputError(
            f"not enough memory: this run needs at least {_gigabytes(needs.memory)} more, but {free.limit} leaves "
            f"{_gigabytes(free.memory)}; lower sample_size (or bring a smaller pool), max_memory or "
            "trimming_data_multiplier"
        )
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free_disk = shutil.disk_usage(existing).free
    if needs.disk > free_disk:
        raise InputError(
            f"{folder}: not enough disk space: this run writes about {_gigabytes(needs.disk)}, but only "
            f"{_gigabytes(free_disk)} are left; make room, lower sample_size, or give another --output"
        )


def mean_row_bytes(source: Source, binning: Binning) -> float:
    """Return the mean bytes of the first rows as CSV, in the formats of `binning`."""
    batch = next(source.batches(binning.names))
    lines, _ = csv_lines(batch, binning)
    return len(lines) / batch.num_rows


def available_memory() -> FreeMemory:
    """Return the least of what the machine, the control groups and the process's address space have left."""
    machine = psutil.virtual_memory().available + psutil.swap_memory().free
    found = [FreeMemory(machine, "this machine")]
    found += [FreeMemory(left, "the control group") for left in _left_in_cgroups()]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        left = max(0, limit - psutil.Process().memory_info().vms)
        found.append(FreeMemory(left, "the limit on address space (ulimit -v)"))
    return min(found, key=lambda free: free.memory)


def _left_in_cgroups() -> Iterator[int]:
    """Yield the bytes left in each control group of this process that can be seen from here."""
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
    with suppress(OSError, ValueError):  # there is no such file, or it says "max"
        left = int((folder / limit).read_text()) - int((folder / usage).read_text())
        figures = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
        yield max(0, left + sum(int(figures.get(f"{reclaimable}{kind}_file", 0)) for kind in ("active", "inactive")))


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e10 else f"{size / 1e6:,.0f} MB"
