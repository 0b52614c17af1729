"""Whole runs from the command line: what they leave behind, how they end, and what they say."""

import csv
import gzip
import hashlib
import json
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import main
from pool.build import build_pool
from pool.errors import PoolError
from pool.parameters import PoolParameters
from postprocess.data.binning import fit
from postprocess.data.encoding import read_codes
from postprocess.data.sources import MISSING_TOKENS, open_source
from postprocess.report.summary import write_summary
from postprocess.runtime.outputs import publish
from postprocess.runtime.progress import Silent
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.select import select
from tests.pool.builds import fail_in_cycle
from tests.pool.fakes import RECORD, resample, resampled, train_with

PARAMETERS = (main.POOL, main.SELECTION)  # as main.py has them: the tests take smaller ones

PROJECT = Path(main.__file__).parent
FLIGHTS = PROJECT / "examples" / "flights.csv"
LOG_LINE = re.compile(r"\d\d:\d\d:\d\d  ")
MINUTE = datetime(2026, 1, 31, 9, 30)
STEM = "flat_result_20260131_0930"


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    """Two small cycles of a generator that trains nothing, at one and the same minute; SIGTERM as it was before."""
    before = signal.getsignal(signal.SIGTERM)
    use_generator(monkeypatch, resample)
    monkeypatch.setattr(main, "DRAFT", main.POOL.for_one_cycle(sample_size=3.0))
    monkeypatch.setattr(main, "POOL", replace(main.POOL, train_iterations=2, sample_size=8.0, cycle_backend=None))
    monkeypatch.setattr(main, "SELECTION", replace(main.SELECTION, refinement_iterations=3, threads=2))
    monkeypatch.setattr(main, "datetime", Clock)
    yield
    signal.signal(signal.SIGTERM, before)


def use_generator(monkeypatch, train):
    monkeypatch.setattr(main, "build_pool", partial(build_pool, train=train, clock=Clock.now))


class Clock:
    @staticmethod
    def now():
        return MINUTE


def table(n_rows=200, seed=1):
    """A frame of text cells of every kind, some of them missing."""
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


@pytest.fixture
def training(tmp_path):
    return save(table(), tmp_path / "training.csv")


@pytest.fixture
def output(tmp_path):
    return tmp_path / "output"


def call(*arguments):
    """The exit code of a run in this process."""
    try:
        return main.main([str(argument) for argument in arguments])
    except SystemExit as end:
        return end.code


def command(*arguments):
    """The command line of a run in a process of its own, with the parameters as they stand in main.py."""
    return [sys.executable, str(PROJECT / "main.py"), *map(str, arguments)]


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def cells(path):
    return pd.read_csv(path, dtype=str)


