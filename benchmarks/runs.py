"""Runs the reading and the selection as `main.py --pool` does, and measures every stage."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest import mock

import numpy as np

from benchmarks.memory import PeakMemory
from postprocess import selection as selecting
from postprocess.binning import fit
from postprocess.codes import Codes, read_codes
from postprocess.files import open_source
from postprocess.parameters import SelectionParameters
from postprocess.progress import Progress, open_progress
from postprocess.selection import Stage


@dataclass(frozen=True)
class Case:
    """What a selection works on: the codes of both tables, and the number of codes of each column."""

    training: Codes
    pool: Codes
    sizes: np.ndarray


@dataclass(frozen=True)
class StageFacts:
    """A measured stage, from the end of the one before: seconds, rows that came out of it, most memory held."""

    name: str
    seconds: float
    rows: int
    peak_memory_bytes: int


@dataclass(frozen=True)
class Run:
    """A measured run. accuracy: shares by step and level. curve: (seconds since the selection began, overall)."""

    stages: tuple[StageFacts, ...]
    seconds: float
    peak_memory_bytes: int
    memory_method: str
    accuracy: dict[str, dict[str, float | None]]
    curve: tuple[tuple[float, float], ...]
    warnings: tuple[str, ...]

    def as_dict(self) -> dict:
        """Plain values, for JSON."""
        return asdict(self)


class _Timeline:
    """When each stage ended (time.monotonic), and the rows that came out of it; the first starts now."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.ends: list[tuple[str, float, int]] = []

    def end(self, name: str, rows: int) -> None:
        """This stage ends now."""
        self.ends.append((name, time.monotonic(), rows))

    def stage(self, name: str, seconds: float, rows: int, status: dict[str, object]) -> Stage:
        """Makes the selection's stages, which it does as each one ends."""
        self.end(name, rows)
        return Stage(name, seconds, rows, status)

    def facts(self, memory: PeakMemory) -> tuple[StageFacts, ...]:
        """The stages, measured."""
        starts = [self.started, *(ended for _, ended, _ in self.ends)]
        return tuple(
            StageFacts(name, ended - started, rows, memory.between(started, ended))
            for started, (name, ended, rows) in zip(starts[:-1], self.ends, strict=True)
        )


def read_case(
    training_path: Path, pool_path: Path, *, progress: Progress, ended: Callable[[str, int], None] | None = None
) -> Case:
    """Both files as codes. `ended` is told the name and rows of each of the two stages when it is over.

    Raises InputError where a file cannot be used.
    """
    ended = ended or (lambda name, rows: None)
    training_source = open_source(training_path, role="training")
    binning = fit(training_source, progress=progress)
    training = read_codes(training_source, binning, progress=progress)
    ended("reading", training.n_rows)
    pool = read_codes(open_source(pool_path, role="pool"), binning, progress=progress, at_least=training.n_rows)
    ended("reading the pool", pool.n_rows)
    return Case(training, pool, binning.sizes)


def run_here(training_path: Path, pool_path: Path, parameters: SelectionParameters) -> Run:
    """Read, select, and measure all of it, in this process; raises InputError where a file cannot be used."""
    progress = open_progress(sys.stderr)
    with PeakMemory() as memory:
        timeline = _Timeline()
        case = read_case(training_path, pool_path, progress=progress, ended=timeline.end)
        with mock.patch.object(selecting, "Stage", timeline.stage):
            selection = selecting.select(case.training, case.pool, case.sizes, parameters, progress=progress)
        timeline.end("finishing", len(selection.rows))
    stages = timeline.facts(memory)
    return Run(
        stages=stages,
        seconds=sum(stage.seconds for stage in stages),
        peak_memory_bytes=max(stage.peak_memory_bytes for stage in stages),
        memory_method=memory.method,
        accuracy={step: accuracy.as_dict() for step, accuracy in selection.accuracy.items()},
        curve=selection.curve,
        warnings=selection.warnings,
    )


def run_apart(training_path: Path, pool_path: Path, parameters: SelectionParameters) -> Run:
    """As `run_here`, in a process of its own, whose memory nothing else has touched."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(run_here, training_path, pool_path, parameters).result()
