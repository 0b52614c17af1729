"""Tests models that are trained on synthetic rows and tested on real ones."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks.usefulness import main

pytestmark = pytest.mark.slow


def frame(rows, seed, *, noise=0.1):
    rng = np.random.default_rng(seed)
    amount, place = rng.normal(size=rows), rng.choice(["north", "south", "west"], rows)
    signal = amount + (place == "west") + noise * rng.normal(size=rows)
    day = pd.Series(pd.date_range("2024-01-01", periods=rows))
    return pd.DataFrame(
        {
            "amount": amount.round(3),
            "place": np.where(rng.random(rows) < 0.1, "", place),
            "day": day.dt.strftime("%Y-%m-%d"),
            "signal": np.where(rng.random(rows) < 0.1, "", signal.round(3).astype(str)),
            "kind": np.where(signal > 0.5, "high", np.where(signal < -0.5, "low", "middle")),
            "constant": 1,
        }
    )


@pytest.fixture
def paths(tmp_path):
    """Write training rows, an equally good result, a pool whose target is mostly noise, and held-out rows."""
    found = [str(tmp_path / f"{name}.csv") for name in ("training", "result", "pool", "holdout")]
    frames = frame(400, 1), frame(400, 2), frame(2_000, 3, noise=5.0), frame(200, 4)
    for path, rows in zip(found, frames, strict=True):
        rows.to_csv(path, index=False)
    return found


@pytest.mark.parametrize(
    ("target", "metric"),
    [
        (("--target", "signal"), "R2"),
        (("--target", "signal", "--above", "0.5", "--without", "kind"), "AUC"),
        (("--target", "kind", "--without", "signal"), "AUC"),
    ],
)
def test_rows_that_hold_the_relation_are_useful(paths, tmp_path, capsys, target, metric):
    path = tmp_path / "usefulness.json"
    assert main([*paths, *target, "--seeds", "2", "--json", str(path)]) == 0
    facts = json.loads(path.read_text())
    assert [facts[name] for name in ("training", "result", "pool", "holdout")] == paths
    worth = {name: np.mean(values) for name, values in facts["scores"].items()}
    assert all(len(values) == 2 for values in facts["scores"].values())
    assert worth["training rows"] > 0.85
    assert worth["result"] == pytest.approx(worth["training rows"], abs=0.08)
    assert worth["random sample of the pool"] < worth["result"] - 0.05
    assert metric in capsys.readouterr().out.splitlines()[0]


def test_excluded_columns_are_not_learned_from(paths, capsys):
    main([*paths, "--target", "signal", "--without", "amount", "--without", "kind", "--without", "place", "--seeds=1"])
    assert float(capsys.readouterr().out.splitlines()[1].split()[-2]) < 0.3


def test_a_class_that_the_result_lacks_is_never_predicted(paths, tmp_path):
    rows = pd.read_csv(paths[1], dtype=str, keep_default_na=False)
    rows[rows["kind"] != "low"].to_csv(paths[1], index=False)
    path = tmp_path / "usefulness.json"
    main([*paths, "--target", "kind", "--seeds", "1", "--json", str(path)])
    scores = json.loads(path.read_text())["scores"]
    assert 0.6 < scores["result"][0] < scores["training rows"][0]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--target", "weight"), "training.csv: has no column 'weight'"),
        (("--target", "signal", "--without", "weight"), "training.csv: has no column 'weight'"),
        (("--target", "kind", "--above", "1"), "training.csv: column 'kind' is text"),
        (("--target", "signal", "--above", "99"), "training.csv: column 'signal' has fewer than two values"),
        (("--target", "constant"), "training.csv: column 'constant' has fewer than two values"),
    ],
)
def test_a_wrong_call_ends_with_one_line(paths, capsys, arguments, line):
    with pytest.raises(SystemExit) as end:
        main([*paths, *arguments])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert line in error
    assert error.count("\n") == 1