def lines_of_rows(path, order=None):
    """The rows of a CSV, each as it is written when its columns stand in this order."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = []
    sink = SimpleNamespace(write=lines.append)
    csv.DictWriter(sink, order or list(rows[0]), extrasaction="ignore", lineterminator="\n").writerows(rows)
    return lines


def complaint(capsys):
    """The one line on stderr that is not of the log."""
    (line,) = (line for line in capsys.readouterr().err.splitlines() if not LOG_LINE.match(line))
    return line


# What a run leaves


def test_a_run_with_training(training, output, capsys):
    assert call(training, "--output", output) == 0
    results, pools = output / "results", output / "pool_data"
    written = [results / f"{STEM}{ending}" for ending in (".csv", "_summary.json", "_report.html")]
    assert capsys.readouterr().out.splitlines() == [str(path) for path in written]
    assert {path.name for path in results.iterdir()} == {path.name for path in written}
    assert {path.name for path in pools.iterdir()} == {
        "flat_pool_20260131_0930.csv",
        "flat_pool_20260131_0930_manifest.json",
    }
    original, result = cells(training), cells(written[0])
    assert len(result) == len(original) and list(result.columns) == list(original.columns)
    for name in original:  # the generator only draws training cells, so their formats show in every cell
        assert set(result[name].dropna()) <= set(original[name].dropna())
        assert result[name].isna().any()
    pool = lines_of_rows(pools / "flat_pool_20260131_0930.csv")
    assert Counter(lines_of_rows(written[0])) <= Counter(pool)
    manifest = json.loads((pools / "flat_pool_20260131_0930_manifest.json").read_text())
    assert manifest["is_complete"] and manifest["rows"] == 1600
    assert manifest["training_sha256"] == hashlib.sha256(training.read_bytes()).hexdigest()
    assert all(0.5 < cycle["accuracy"] < 1 for cycle in manifest["cycles"])


def test_the_summary_tells_the_truth(training, output):
    assert call(training, "--output", output) == 0
    result, pool = output / "results" / f"{STEM}.csv", output / "pool_data" / "flat_pool_20260131_0930.csv"
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())
    for role, path, rows in (("training", training, 200), ("pool", pool, 1600), ("result", result, 200)):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        assert summary[role].items() >= {"path": str(path), "rows": rows, "columns": 5, "sha256": sha256}.items()
    assert summary["parameters"] == {"pool": asdict(main.POOL), "selection": asdict(main.SELECTION)}
    assert summary["seed"] == main.SELECTION.seed
    assert summary["versions"]["numpy"] == np.__version__
    assert 10**7 < summary["peak_memory_bytes"] < 10**11
    stages = summary["stages"]
    assert [stage["name"] for stage in stages][:3] == ["reading", "pool", "reading the pool"]
    assert [stage["rows"] for stage in stages][:3] == [200, 1600, 1600]
    assert [stage["name"] for stage in stages[-2:]] == ["writing", "comparing"] and stages[-1]["rows"] == 200
    assert 0 < sum(stage["seconds"] for stage in stages) <= summary["seconds"] + 0.001 * len(stages)
    assert "official_accuracy" not in summary and "privacy" not in summary

    assert list(summary["accuracy"]) == ["pool_sample", "ipf", "trimmed", "refined"]
    for accuracy in summary["accuracy"].values():
        levels = [accuracy[level] for level in ("univariate", "bivariate", "trivariate")]
        assert all(0 < level <= 1 for level in levels)
        assert accuracy["overall"] == pytest.approx(np.mean(levels))
    assert list(summary["accuracy"]["refined"].values())[:3] == pytest.approx(accuracy_levels(training, result))
    assert summary["accuracy"]["refined"]["overall"] > summary["accuracy"]["pool_sample"]["overall"]


def accuracy_levels(training, result):
    """Univariate, bivariate and trivariate accuracy of the result, each table counted by itself."""
    source = open_source(training, role="training")
    binning = fit(source, progress=Silent())
    original = read_codes(source, binning, progress=Silent()).codes.tolist()
    chosen = read_codes(open_source(result, role="result"), binning, progress=Silent()).codes.tolist()
    rows = len(original[0])
    levels = []
    for together in (1, 2, 3):
        accuracies = []
        for places in combinations(range(len(original)), together):
            counts = Counter(zip(*(chosen[place] for place in places), strict=True))
            counts.subtract(Counter(zip(*(original[place] for place in places), strict=True)))
            accuracies.append(1 - sum(map(abs, counts.values())) / (2 * rows))
        levels.append(np.mean(accuracies))
    return levels


def test_names_from_outside_are_escaped_in_the_report(tmp_path, output):
    frame = table().rename(columns={"text": "<script>", "whole": "&amp;"})
    assert call(save(frame, tmp_path / "<script>.csv"), "--output", output) == 0
    assert list(cells(output / "results" / f"{STEM}.csv"))[:2] == ["<script>", "&amp;"]
    page = (output / "results" / f"{STEM}_report.html").read_text()
    assert "&lt;script&gt;.csv" in page and page.count("<script>") == 2 and page.count("<script") == 3  # its own


def test_a_single_column(tmp_path, output):
    assert call(save(table()[["whole"]], tmp_path / "one.csv"), "--output", output) == 0
    assert len(pd.read_csv(output / "results" / f"{STEM}.csv", skip_blank_lines=False)) == 200
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())
    assert summary["accuracy"]["refined"]["trivariate"] is None


# A pool of one's own


def pool_file(path, frame):
    if path.suffix == ".parquet":
        types = {"whole": "Int64", "decimal": "float64"}
        days = pd.to_datetime(frame["day"], dayfirst=True)
        frame.assign(day=days, truth=frame["truth"].map({"TRUE": True, "FALSE": False})).astype(types).to_parquet(path)
        return path
    text = frame.to_csv(index=False).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.fixture
def pool_frame():
    frame = table(1000, seed=2)
    return frame.assign(extra="x", more=range(1000))[["more", *reversed(list(table())), "extra"]]


@pytest.mark.parametrize("name", ["pool.csv", "pool.csv.gz", "POOL.CSV", "pool.parquet"])
def test_any_pool_in_any_order(training, output, tmp_path, pool_frame, capsys, name):
    pool = pool_file(tmp_path / name, pool_frame)
    assert call(training, "--pool", pool, "--output", output) == 0
    assert f"{pool}: ignoring columns 'more', 'extra', not in the training data" in capsys.readouterr().err
    assert not (output / "pool_data").exists()
    result = output / "results" / f"{STEM}.csv"
    chosen = lines_of_rows(result)
    assert result.read_bytes().decode() == "text,whole,decimal,truth,day\n" + "".join(chosen)
    in_order = lines_of_rows(save(pool_frame, tmp_path / "text.csv"), list(table()))
    assert len(chosen) == 200 and Counter(chosen) <= Counter(in_order)


@pytest.mark.parametrize("name", ["training.csv.gz", "training.parquet"])
def test_training_data_of_any_kind(output, tmp_path, name):
    frame = table()
    frame["text"] = frame["text"].where(
        frame["text"].notna() | (np.arange(200) % 2 == 0), "NA"
    )  # as if it were a value
    assert call(pool_file(tmp_path / name, frame), "--output", output) == 0
    result = cells(output / "results" / f"{STEM}.csv")
    assert result.shape == (200, 5) and set(result["text"].dropna()) == set(table()["text"].dropna())
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())
    assert summary["result_accuracy"] == pytest.approx(summary["accuracy"]["refined"])
    assert (result["whole"].dropna() == result["whole"].dropna().astype(int).astype(str)).all()


def test_a_holdout_adds_official_figures_and_changes_nothing(training, output, tmp_path, pool_frame):
    pool = save(pool_frame, tmp_path / "pool.csv")
    holdout = save(table(50, seed=3), tmp_path / "holdout.csv")
    assert call(training, "--pool", pool, "--output", output) == 0
    assert call(training, "--pool", pool, "--holdout", holdout, "--output", output) == 0
    assert (output / "results" / f"{STEM}.csv").read_bytes() == (output / "results" / f"{STEM}_2.csv").read_bytes()
    summary = json.loads((output / "results" / f"{STEM}_2_summary.json").read_text(encoding="utf-8"))
    assert 0 < summary["official_accuracy"]["overall"] < 1 and 0 <= summary["privacy"]["dcr_share"] <= 1
    assert summary["official_page"] == f"{STEM}_2_official.html" and len(summary["privacy_by_seed"]) == 5
    assert summary["accuracy_with_holdout"]["copy_of_training"]["overall"] > 0.8
    assert (output / "results" / f"{STEM}_2_official.html").stat().st_size > 0
    assert not (output / "results" / f"{STEM}_official.html").exists()


def test_what_qas_figures_come_after_outlives_an_interrupt(training, output, tmp_path, pool_frame, monkeypatch):
    def interrupt(**_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "evaluate", interrupt)
    pool, holdout = save(pool_frame, tmp_path / "pool.csv"), save(table(50, seed=3), tmp_path / "holdout.csv")
    assert call(training, "--pool", pool, "--holdout", holdout, "--output", output) == 130
    endings = (".csv", "_summary.json", "_report.html")
    assert files_below(output) == {f"results/{STEM}{ending}" for ending in endings}
    assert "accuracy" in json.loads((output / "results" / f"{STEM}_summary.json").read_text(encoding="utf-8"))


# One run after another


def test_the_same_seed_gives_the_same_bytes(training, tmp_path, monkeypatch):
    first, second = tmp_path / "first", tmp_path / "second"
    assert call(training, "--output", first) == 0
    monkeypatch.setattr(main, "SELECTION", replace(main.SELECTION, threads=1))
    assert call(training, "--output", second) == 0
    for name in (f"results/{STEM}.csv", "pool_data/flat_pool_20260131_0930.csv"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_second_run_takes_the_same_pool_unless_its_parameters_change(training, output, monkeypatch, capsys):
    assert call(training, "--output", output) == 0
    first = {name: (output / name).read_bytes() for name in files_below(output)}
    capsys.readouterr()
    assert call(training, "--output", output) == 0
    assert "re-using flat_pool_20260131_0930.csv, complete with cycles 1, 2" in capsys.readouterr().err
    told = [json.loads((output / "results" / f"{STEM}{n}_summary.json").read_text())["pool"] for n in ("", "_2")]
    assert [pool["made_by"] for pool in told] == ["this run", "an earlier run"]
    new = files_below(output) - first.keys()
    assert new == {f"results/{STEM}_2{ending}" for ending in (".csv", "_summary.json", "_report.html")}
    assert {name: (output / name).read_bytes() for name in first} == first
    assert (output / "results" / f"{STEM}_2.csv").read_bytes() == first[f"results/{STEM}.csv"]

    monkeypatch.setattr(main, "POOL", replace(main.POOL, seed=2))
    assert call(training, "--output", output) == 0
    assert "starting a new pool: flat_pool_20260131_0930.csv has seed=1, now 2" in capsys.readouterr().err
    assert (output / "results" / f"{STEM}_3.csv").read_bytes() != first[f"results/{STEM}.csv"]


@pytest.mark.parametrize("stage", ["second cycle", "selection"])
def test_a_run_that_was_interrupted_is_gone_on_with(training, tmp_path, monkeypatch, stage):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert call(training, "--output", whole) == 0
    with monkeypatch.context() as patch:
        if stage == "second cycle":
            use_generator(patch, fail_in_cycle(2, KeyboardInterrupt()))
        else:
            patch.setattr("main.select", lambda *_arguments, **_options: signal.raise_signal(signal.SIGINT))
        assert call(training, "--output", broken) == 130
    assert call(training, "--output", broken) == 0
    for name in (f"results/{STEM}.csv", "pool_data/flat_pool_20260131_0930.csv"):
        assert (whole / name).read_bytes() == (broken / name).read_bytes()
    assert files_below(whole) == files_below(broken)


def test_a_pool_that_is_there_already_needs_no_room(training, output, monkeypatch, capsys):
    only_the_result_fits = SimpleNamespace(free=5_000_000 + 300 * 40)
    with monkeypatch.context() as patch:
        patch.setattr("postprocess.preflight.shutil.disk_usage", lambda _: only_the_result_fits)
        assert call(training, "--output", output) == 2
        assert "not enough disk space" in complaint(capsys) and not files_below(output)
    assert call(training, "--output", output) == 0
    monkeypatch.setattr("postprocess.preflight.shutil.disk_usage", lambda _: only_the_result_fits)
    assert call(training, "--output", output) == 0


def test_a_clock_that_jumps_back(training, output, monkeypatch):
    for minute in (30, 29, 30):
        monkeypatch.setattr(Clock, "now", lambda minute=minute: datetime(2026, 1, 31, 9, minute))
        assert call(training, "--output", output) == 0
    names = {path.name for path in (output / "results").glob("*.csv")}
    assert names == {f"{STEM}.csv", f"{STEM}_2.csv", "flat_result_20260131_0929.csv"}


def test_an_output_folder_that_goes_away_meanwhile(training, output, tmp_path, pool_frame, monkeypatch, capsys):
    def select_and_remove(*arguments, **options):
        shutil.rmtree(output)
        return select(*arguments, **options)

    pool = save(pool_frame, tmp_path / "pool.csv")
    (output / "results").mkdir(parents=True)
    monkeypatch.setattr(main, "select", select_and_remove)
    assert call(training, "--pool", pool, "--output", output) == 0  # it is made again
    monkeypatch.setattr(
        main, "write_summary", lambda *_, **options: shutil.rmtree(output) or write_summary(*_, **options)
    )
    monkeypatch.setattr(main, "select", select)
    assert call(training, "--pool", pool, "--output", output) == 1
    assert re.fullmatch(r"main.py: .*_summary.json.*: No such file or directory", complaint(capsys))


def test_a_name_that_another_run_takes_meanwhile(training, output, monkeypatch):
    def publish_second(unfinished, path):
        if path.name == f"{STEM}.csv":
            path.write_text("another run's")
        publish(unfinished, path)

    monkeypatch.setattr("postprocess.runtime.outputs.publish", publish_second)
    assert call(training, "--output", output) == 0
    results = output / "results"
    assert (results / f"{STEM}.csv").read_text() == "another run's"
    assert {path.name for path in results.iterdir()} == {
        f"{STEM}.csv",
        f"{STEM}_2.csv",
        f"{STEM}_2_summary.json",
        f"{STEM}_2_report.html",
    }


# A draft


def test_a_draft_is_named_so_in_files_log_page_and_summary(training, output, capsys):
    assert call(training, "--draft", "--output", output) == 0
    assert f"results/{STEM}_draft.csv" in files_below(output)
    assert "pool_data/flat_pool_20260131_0930_draft.csv" in files_below(output)
    assert "a draft" in capsys.readouterr().err
    summary = json.loads((output / "results" / f"{STEM}_draft_summary.json").read_text())
    assert summary["draft"] is True and summary["pool"]["rows"] == 3 * 200
    assert summary["parameters"]["pool"]["train_iterations"] == 1
    assert ">Draft" in (output / "results" / f"{STEM}_draft_report.html").read_text()


def test_a_draft_of_a_given_pool_is_refused(training, output, capsys):
    assert call(training, "--draft", "--pool", training, "--output", output) == 2
    line = complaint(capsys)
    assert "--draft" in line and "--pool" in line
    assert files_below(output) == set()


def test_the_training_of_each_cycle_stands_in_summary_and_page(training, output, monkeypatch, capsys):
    use_generator(monkeypatch, train_with(resampled, replace(RECORD, steps=900)))
    assert call(training, "--output", output) == 0
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())
    first, second = summary["trainings"]
    assert (first["number"], first["steps"], second["ended_by"]) == (1, 900, "early stopping")
    assert [epoch["validation_loss"] for epoch in first["epochs"]] == [1.5, 1.25]
    warned = [warning for warning in summary["warnings"] if "900 training steps" in warning]
    assert len(warned) == 2 and capsys.readouterr().err.count(warned[0]) == 1
    assert 'data-figure="losses"' in (output / "results" / f"{STEM}_report.html").read_text()


# How runs end


def broken_generator(error, *, in_cycle):
    def sample(rows, plan, progress):
        frames = resampled(rows, plan, progress)
        yield next(frames).head(10)
        if plan.number == in_cycle:
            raise error
        yield from resampled(rows, replace(plan, rows=plan.rows - 10), progress)

    return train_with(sample)


POOL_FILES = {"pool_data/flat_pool_20260131_0930.csv", "pool_data/flat_pool_20260131_0930_manifest.json"}


@pytest.mark.parametrize(
    ("stage", "left"),
    [("first cycle", set()), ("second cycle", None), ("selection", POOL_FILES), ("writing", POOL_FILES)],
)
def test_an_interrupted_run_leaves_whole_cycles_alone(training, output, monkeypatch, capsys, stage, left):
    def interrupt(*_arguments, **_options):
        raise KeyboardInterrupt

    if stage.endswith("cycle"):
        in_cycle = 1 if stage == "first cycle" else 2
        use_generator(monkeypatch, broken_generator(KeyboardInterrupt(), in_cycle=in_cycle))
    else:
        monkeypatch.setattr(
            {"selection": "main.select", "writing": "postprocess.runtime.outputs.publish"}[stage], interrupt
        )
    assert call(training, "--output", output) == 130
    assert complaint(capsys) == "main.py: interrupted"
    if stage == "second cycle":
        manifest = json.loads((output / "pool_data/flat_pool_20260131_0930_manifest.json").read_text())
        (cycle,) = manifest["cycles"]
        left = {"pool_data/flat_pool_20260131_0930_manifest.json", f"pool_data/{cycle['part']}"}
        assert cycle["rows"] == 800
    assert files_below(output) == left


SLEEPING_RUN = """
import contextlib, functools, sys
import main
from pool.protocols import check_stop
from tests.pool.fakes import RECORD, resampled

