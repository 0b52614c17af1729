"""Tests the warnings of a run."""

import json
import re

import numpy as np
import pandas as pd

from tests.runs.support import STEM, call, refusal, save, text_frame


def test_a_pool_of_the_training_rows_is_refused_shuffled_or_not(training, output, tmp_path, capsys):
    shuffled = save(text_frame().sample(frac=1, random_state=1), tmp_path / "shuffled.csv")
    for pool in (training, shuffled):
        assert "only 0 of 200 pool rows differ" in refusal(capsys, output, training, "--pool", pool)


def test_real_rows_in_the_result_are_counted_on_request(training, output, capsys):
    allowed = ("--set", "allow_training_copies=True", "--set", "privacy_filter=0")
    assert call(training, "--pool", training, "--output", output, *allowed) == 0
    assert "warning: the result contains 200 real rows" in capsys.readouterr().err
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())
    assert summary["real_rows"] == 200
    assert any("the result contains 200 real rows" in warning for warning in summary["warnings"])


def test_a_result_worse_than_a_random_sample_gets_a_warning(output, tmp_path, capsys):
    draw = np.random.default_rng(1)
    frame = pd.DataFrame({"a": np.round(draw.normal(size=500), 2), "b": draw.integers(4, size=500)})
    shifted = pd.DataFrame({"a": np.round(frame["a"] + 2.001, 3), "b": 1})
    training = save(frame, tmp_path / "training.csv")
    pool = save(pd.concat([frame, frame, frame, shifted]), tmp_path / "pool.csv")  # only its worst rows are no copies
    assert call(training, "--pool", pool, "--output", output) == 0
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())["accuracy"]
    assert summary["refined"]["overall"] < summary["pool_sample"]["overall"]
    warning = re.search("warning: A plain random sample of the pool would be more accurate.*", capsys.readouterr().err)
    assert all(name in warning[0] for name in ("privacy_filter", "allow_training_copies"))


def test_columns_that_may_identify_people_get_a_warning(output, tmp_path, capsys):
    frame = text_frame().assign(id=range(200), name=[f"name {number}" for number in range(200)])
    frame = frame.assign(one=["x"] + [None] * 199, half=np.arange(200) / 2)
    frame["of"] = pd.Series(range(1000, 1200), dtype=float).mask(frame["id"] == 3)  # 1000.0 in the CSV
    assert call(save(frame, tmp_path / "people.csv"), "--output", output) == 0
    warning = "the values of 'id', 'name', 'of' hardly ever occur twice"
    assert capsys.readouterr().err.count(f"warning: {warning}") == 2  # at once, and at the end
    assert warning in (output / "results" / f"{STEM}_report.html").read_text().replace("&#39;", "'")


def test_values_of_single_training_rows_in_the_result_get_a_warning_and_are_listed(output, tmp_path, capsys):
    frame, rows = text_frame(), text_frame(1000, seed=2)
    frame["id"], rows["id"] = range(200), np.arange(1000) % 250 + 150  # the pool has 50 of these numbers
    pool = save(rows, tmp_path / "pool.csv")
    assert call(save(frame, tmp_path / "people.csv"), "--pool", pool, "--output", output) == 0
    numbers = pd.read_csv(output / "results" / f"{STEM}.csv")["id"]
    real = numbers[numbers < 200]
    (shared,) = json.loads((output / "results" / f"{STEM}_summary.json").read_text())["shared_values"]
    assert shared["values"] == sorted(map(str, set(real)))[:20]
    names = ("column", "single_values", "shared", "result_rows")
    assert [shared[name] for name in names] == ["id", 200, real.nunique(), len(real)]
    warning = f"result rows with a value that one training row alone has: of 'id' in {len(real)}"
    assert len(real) > 0 and warning in capsys.readouterr().err
