"""Tests the parts of the attacks that need no anonymeter, which the project's environment lacks."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks import attack
from benchmarks.attack import (
    FEWEST_ROWS,
    attackable,
    control_count,
    copies,
    levels,
    neighbourly,
    read_tables,
    write_json,
)

SCRIPT = Path(attack.__file__)


def frame(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": [f"{value:.1f}" for value in rng.normal(0, 10, rows)],
            "some": ["" if each % 4 == 0 else str(each) for each in range(rows)],
            "day": pd.date_range("2024-01-01", periods=rows).strftime("%Y-%m-%d"),
            'it\'s "text"\\': rng.choice(["a'b", 'c"d', "None", "e\\f"], rows),
            "empty": "",
        }
    )


@pytest.fixture
def paths(tmp_path):
    found = [tmp_path / f"{name}.csv" for name in ("training", "result", "control")]
    for seed, (path, rows) in enumerate(zip(found, (40, 50, 30), strict=True)):
        frame(rows, seed).sample(frac=1, axis=1, random_state=seed).to_csv(path, index=False)
    return found


def run(*arguments):
    return subprocess.run([sys.executable, SCRIPT, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_all_files_get_the_same_columns_and_kinds(paths):
    tables = read_tables(paths)
    assert set(tables.names) == set(frame(1, 0)) - {"empty"}
    assert [len(rows) for rows in tables.rows] == [40, 50, 30]
    assert tables.targets(500) == 30
    numbers = {name for name, c in zip(tables.names, tables.training, strict=True) if tables.training[c].dtype == float}
    assert numbers == {"amount", "some", "day"}


def test_copies_with_missing_values_are_counted(paths):
    training = read_tables(paths).training
    changed = training.assign(c0=-1.0)
    assert training.isna().any(axis=None)
    assert copies(pd.concat([training.head(7), changed]), training) == 7


def test_dates_become_days_and_texts_become_marks():
    assert attackable(pd.Series(["1970-01-03", None, "1970-01-01 12:00"])).dropna().tolist() == [2, 0.5]
    assert attackable(pd.Series(["inf", "1", None])).tolist()[:2] == ["v0", "v1"]
    assert attackable(pd.Series(["x y", None, "x y"]))[[0, 2]].nunique() == 1


def test_rows_for_distances_have_no_missing_values(paths):
    tables = read_tables(paths)
    frames, became = neighbourly(tables)
    some = f"c{tables.names.index('some')}"
    assert {name for name, found in became.items() if len(found) == 2} == {some}
    for rows, original in zip(frames, tables.rows, strict=True):
        assert not rows.isna().any(axis=None)
        assert ((rows[f"{some}_missing"] == "missing") == original[some].isna()).all()


def test_the_levels_of_a_secret_are_ranges_texts_or_missing(paths):
    tables = read_tables(paths)
    column = dict(zip(tables.names, tables.training, strict=True))
    training, _, _ = levels(column["amount"], tables)
    assert set(training) == set(range(20))
    assert np.unique(training, return_counts=True)[1].max() <= 3
    training, result, _ = levels(column["some"], tables)
    assert (result == -1).sum() == tables.result[column["some"]].isna().sum() > 0
    text = column['it\'s "text"\\']
    training, result, _ = levels(text, tables)
    same = tables.result[text].dropna().iloc[0]
    assert set(training[tables.training[text] == same]) == set(result[tables.result[text] == same])


def test_the_count_of_a_larger_control_is_scaled_to_the_training_rows():
    matches = np.zeros((3, 200), dtype=bool)
    matches[0, 5] = matches[1, 7] = True  # one row each: it is among 100 rows in half of all cases
    rng = np.random.default_rng(1)
    count, error = control_count(matches, 100, rng)
    assert count == pytest.approx(1)
    assert 0.1 < error < 1.5
    matches[2, :2] = True  # two rows: just one of them is among 100 rows in half of all cases, too
    assert control_count(matches, 100, rng)[0] == pytest.approx(1.5, abs=0.01)
    assert control_count(np.zeros((3, 200), dtype=bool), 100, rng) == (0, 0)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda f: f.drop(columns=["amount", "day"]), "lacks columns of .*training.csv: "),
        (lambda f: f.head(FEWEST_ROWS - 1), f"19 rows; at least {FEWEST_ROWS} are needed"),
    ],
)
def test_files_that_cannot_be_compared_are_refused(paths, change, text):
    change(pd.read_csv(paths[1], dtype=str)).to_csv(paths[1], index=False)
    with pytest.raises(ValueError, match=f"result.csv: {text}"):
        read_tables(paths)


def test_files_that_are_not_csv_are_refused(paths, tmp_path):
    for content, text in ((b"", "No columns to parse"), (b"\xff\xfe\xff", "codec can't decode")):
        paths[2].write_bytes(content)
        with pytest.raises(ValueError, match=f"control.csv: .*{text}") as error:
            read_tables(paths)
        assert "\n" not in str(error.value)
    paths[2].unlink()
    with pytest.raises(ValueError, match=r"control.csv: No such file"):
        read_tables(paths)


def test_a_single_column_is_refused(tmp_path):
    path = tmp_path / "one.csv"
    frame(30, 1)[["amount", "empty"]].to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"one.csv: 1 columns with values; at least 2 are needed"):
        read_tables([path] * 3)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("anonymeter") is not None, reason="anonymeter is there")
def test_without_anonymeter_one_line_says_how_to_run_it(paths):
    ended = run(*paths)
    assert (ended.returncode, ended.stdout) == (2, "")
    command = f"uv run benchmarks/attack.py {' '.join(map(str, paths))}"
    assert ended.stderr == f"attack.py: anonymeter is missing; run it with: {command}\n"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--attacks", "0"], "argument --attacks: '0' is not a whole number of at least 1"),
        (["--seed", "-1"], "argument --seed: "),
        (["--json", "missing/found.json"], "argument --json: missing: no such folder; make it first"),
        (["--json", str(SCRIPT)], "exists already; remove it, or give another name"),
        (["more"], "unrecognized arguments: more"),
    ],
)
def test_wrong_calls_end_with_one_line(options, text, capsys):
    with pytest.raises(SystemExit) as exit:
        attack.main(["training.csv", "result.csv", "control.csv", *options])
    assert exit.value.code == 2
    error = capsys.readouterr().err
    assert text in error
    assert error.count("\n") == 1


def test_json_is_never_overwritten(tmp_path):
    path = tmp_path / "found.json"
    write_json({"attacks": 1}, path)
    with pytest.raises(FileExistsError):
        write_json({"attacks": 2}, path)
    assert path.read_text() == '{\n "attacks": 1\n}\n'
    assert [each.name for each in tmp_path.iterdir()] == ["found.json"]