class Sleeper:
    record = RECORD
    def __init__(self, rows, plan, progress, stop):
        self.frames, self.progress, self.stop = resampled(rows, plan, progress), progress, stop
    def sample(self):
        yield next(self.frames).head(10)
        self.progress.log("asleep")
        self.stop.wait(60)
        check_stop(self.stop)

@contextlib.contextmanager
def train(*arguments):
    yield Sleeper(*arguments)

main.build_pool = functools.partial(main.build_pool, train=train)
sys.exit(main.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [(signal.SIGINT, 130, "main.py: interrupted"), (signal.SIGTERM, 143, "main.py: terminated")],
)
def test_signals(training, output, number, code, line):
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPING_RUN, training, "--output", output],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (log := process.stderr.readline()).endswith("asleep\n"):
        assert log, "the run ended too early"
    assert any(name.endswith(".part") for name in files_below(output))
    process.send_signal(number)
    _, rest = process.communicate(timeout=30)
    assert process.returncode == code
    assert [text for text in rest.splitlines() if not LOG_LINE.match(text)] == [line]
    assert files_below(output) == set()


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            PoolError("cycle 1 of 2: the generator failed: no more memory"),
            "cycle 1 of 2: the generator failed: no more",
        ),
        (MemoryError("1 GiB"), r"out of memory \(1 GiB\): lower sample_size, max_memory or the swapsizes"),
        (
            OSError(28, "No space left on device"),
            "/.*/pool_data: no space left on the device; finished cycles kept there: 0",
        ),
        (PermissionError(13, "Permission denied", "/some/file"), "/some/file: Permission denied"),
        (KeyError("two\nlines"), r"KeyError in .*test_main.py, line \d+: 'two\\nlines'"),
        (RuntimeError("two\nlines"), r"RuntimeError in .*test_main.py, line \d+: two lines"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_failed_run(training, output, monkeypatch, capsys, error, line):
    use_generator(monkeypatch, broken_generator(error, in_cycle=1))
    assert call(training, "--output", output) == 1
    assert re.match(f"main.py: {line}", complaint(capsys))
    assert files_below(output) == set()


@pytest.mark.parametrize("stdout", ["pipe", "closed"])
def test_a_run_whose_output_nobody_reads(training, output, tmp_path, pool_frame, stdout):
    arguments = command(training, "--pool", save(pool_frame, tmp_path / "pool.csv"), "--output", output)
    reading, writing = os.pipe()
    os.close(reading)
    if stdout == "closed":
        arguments = ["bash", "-c", '"$@" >&-', "bash", *arguments]
    with os.fdopen(writing) as unread:
        process = subprocess.run(arguments, stdout=unread, stderr=subprocess.PIPE, text=True, timeout=60)
    assert process.returncode == 0, process.stderr
    assert all(LOG_LINE.match(line) for line in process.stderr.splitlines())
    assert len(files_below(output / "results")) == 3


def test_a_closed_stderr_leaves_stdout_alone(tmp_path):
    process = subprocess.run(
        ["bash", "-c", '"$@" 2>&-', "bash", *command(tmp_path / "none.csv")], stdout=subprocess.PIPE, timeout=60
    )
    assert (process.returncode, process.stdout) == (2, b"")


def test_ctrl_c_while_the_libraries_load(tmp_path):
    (tmp_path / "numpy.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    process = subprocess.run(
        command("training.csv"), env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, timeout=60
    )
    assert (process.returncode, process.stdout, process.stderr) == (130, b"", b"main.py: interrupted\n")


def test_libraries_that_do_not_load(tmp_path):
    (tmp_path / "numpy.py").write_text("raise ImportError('failed to map segment')\n")
    process = subprocess.run(
        command("training.csv"), env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, timeout=60
    )
    assert process.returncode == 1
    assert process.stderr.startswith(b"main.py: ImportError: failed to map segment; memory (ulimit -v)")
    assert process.stderr.count(b"\n") == 1


# Wrong calls and bad input


def refusal(capsys, output, *arguments):
    """The line with which a call is refused; nothing may be written."""
    assert call(*arguments, "--output", output) == 2
    assert files_below(output) == set()
    return complaint(capsys)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file; give the path of the training data"),
        (b"", "empty file; the first line must name the columns"),
        (b"\n\n", "empty file; the first line must name the columns"),
        (b"a,b\n", "no rows, only a header; give training data with rows"),
        (b"a,b\n" + b"1,2\n" * 99, "only 99 rows; the training data needs at least 100"),
        (b"a,b\n" + b"1,2\n" * 200 + b"1,\xe9\n", r"line 202 is not UTF-8 \(byte 0xe9\); save the file as UTF-8"),
        (b"a,b,a\n" + b"1,2,3\n" * 200, "duplicate column names in the header: 'a'; rename them"),
        (b"a,,c\n" + b"1,2,3\n" * 200, "column 2 has no name; name it in the header, or remove the column"),
        (b"a;b\n" + b"1;2\n" * 200, "separated by semicolons; save the file with commas instead"),
        (b"a,b\n" + b"1,2\n" * 200 + b"1\n", "line 202 has 1 cells, but the header has 2 columns; correct the line"),
    ],
)
def test_unusable_training_data(tmp_path, output, capsys, content, message):
    path = tmp_path / "training.csv"
    if content is not None:
        path.write_bytes(content)
    assert re.match(f"main.py: {re.escape(str(path))}: .*{message}", refusal(capsys, output, path))


