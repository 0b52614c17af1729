"""What the tests of whole runs share: small data, calls of main.py, and readers of the files they leave."""

import csv
import gzip
import re
import sys
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd

import main
from pool.build import build_pool
from tests.pool.fakes import resampled, train_with

PROJECT = Path(main.__file__).parent
FLIGHTS = PROJECT / "examples" / "flights.csv"
LOG_LINE = re.compile(r"\d\d:\d\d:\d\d  ")
MINUTE = datetime(2026, 1, 31, 9, 30)
STEM = "flat_result_20260131_0930"


def use_generator(monkeypatch, train):
    monkeypatch.setattr(main, "build_pool", partial(build_pool, train=train, clock=Clock.now))


class Clock:
    @staticmethod
    def now():
        return MINUTE


def text_frame(n_rows=200, seed=1):
    """Return a frame of text values of every kind, some of them missing."""
    draw = np.random.default_rng(seed)
    days = pd.Timestamp(2024, 1, 1) + pd.to_timedelta(draw.integers(0, 60, n_rows), "D")
    frame = pd.DataFrame(
        {
            "text": draw.choice(["a", 'b "x", y', "c\nd", "007", "ünï"], n_rows),
            "whole": draw.integers(-50, 1000, n_rows).astype(str),
            "decimal": [f"{number:.2f}" for number in draw.normal(size=n_rows)],
            "truth": draw.choice(["TRUE", "FALSE"], n_rows),
            "day": days.strftime("%d/%m/%Y"),
        }
    )
    return frame.mask(draw.random(frame.shape) < 0.1)


def save(frame, path):
    frame.to_csv(path, index=False)
    return path


def call(*arguments):
    """Run main.py in this process and return the exit code."""
    try:
        return main.main([str(argument) for argument in arguments])
    except SystemExit as end:
        return end.code


def command(*arguments):
    """Return the command line of a run in a process of its own, with the parameters of main.py."""
    return [sys.executable, str(PROJECT / "main.py"), *map(str, arguments)]


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def read_texts(path):
    return pd.read_csv(path, dtype=str)


def lines_of_rows(path, order=None):
    """Return the rows of a CSV, each as the line that is written if the columns have this order."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = []
    sink = SimpleNamespace(write=lines.append)
    csv.DictWriter(sink, order or list(rows[0]), extrasaction="ignore", lineterminator="\n").writerows(rows)
    return lines


def complaint(capsys):
    """Return the one line on stderr that is no log line."""
    (line,) = (line for line in capsys.readouterr().err.splitlines() if not LOG_LINE.match(line))
    return line


def pool_file(path, frame):
    if path.suffix == ".parquet":
        types = {"whole": "Int64", "decimal": "float64"}
        days = pd.to_datetime(frame["day"], dayfirst=True)
        frame.assign(day=days, truth=frame["truth"].map({"TRUE": True, "FALSE": False})).astype(types).to_parquet(path)
        return path
    text = frame.to_csv(index=False).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def broken_generator(error, *, in_cycle):
    def sample(rows, plan, progress):
        frames = resampled(rows, plan, progress)
        yield next(frames).head(10)
        if plan.number == in_cycle:
            raise error
        yield from resampled(rows, replace(plan, rows=plan.rows - 10), progress)

    return train_with(sample)


POOL_FILES = {"pool_data/flat_pool_20260131_0930.csv", "pool_data/flat_pool_20260131_0930_manifest.json"}


def refusal(capsys, output, *arguments):
    """Return the line with which a call is refused. Check that nothing is written."""
    assert call(*arguments, "--output", output) == 2
    assert files_below(output) == set()
    return complaint(capsys)
