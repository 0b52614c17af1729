"""Runs cycles one after the other, or several at once if the cores and the memory of this machine allow it."""

import os
import subprocess
from collections import abc, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from pool.cycle import FAILURES, FinishedCycle, run_cycle, run_cycle_in_little_memory
from pool.cycle_writer import TrainingRows
from pool.errors import OutOfMemoryError
from pool.on_dask import run_on_dask
from pool.parameters import AT_ONCE, DASK, CyclePlan
from pool.protocols import Progress, Train

MIB, GIB = 2**20, 2**30

# What a cycle needs, measured with Large generators of 29 and 140 columns and batches of 64 to 1,024 rows on a CPU.
ENGINE_BYTES = 5 * GIB // 4  # torch and the engine
BYTES_PER_BATCH_VALUE = 48 * 1024  # what backpropagation keeps for each value (row times column) of a batch
BYTES_PER_VALUE = 100  # of the training data, which the engine holds in several forms
GPU_CAUTION = 1.5  # no GPU has been measured, so its memory has to hold this multiple of what a CPU needs
GPU_QUERY = ("nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits")
GPU_QUERY_SECONDS = 20.0

Cycles = Sequence[tuple[CyclePlan, Path]]


@dataclass(frozen=True)
class Machine:
    """What decides how many cycles run at once. gpu_bytes: the least free memory of any GPU; None without a GPU."""

    cores: int
    memory_bytes: int
    gpu_bytes: int | None

    @classmethod
    def here(cls, memory_bytes: int) -> "Machine":
        """Describe this machine. memory_bytes: its free memory."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return cls(cores, memory_bytes, _free_gpu_bytes())

    def cycles_at_once(self, *, n_rows: int, n_columns: int, batch_size: int) -> int:
        """Return how many cycles this machine can hold. n_columns: includes the indicators of missing values."""
        training_bytes = ENGINE_BYTES + BYTES_PER_BATCH_VALUE * batch_size * n_columns
        by_memory = self.memory_bytes // (training_bytes + BYTES_PER_VALUE * n_rows * n_columns)
        by_gpu = self.cores if self.gpu_bytes is None else int(self.gpu_bytes // (GPU_CAUTION * training_bytes))
        return max(1, min(self.cores, by_memory, by_gpu))


def run_cycles(
    cycles: Cycles, training: TrainingRows, train: Train, *, backend: str | None, memory_bytes: int, progress: Progress
) -> abc.Generator[FinishedCycle, None, None]:
    """Yield each cycle when it is finished, in any order. `cycles`: each plan with the file that the cycle writes.

    backend: "auto" runs several cycles at once if the cores and the memory of this machine allow it, None runs one
        after the other. "dask" uses the scheduler at DASK_SCHEDULER_ADDRESS, or starts a local one; all its machines
        must see the files under the same paths and have this project and its packages.
    memory_bytes: memory that is free on this machine.

    Raises PoolError if a cycle fails. The cycles that run beside it are finished and yielded first.
    """
    if backend == DASK:
        yield from run_on_dask(cycles, training, train, progress)
        return
    at_once = 1
    if backend == AT_ONCE and len(cycles) > 1:
        n_rows, n_columns = training.with_indicators.shape
        batch_size = max(plan.batch_size for plan, _ in cycles)
        machine = Machine.here(memory_bytes)
        at_once = min(len(cycles), machine.cycles_at_once(n_rows=n_rows, n_columns=n_columns, batch_size=batch_size))
        if at_once < len(cycles):
            progress.log(f"cycles run {at_once} at a time: more do not fit the cores or the free memory")
    yield from _run_here(cycles, training, train, at_once, progress)


def _run_here(
    cycles: Cycles, training: TrainingRows, train: Train, at_once: int, progress: Progress
) -> Iterator[FinishedCycle]:
    """Run the cycles in threads; each thread only waits for the process of its generator.

    If memory runs out while several cycles run, the cycle that failed is run again when it is alone. Its rows therefore
    do not depend on what ran beside it.
    """
    waiting, failures, stop = deque(cycles), list[BaseException](), Event()
    running: dict[Future[FinishedCycle], tuple[tuple[CyclePlan, Path], bool]] = {}  # the flag: others run beside it
    with ThreadPoolExecutor(at_once, thread_name_prefix="cycle") as executor:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    cycle = waiting.popleft()
                    run = run_cycle if at_once > 1 else run_cycle_in_little_memory
                    running[executor.submit(run, *cycle, training, train, progress, stop)] = cycle, at_once > 1
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    cycle, was_beside_others = running.pop(future)
                    error = future.exception()
                    if isinstance(error, OutOfMemoryError) and was_beside_others and not failures:
                        progress.log(f"warning: {error}; from here on, cycles run one after the other")
                        waiting.append(cycle)
                        at_once = 1
                    elif isinstance(error, FAILURES):
                        if running:
                            progress.log(f"warning: {error}; the cycles that run beside it are finished first")
                        failures.append(error)
                        waiting.clear()
                    else:
                        yield future.result()
        finally:
            stop.set()
    if failures:
        raise failures[0]


def _free_gpu_bytes() -> int | None:
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return None
    try:
        answer = subprocess.run(GPU_QUERY, capture_output=True, text=True, timeout=GPU_QUERY_SECONDS, check=True)
        return min(int(line) * MIB for line in answer.stdout.split())
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