def test_unusable_files_of_other_kinds(training, tmp_path, output, capsys):
    folder, text = tmp_path / "folder.csv", save(table(), tmp_path / "training.txt")
    folder.mkdir()
    parquet = tmp_path / "training.parquet"
    pd.DataFrame(index=range(200)).to_parquet(parquet, index=False)
    for path, message in (
        (folder, "not a file; give the path of one .csv, .csv.gz or .parquet file as training data"),
        (text, "unsupported file type; the training data must be .csv, .csv.gz or .parquet"),
        (parquet, "no columns"),
    ):
        assert f"main.py: {path}: {message}" in refusal(capsys, output, path)


def test_a_file_name_of_two_lines_is_named_in_one(tmp_path, output, capsys):
    path = tmp_path / "two\nlines.csv"
    assert refusal(capsys, output, path).endswith("two lines.csv: no such file; give the path of the training data")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda pool: pool.head(199), "only 199 rows; the pool data needs at least the training data's 200"),
        (lambda pool: pool.head(0), "no rows, only a header; give pool data with rows"),
        (
            lambda pool: pool.drop(columns=["whole", "day"]),
            "missing columns 'whole', 'day'; the pool data needs all training columns",
        ),
        (
            lambda pool: pool.assign(whole=["1"] * 999 + ["se\nven"]),
            r"column 'whole', row 1000 after the header: 'se\\nven' is not a number.*; correct or remove the row",
        ),
        (lambda pool: pool.assign(day="soon"), "column 'day', row 1 after the header: 'soon' is not a date"),
    ],
)
def test_unusable_pools(training, output, tmp_path, pool_frame, capsys, change, message):
    pool = save(change(pool_frame), tmp_path / "pool.csv")
    line = refusal(capsys, output, training, "--pool", pool)
    assert re.match(f"main.py: {re.escape(str(pool))}: {message}", line)


