import signal

import pytest

from pool import memory
from pool.memory import KernelWatch, speaks_of_memory


@pytest.mark.parametrize(
    ("text", "is_of_memory"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB", True),
        ("RuntimeError: [enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory", True),
        ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 8.00 TiB for an array", True),
        ("MemoryError", True),
        ("OSError: [Errno 12] Cannot allocate memory", True),
        ("ValueError: model MOSTLY_AI/Huge not supported", False),
        ("", False),
    ],
)
def test_errors_of_memory_are_told_by_their_text(text, is_of_memory):
    assert speaks_of_memory(text) is is_of_memory


@pytest.mark.parametrize(
    ("before", "after", "status", "expected"),
    [
        ("oom_kill 3", "oom_kill 4", -signal.SIGKILL, True),
        ("oom_kill 3", "oom_kill 3", -signal.SIGKILL, False),
        ("oom_kill 3", "oom_kill 4", -signal.SIGTERM, False),
        ("oom_kill 3", "oom_kill 4", None, False),
        ("pgfault 1", "pgfault 2", -signal.SIGKILL, False),
    ],
)
def test_the_kernel_s_kills_are_told_from_others(tmp_path, monkeypatch, before, after, status, expected):
    counts = tmp_path / "vmstat"
    monkeypatch.setattr(memory, "KERNEL_COUNTS", counts)
    counts.write_text(f"nr_free_pages 7\n{before}\n")
    watch = KernelWatch()
    counts.write_text(f"nr_free_pages 7\n{after}\n")
    assert watch.has_killed(status) is expected


def test_without_counts_nobody_was_killed_by_the_kernel(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "KERNEL_COUNTS", tmp_path / "missing")
    assert not KernelWatch().has_killed(-signal.SIGKILL)
