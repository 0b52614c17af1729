import os

import pytest

from pool.gpu import LOOK_SECONDS, GpuMemory


@pytest.fixture
def nvidia_smi(tmp_path, monkeypatch):
    """Put a program of that name on the path; returns a function that says what it does."""
    program = tmp_path / "nvidia-smi"
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    def does(lines):
        program.write_text(f"#!/bin/sh\n{lines}\n")
        program.chmod(0o755)

    return does


def test_the_peak_of_what_is_looked_at_now_and_then(nvidia_smi):
    now = LOOK_SECONDS
    memory = GpuMemory("GPU-1", clock=lambda: now)
    for used in (1000, 3000, 2000):
        nvidia_smi(f'test "$1" = --id=GPU-1 && echo {used}')
        memory.look()
        nvidia_smi("echo 9000")
        memory.look()  # too early
        now += LOOK_SECONDS
    assert memory.peak_bytes == 3000 * 2**20


@pytest.mark.parametrize("answer", ["exit 9", "echo '[N/A]'", "echo"])
def test_no_answer_is_no_figure(nvidia_smi, answer):
    nvidia_smi(answer)
    memory = GpuMemory("GPU-1")
    memory.look()
    assert memory.peak_bytes is None


def test_without_a_gpu_nobody_is_asked(nvidia_smi):
    nvidia_smi("echo 1000")
    memory = GpuMemory(None)
    memory.look()
    assert memory.peak_bytes is None
