"""Runs the reading and the selection as `main.py --pool` does, and measures every stage."""

import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.command import TO_SAVE_MEMORY, RunError
from benchmarks.memory import PeakMemory
from postprocess.data.binning import fit_binning
from postprocess.data.codes import Codes
from postprocess.data.encoding import read_codes
from postprocess.data.sources import open_source
from postprocess.runtime.progress import open_progress
from postprocess.runtime.stages import Journal
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.select import select


@dataclass(frozen=True)
class Case:
    """What a selection works on: the codes of both files, and the number of codes of each column."""

    training: Codes
    pool: Codes
    n_codes: np.ndarray


@dataclass(frozen=True)
class StageFacts:
    """A measured stage. It lasts from the end of the stage before. rows: the number of rows that it leaves."""

    name: str
    seconds: float
    rows: int
    peak_memory_bytes: int


@dataclass(frozen=True)
class Run:
    """A measured run. accuracy: shares by step and order. curve: (seconds since the selection began, overall)."""

    stages: tuple[StageFacts, ...]
    seconds: float
    peak_memory_bytes: int
    memory_method: str
    accuracy: dict[str, dict[str, float | None]]
    curve: tuple[tuple[float, float], ...]
    warnings: tuple[str, ...]

    def as_dict(self) -> dict:
        """Return plain values, for JSON."""
        return asdict(self)


def read_case(training_path: Path, pool_path: Path, *, threads: int | None = None, journal: Journal) -> Case:
    """Read both files as codes, in two stages of the journal. Raises InputError if a file cannot be used."""
    progress = journal.progress
    with journal.stage("reading") as stage:
        training_source = open_source(training_path, role="training")
        binning = fit_binning(training_source, progress=progress)
        training = read_codes(training_source, binning, progress=progress, threads=threads)
        stage.rows = training.n_rows
    with journal.stage("reading the pool") as stage:
        pool_source = open_source(pool_path, role="pool")
        pool = read_codes(pool_source, binning, progress=progress, threads=threads, at_least=training.n_rows)
        stage.rows = pool.n_rows
    return Case(training, pool, binning.n_codes)


def run_here(training_path: Path, pool_path: Path, parameters: SelectionParameters) -> Run:
    """Read and select in this process, and measure both. Raises InputError if a file cannot be used."""
    journal = Journal(open_progress(sys.stderr))
    with PeakMemory() as memory:
        started = time.monotonic()
        case = read_case(training_path, pool_path, threads=parameters.threads, journal=journal)
        selection = select(case.training, case.pool, case.n_codes, parameters, journal=journal)
    starts = [started, *(stage.ended for stage in journal.stages)]
    stages = tuple(
        StageFacts(stage.name, stage.ended - start, stage.rows, memory.between(start, stage.ended))
        for start, stage in zip(starts[:-1], journal.stages, strict=True)
    )
    return Run(
        stages=stages,
        seconds=sum(stage.seconds for stage in stages),
        peak_memory_bytes=max(stage.peak_memory_bytes for stage in stages),
        memory_method=memory.method,
        accuracy={step: accuracy.as_dict() for step, accuracy in selection.accuracy.items()},
        curve=selection.curve,
        warnings=tuple(journal.warnings),
    )


def run_apart(training_path: Path, pool_path: Path, parameters: SelectionParameters) -> Run:
    """Do what `run_here` does in a process of its own, so that no other work counts in its memory.

    Raises RunError if that process runs out of memory or is killed.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        try:
            return process.submit(run_here, training_path, pool_path, parameters).result()
        except (BrokenProcessPool, MemoryError) as error:
            raise RunError(
                f"{training_path}, {pool_path}: the measured process ran out of memory or was killed; {TO_SAVE_MEMORY}"
            ) from error