def test_a_pool_or_a_holdout_that_is_missing_or_lacks_columns(training, output, tmp_path, capsys):
    missing, narrow = tmp_path / "missing.csv", save(table()[["whole"]], tmp_path / "narrow.csv")
    for role in ("pool", "holdout"):
        line = refusal(capsys, output, training, f"--{role}", missing)
        assert line == f"main.py: {missing}: no such file; give the path of the {role} data"
        line = refusal(capsys, output, training, f"--{role}", narrow)
        assert line.startswith(f"main.py: {narrow}: missing columns 'text', 'decimal', 'truth', 'day'; the {role} data")


@pytest.mark.parametrize("place", [".", "results", "pool_data"])
def test_an_output_that_cannot_be_a_folder(training, output, capsys, place):
    if place != ".":
        output.mkdir()
    taken = output / place
    taken.write_text("mine")
    assert call(training, "--output", output) == 2
    assert re.match(f"main.py: {re.escape(str(taken))}: a file, so .* give another --output", complaint(capsys))
    assert taken.read_text() == "mine"


def test_an_output_that_may_not_be_written(training, output, capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert refusal(capsys, output, training) == (
        f"main.py: {output.parent}: no permission to write there; give another --output"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: TRAINING"),
        (["training.csv", "--fast"], "unrecognized arguments: --fast"),
        (["training.csv", "--pool"], "argument --pool: expected one argument"),
        (["training.csv", "another.csv"], "unrecognized arguments: another.csv"),
    ],
)
def test_wrong_calls(capsys, arguments, message):
    assert call(*arguments) == 2
    assert capsys.readouterr().err == f"main.py: {message}; see --help\n"


