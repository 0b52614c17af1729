"""Tests parameters at the top of main.py: wrong ones are refused, and quasi-identifiers have their effect."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import main
from tests.runs.support import PROJECT, STEM, call, complaint, files_below, save


def test_more_cycles_than_rows_to_sample_are_refused(training, output, capsys, monkeypatch):
    monkeypatch.setattr(main, "POOL", replace(main.POOL, train_iterations=1601))
    assert call(training, "--output", output) == 2
    assert complaint(capsys).startswith("main.py: train_iterations=1601: must be at most the number of rows to sample")


def people(n_rows, seed, places):
    """Return rows whose pairs of age and place are often those of one row alone."""
    draw = np.random.default_rng(seed)
    columns = {"age": draw.integers(20, 80, n_rows), "place": draw.choice(places, n_rows)}
    return pd.DataFrame(columns | {"wage": np.round(draw.normal(3000, 500, n_rows), 2)})


def combinations(frame):
    return Counter(zip(frame["age"], frame["place"], strict=True))


@pytest.mark.parametrize("exclude", [False, True])
def test_combinations_of_single_training_rows_are_counted_and_excluded_on_request(
    tmp_path, output, monkeypatch, capsys, exclude
):
    changes = {"quasi_identifiers": ("age", "place"), "exclude_unique_combinations": exclude}
    monkeypatch.setattr(main, "SELECTION", replace(main.SELECTION, privacy_filter=0, **changes))
    original, rows = people(300, 1, list("abc")), people(3000, 2, list("abcd"))
    training, pool = save(original, tmp_path / "training.csv"), save(rows, tmp_path / "pool.csv")
    assert call(training, "--pool", pool, "--output", output) == 0
    single = {pair for pair, number in combinations(original).items() if number == 1}
    in_result = combinations(pd.read_csv(output / "results" / f"{STEM}.csv"))
    found = sum(number for pair, number in in_result.items() if pair in single)
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())
    figures = summary["quasi_identifiers"]
    assert (found == 0) is exclude
    assert (figures["training_rows"], figures["result_rows"]) == (len(single), found)
    assert 0 < figures["pool_sample_rows"] < 200
    excluded = sum(number for pair, number in combinations(rows).items() if pair in single)
    assert summary["excluded"].get("unique_combinations") == (excluded if exclude else None)
    assert f"{len(single)} training rows have a combination of age, place" in capsys.readouterr().err


def test_too_few_rows_after_the_exclusion_are_refused_and_nothing_is_written(tmp_path, output, monkeypatch, capsys):
    changes = {"quasi_identifiers": ("age", "place"), "exclude_unique_combinations": True}
    monkeypatch.setattr(main, "SELECTION", replace(main.SELECTION, **changes))
    original = people(300, 1, list("abcdefghijklmn"))
    pool = save(pd.concat([original, original]), tmp_path / "pool.csv")
    assert call(save(original, tmp_path / "training.csv"), "--pool", pool, "--output", output) == 2
    single = list(combinations(original).values()).count(1)
    assert f"leaves {600 - 2 * single} of 600 pool rows, and 300 are needed" in complaint(capsys)
    assert not output.exists() or not files_below(output)


def test_a_quasi_identifier_that_is_no_column_is_refused_by_name(training, output, monkeypatch, capsys):
    monkeypatch.setattr(main, "SELECTION", replace(main.SELECTION, quasi_identifiers=("day", "wole")))
    assert call(training, "--output", output) == 2
    reason = "quasi_identifiers=('day', 'wole'): 'wole' is not a column of the training data; is 'whole' meant?"
    assert complaint(capsys) == f"main.py: {reason}"
    assert not output.exists() or not files_below(output)


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
