"""Tests which pool a later run uses, and which names it gives to its files."""

import json
import re
import shutil
import signal
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

import pytest

import main
from postprocess.report.summary import write_summary
from postprocess.runtime.outputs import publish
from postprocess.selection.select import select
from tests.pool.builds import fail_in_cycle
from tests.runs.support import STEM, Clock, call, complaint, files_below, save, use_generator


def test_the_same_seed_gives_the_same_bytes(training, tmp_path, monkeypatch):
    first, second = tmp_path / "first", tmp_path / "second"
    assert call(training, "--output", first) == 0
    monkeypatch.setattr(main, "SELECTION", replace(main.SELECTION, threads=1))
    assert call(training, "--output", second) == 0
    for name in (f"results/{STEM}.csv", "pool_data/flat_pool_20260131_0930.csv"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_second_run_uses_the_same_pool_unless_its_parameters_change(training, output, monkeypatch, capsys):
    assert call(training, "--output", output) == 0
    first = {name: (output / name).read_bytes() for name in files_below(output)}
    capsys.readouterr()
    assert call(training, "--output", output) == 0
    assert "re-using flat_pool_20260131_0930.csv, complete with cycles 1, 2" in capsys.readouterr().err
    pools = [json.loads((output / "results" / f"{STEM}{n}_summary.json").read_text())["pool"] for n in ("", "_2")]
    assert [pool["made_by"] for pool in pools] == ["this run", "an earlier run"]
    new = files_below(output) - first.keys()
    assert new == {f"results/{STEM}_2{ending}" for ending in (".csv", "_summary.json", "_report.html")}
    assert {name: (output / name).read_bytes() for name in first} == first
    assert (output / "results" / f"{STEM}_2.csv").read_bytes() == first[f"results/{STEM}.csv"]

    monkeypatch.setattr(main, "POOL", replace(main.POOL, seed=2))
    assert call(training, "--output", output) == 0
    assert "starting a new pool: flat_pool_20260131_0930.csv has seed=1, now 2" in capsys.readouterr().err
    assert (output / "results" / f"{STEM}_3.csv").read_bytes() != first[f"results/{STEM}.csv"]


@pytest.mark.parametrize("stage", ["second cycle", "selection"])
def test_an_interrupted_run_is_continued(training, tmp_path, monkeypatch, stage):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert call(training, "--output", whole) == 0
    with monkeypatch.context() as patch:
        if stage == "second cycle":
            use_generator(patch, fail_in_cycle(2, KeyboardInterrupt()))
        else:
            patch.setattr("main.select_rows", lambda *_arguments, **_options: signal.raise_signal(signal.SIGINT))
        assert call(training, "--output", broken) == 130
    assert call(training, "--output", broken) == 0
    for name in (f"results/{STEM}.csv", "pool_data/flat_pool_20260131_0930.csv"):
        assert (whole / name).read_bytes() == (broken / name).read_bytes()
    assert files_below(whole) == files_below(broken)


def test_a_finished_pool_needs_no_disk_space(training, output, monkeypatch, capsys):
    only_the_result_fits = SimpleNamespace(free=5_000_000 + 300 * 40)
    with monkeypatch.context() as patch:
        patch.setattr("postprocess.preflight.shutil.disk_usage", lambda _: only_the_result_fits)
        assert call(training, "--output", output) == 2
        assert "not enough disk space" in complaint(capsys) and not files_below(output)
    assert call(training, "--output", output) == 0
    monkeypatch.setattr("postprocess.preflight.shutil.disk_usage", lambda _: only_the_result_fits)
    assert call(training, "--output", output) == 0


def test_each_result_has_its_own_name_if_the_clock_jumps_back(training, output, monkeypatch):
    for minute in (30, 29, 30):
        monkeypatch.setattr(Clock, "now", lambda minute=minute: datetime(2026, 1, 31, 9, minute))
        assert call(training, "--output", output) == 0
    names = {path.name for path in (output / "results").glob("*.csv")}
    assert names == {f"{STEM}.csv", f"{STEM}_2.csv", "flat_result_20260131_0929.csv"}


def test_a_vanished_output_folder_is_made_again_or_named(training, output, tmp_path, pool_frame, monkeypatch, capsys):
    def select_and_remove(*arguments, **options):
        shutil.rmtree(output)
        return select(*arguments, **options)

    pool = save(pool_frame, tmp_path / "pool.csv")
    (output / "results").mkdir(parents=True)
    monkeypatch.setattr(main, "select", select_and_remove)
    assert call(training, "--pool", pool, "--output", output) == 0  # it is made again
    monkeypatch.setattr(
        "postprocess.report.write.write_summary",
        lambda *_, **options: shutil.rmtree(output) or write_summary(*_, **options),
    )
    monkeypatch.setattr(main, "select", select)
    assert call(training, "--pool", pool, "--output", output) == 1
    assert re.fullmatch(r"main.py: .*_summary.json.*: No such file or directory", complaint(capsys))


def test_a_result_gets_another_name_if_another_run_takes_its_name(training, output, monkeypatch):
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