def test_a_holdout_that_is_the_training_data(training, output, tmp_path, capsys):
    copy = tmp_path / "copy.csv"
    copy.write_bytes(training.read_bytes())
    line = refusal(capsys, output, training, "--holdout", copy)
    assert line == f"main.py: {copy}: the same as the training data; give rows that the training data does not have"


def test_a_pool_that_is_the_training_data_is_warned_of(training, output, capsys):
    assert call(training, "--pool", training, "--output", output) == 0
    assert f"warning: {training}: the same as the training data, so the result is a copy" in capsys.readouterr().err
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())
    assert any("the result is a copy" in warning for warning in summary["warnings"])


def test_a_result_worse_than_a_random_sample_is_warned_of(output, tmp_path, capsys):
    paths = []
    for seed, n_rows in ((1, 500), (2, 5000)):
        draw = np.random.default_rng(seed)
        hidden = draw.normal(size=n_rows)
        frame = pd.DataFrame(
            {"a": np.round(hidden + draw.normal(size=n_rows), 2), "b": np.digitize(hidden, [-1, 0, 1])}
        )
        paths.append(save(frame, tmp_path / f"{n_rows}.csv"))
    training, pool = paths
    assert call(training, "--pool", pool, "--output", output) == 0
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())["accuracy"]
    assert summary["refined"]["overall"] < summary["pool_sample"]["overall"]  # only odd rows equal no training row
    told = re.search("warning: A plain random sample of the pool would be more accurate.*", capsys.readouterr().err)
    assert told[0].endswith("or set allow_training_copies where few columns make equal rows common.")


