"""Tests that wrong parameters at the top of main.py are refused."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

import main
from tests.runs.support import PROJECT, call, complaint


def test_more_cycles_than_rows_to_sample_are_refused(training, output, capsys, monkeypatch):
    monkeypatch.setattr(main, "POOL", replace(main.POOL, train_iterations=1601))
    assert call(training, "--output", output) == 2
    assert complaint(capsys).startswith("main.py: train_iterations=1601: must be at most the number of rows to sample")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "facts"),
    [
        ("    sample_size=25.0", "    sample_size=0.5", ["sample_size=0.5: must be a number of at least 1"]),
        ("max_trimming_time=30.0", "max_trimming_time='long'", ["max_trimming_time='long'", "minutes"]),
        ("batch_size=None", "bach_sizes=1", ["PoolParameters", "'bach_sizes'", "'batch_size'"]),
        ("threads=None", "threads=none", ["line LINE", "'none'"]),
        ('"MOSTLY_AI/Large",', "MOSTLY_AI/Small,", ["line LINE", "'MOSTLY_AI'", "quotes"]),
    ],
)
def test_a_wrong_parameter_is_refused_in_one_line(tmp_path, old, new, facts):
    text = (PROJECT / "main.py").read_text()
    assert text.count(old) == 1
    changed = text.replace(old, new)
    (tmp_path / "main.py").write_text(changed)
    process = subprocess.run(
        [sys.executable, tmp_path / "main.py", "training.csv"],
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 2 and process.stdout == ""
    assert process.stderr.startswith("main.py: ") and process.stderr.count("\n") == 1
    line = str(1 + text[: text.index(old)].count("\n"))
    assert all(fact.replace("LINE", line) in process.stderr for fact in facts), process.stderr
