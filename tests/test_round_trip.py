"""Tests that awkward types and formats survive training, sampling and writing: each value of the pool is right."""

import csv
import re
import tempfile
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from pool.build import build_pool
from pool.generator.train import train
from postprocess.data.binning import fit_binning, read_typed
from postprocess.data.sources import open_source
from postprocess.runtime.progress import Progress
from tests.parameters import pool_parameters
from tests.pool.fakes import Recorder, resample

ROWS = 300
TEXTS = ["a,b", 'say "x"', "two\nlines", "ünï ☃", " spaces ", "'", "-", "x;y", "\\", "日本"]
FEW_BIG = [str(2**60 + number) for number in (1, 3, 5)]


def columns(draw):
    """Return the values of each column, and a check of a pool's value: one of a few, or a pattern and limits."""
    whole = 2**60 + draw.integers(0, 2**40, ROWS)
    days = np.datetime64("2020-01-01") + draw.integers(0, 500, ROWS)
    moments = np.datetime64("2024-05-01T00:00:00") + draw.integers(0, 10**6, ROWS)
    amounts = draw.integers(-9999, 9999, ROWS) / 100
    return {
        "customer_id": ([str(1000 + row) for row in range(ROWS)], numbers(r"\d{4}", int, 1000, 1000 + ROWS)),
        "date": ([f"{day.astype(object):%d/%m/%Y}" for day in days], dates("%d/%m/%Y", days)),
        "moment, exact": ([f"{moment.astype(object)}" for moment in moments], dates("%Y-%m-%d %H:%M:%S", moments)),
        "big": ([str(number) for number in whole], numbers(r"\d{19}", int, whole.min(), whole.max())),
        "few big": (draw.choice(FEW_BIG, ROWS).tolist(), one_of(FEW_BIG)),
        "flag": (draw.choice(["TRUE", "FALSE"], ROWS).tolist(), one_of(["TRUE", "FALSE"])),
        "zero or one": (draw.choice(["0", "1"], ROWS).tolist(), one_of(["0", "1"])),
        "amount": ([f"{amount:.2f}" for amount in amounts], numbers(r"-?\d+\.\d\d", float, -100, 100)),
        "code": (draw.choice(["007", "012", "100"], ROWS).tolist(), one_of(["007", "012", "100"])),
        "like a number": (draw.choice(["1e5", "0x1F", "12"], ROWS).tolist(), one_of(["1e5", "0x1F", "12"])),
        "text": (draw.choice(TEXTS, ROWS).tolist(), one_of([*TEXTS])),
        'quo"ted\nname': (draw.choice(["x", "y"], ROWS).tolist(), one_of(["x", "y"])),
        "nothing": ([""] * ROWS, one_of([""])),
    }


def one_of(values):
    return lambda value: value in values


def numbers(pattern, kind, least, most):
    return lambda value: re.fullmatch(pattern, value) is not None and least <= kind(value) <= most


def dates(pattern, known):
    first, last = (moment.astype("datetime64[s]").astype(object) for moment in (known.min(), known.max()))

    def is_right(value):
        moment = datetime.strptime(value, pattern)
        return moment.strftime(pattern) == value and first <= moment <= last

    return is_right


WITH_MISSING = ("date", "big", "flag", "amount", "text")


@pytest.fixture
def surroundings(tmp_path, monkeypatch):
    """Give the run its own home and temporary folder. The path of the latter is short enough for a socket."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    with tempfile.TemporaryDirectory() as temporary:
        monkeypatch.setattr("tempfile.tempdir", temporary)
        yield home, Path(temporary)


@pytest.mark.parametrize("generator", [resample, pytest.param(train, marks=pytest.mark.engine)])
def test_every_value_of_the_pool_has_the_type_and_format_of_its_column(tmp_path, surroundings, generator):
    draw = np.random.default_rng(1)
    made = columns(draw)
    texts = {name: list(values) for name, (values, _) in made.items()}
    for name in WITH_MISSING:
        for row in draw.integers(0, ROWS, 30):
            texts[name][row] = ""
    path = tmp_path / "training.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([texts, *zip(*texts.values(), strict=True)])

    source = open_source(path, role="training")
    binning = fit_binning(source, progress=Progress())
    training, sampled, progress = read_typed(source, binning), [], Recorder()
    parameters = pool_parameters(
        train_iterations=1, model_name="MOSTLY_AI/Small", max_epochs=1, max_training_time=0.2, sample_size=2.0
    )
    result = build_pool(
        training,
        parameters,
        folder=tmp_path / "pool",
        progress=progress,
        to_text=binning.to_text,
        score=lambda rows: sampled.append(rows) or 0.0,
        train=generator,
    )
    assert sampled[0].dtypes.equals(training.dtypes)
    assert all(list(folder.iterdir()) == [] for folder in surroundings)
    if generator is train:
        assert any("in validation" in note for note in progress.notes)
        assert progress.completed["cycle 1 of 1: training"] == 100
        assert progress.completed["cycle 1 of 1: sampling"] == 2 * ROWS
    with result.path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == list(made) and len(rows) == 2 * ROWS
    for name, column in zip(header, zip(*rows, strict=True), strict=True):
        is_right = made[name][1]
        wrong = {value for value in column if value and not is_right(value)}
        assert not wrong, name
        assert ("" in column) == (name in WITH_MISSING or name == "nothing"), name
        assert len(set(column)) > 1 or name == "nothing", name