def test_columns_that_may_tell_who_somebody_is_are_warned_of(output, tmp_path, capsys):
    frame = table().assign(id=range(200), name=[f"name {number}" for number in range(200)])
    frame = frame.assign(one=["x"] + [None] * 199, half=np.arange(200) / 2)
    frame["of"] = pd.Series(range(1000, 1200), dtype=float).mask(frame["id"] == 3)  # 1000.0 in the CSV
    assert call(save(frame, tmp_path / "people.csv"), "--output", output) == 0
    told = "the values of 'id', 'name', 'of' hardly ever occur twice"
    assert capsys.readouterr().err.count(f"warning: {told}") == 2  # at once, and at the end
    assert told in (output / "results" / f"{STEM}_report.html").read_text().replace("&#39;", "'")


def test_more_cycles_than_rows_to_sample(training, output, capsys, monkeypatch):
    monkeypatch.setattr(main, "POOL", replace(main.POOL, train_iterations=1601))
    assert call(training, "--output", output) == 2
    assert complaint(capsys).startswith("main.py: train_iterations=1601: must be at most the number of rows to sample")


@pytest.mark.parametrize("name", ["x" * 300 + ".csv", "x/" * 3000 + ".csv", "caf\udce9.csv"])
def test_names_that_no_file_can_have_or_that_are_not_utf8(training, output, tmp_path, capsys, name):
    (tmp_path / "caf\udce9.csv").write_bytes(training.read_bytes())
    message = (
        "not UTF-8, which paths must be; rename the file or folder" if "caf" in name else "File name too long; give"
    )
    for arguments in ([tmp_path / name], [training, "--pool", tmp_path / name]):
        shown = name.replace("\udce9", "\\udce9")
        assert f"{shown}: {message}" in refusal(capsys, output, *arguments)
    assert call(training, "--output", tmp_path / name) == 2
    assert message.split(";")[0] in complaint(capsys)


def test_rewritten_cells_are_counted(training, output, tmp_path, pool_frame, capsys):
    pool = pool_frame.assign(whole=pool_frame["whole"] + ".0")
    assert call(training, "--pool", save(pool, tmp_path / "pool.csv"), "--output", output) == 0
    result = cells(output / "results" / f"{STEM}.csv")
    assert result["whole"].dropna().str.fullmatch(r"-?\d+").all()
    assert (
        f"{result['whole'].count()} cells of the result are written as the training data writes them, not as the pool "
        "does (5 for 5.0, say), in 'whole'\n"
    ) in capsys.readouterr().err


def test_missing_cells_of_a_pool_keep_their_spelling(training, output, tmp_path, pool_frame):
    spelt = pool_frame.fillna(dict(zip(table(), MISSING_TOKENS[1:], strict=False)))
    assert call(training, "--pool", save(spelt, tmp_path / "pool.csv"), "--output", output) == 0
    chosen = lines_of_rows(output / "results" / f"{STEM}.csv")
    assert Counter(chosen) <= Counter(lines_of_rows(tmp_path / "pool.csv", list(table())))


def test_help(capsys):
    assert call("--help") == 0
    assert "--holdout" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            r"\n        sample_size=[\d.]+",
            "\\n        sample_size=0.5",
            "sample_size=0.5: must be a number of at least 1",
        ),
        (
            r"max_trimming_time=[\d.]+",
            "max_trimming_time='long'",
            "max_trimming_time='long': must be a number of minutes",
        ),
        (
            r"batch_size=None",
            "bach_sizes=1",
            "PoolParameters at the top of main.py: there is no parameter 'bach_sizes'; the closest one is 'batch_size'",
        ),
        (r"threads=None", "threads=none", r"line LINE: name 'none' is not defined; write None"),
        (r"copies=False", "copies=no", r"line LINE: name 'no' is not defined; text needs quotes"),
        (r'"MOSTLY_AI/Large",\n', "MOSTLY_AI/Small,\\n", r"line LINE: name 'MOSTLY_AI' is not defined; text needs"),
    ],
)
def test_wrong_parameters(tmp_path, capsys, old, new, message):
    text, changes = re.subn(old, new, (PROJECT / "main.py").read_text())
    assert changes == 1
    (tmp_path / "main.py").write_text(text)
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(tmp_path / "main.py"))
    assert end.value.code == 2
    message = message.replace("LINE", str(1 + text[: text.index(new.replace("\\n", "\n"))].count("\n")))
    assert re.match(f"main.py: {message}", complaint(capsys))


# With the real generator


@pytest.mark.engine
def test_a_run_with_the_real_generator(output, tmp_path, monkeypatch):
    monkeypatch.setattr(main, "build_pool", build_pool)
    quick = {"model_name": "MOSTLY_AI/Small", "max_epochs": 1, "cycle_backend": "auto", "sample_size": 2.0}
    monkeypatch.setattr(main, "POOL", replace(main.POOL, **quick))
    original = cells(FLIGHTS)[["date", "carrier", "dep_delay", "temp"]].sample(300, random_state=1)
    assert call(save(original, tmp_path / "flights.csv"), "--output", output) == 0
    result = cells(output / "results" / f"{STEM}.csv")
    assert len(result) == 300 and list(result.columns) == list(original.columns)
    assert result["date"].dropna().str.fullmatch(r"2013-\d\d-\d\d").all()
    assert result["dep_delay"].dropna().str.fullmatch(r"-?\d+").all()
    assert result["temp"].dropna().str.fullmatch(r"\d+(\.\d+)?").all()
    assert set(result["carrier"]) <= {*original["carrier"], "_RARE_"}
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())
    assert summary["pool"]["rows"] == 600 and summary["pool"]["made_by"] == "this run"
    assert summary["accuracy"]["refined"]["overall"] > summary["accuracy"]["pool_sample"]["overall"]


def test_a_holdout_cell_that_does_not_fit_ends_the_run_before_any_work(training, output, tmp_path, pool_frame, capsys):
    pool, frame = save(pool_frame, tmp_path / "pool.csv"), table(50, seed=3).astype({"whole": object})
    frame.loc[7, "whole"] = "oops"
    holdout = save(frame, tmp_path / "holdout.csv")
    assert call(training, "--pool", pool, "--holdout", holdout, "--output", output) == 2
    assert re.search(r"holdout.csv: column 'whole', row 8 .*'oops'", capsys.readouterr().err.splitlines()[-1])
    assert not files_below(output)


def test_the_parameters_at_the_top_are_the_defaults():
    assert (PoolParameters(), SelectionParameters()) == PARAMETERS
