"""Tests the estimates of memory and disk, how much of both is left, and the line that refuses a run."""

import resource
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from postprocess import preflight
from postprocess.data.binning import fit_binning
from postprocess.data.codes import Codes
from postprocess.data.sources import open_source
from postprocess.preflight import (
    FreeMemory,
    Needs,
    available_memory,
    mean_row_bytes,
    needs_of_selection,
    needs_of_training,
    require_room,
)
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress
from postprocess.runtime.stages import Journal
from postprocess.selection.select import select
from tests.parameters import selection_parameters
from tests.postprocess.oracles import draw_codes

DEFAULTS = selection_parameters()
PRIZE = np.full(80, 11)


def test_runs_that_were_measured_are_not_refused():
    """The peaks were measured. A run holds 0.2 GB before it reads its pool."""
    for n_rows, n_codes, pool_rows, peak in (
        (20_000, PRIZE, 300_000, 0.9e9),
        (100_000, np.full(32, 10), 500_000, 0.8e9),
        (100_000, PRIZE, 2_500_000, 1.2e9),
    ):
        codes = pool_rows * len(n_codes)
        needed = codes + needs_of_selection(n_rows, n_codes, pool_rows, 300.0, DEFAULTS).memory
        assert peak / 10 < needed < peak - 0.2e9


def test_the_real_need_is_above_the_estimate():
    """A refused run would have failed: the peak of the selection is above the estimate, but not far above it."""
    n_rows, n_codes = 3000, np.full(12, 8)
    training, pool = (
        Codes(draw_codes(n_codes, rows, seed), np.arange(rows, dtype=np.uint64) + 10**6 * seed, np.zeros(rows, bool))
        for seed, rows in ((1, n_rows), (2, 4 * n_rows))
    )
    parameters = selection_parameters(threads=1, max_trimming_time=0, refinement_iterations=0, privacy_filter=0)
    tracemalloc.start()
    select(training, pool, n_codes, parameters, journal=Journal(Progress()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0.3 * peak < needs_of_selection(n_rows, n_codes, pool.n_rows, 50.0, parameters).memory < peak


def test_needs_grow_with_the_data_and_the_parameters():
    needs = needs_of_training(10**6, PRIZE, 25 * 10**6, 400.0, DEFAULTS, written_rows=30 * 10**6)
    assert needs.disk == pytest.approx(1.2 * 31e6 * 400 + 5e6)  # includes the page
    assert needs.memory >= 2 * 25e6 * 80
    for change in ({"max_memory": 0.1}, {"trimming_data_multiplier": 1.0}, {"refinement_top_triples": 10}):
        less = needs_of_selection(10**5, PRIZE, 10**6, 400.0, selection_parameters(**change))
        assert less.memory <= needs_of_selection(10**5, PRIZE, 10**6, 400.0, DEFAULTS).memory
    wide = needs_of_selection(1000, np.full(300, 10), 2000, 400.0, DEFAULTS)
    assert 4 * 2**30 <= wide.memory < 4.1 * 2**30  # all tables would take 9 GB
    assert needs_of_training(100, PRIZE[:3], 2500, 10.0, DEFAULTS, written_rows=2500).memory == 2**30  # the generator's


def test_too_little_memory_or_disk_is_refused_with_the_figures(tmp_path, monkeypatch):
    require_room(Needs(memory=10**6, disk=10**6), tmp_path / "not" / "there")
    with pytest.raises(InputError, match=r"not enough disk space: this run writes about 1000000.0 GB, but only .* GB"):
        require_room(Needs(memory=10**6, disk=10**15), tmp_path)
    monkeypatch.setattr(preflight, "available_memory", lambda: FreeMemory(10**9, "the control group"))
    with pytest.raises(
        InputError,
        match=r"^not enough memory: this run needs at least 2,000 MB more, but the control group leaves 1,000 MB;",
    ):
        require_room(Needs(memory=2 * 10**9, disk=0), tmp_path)


@pytest.mark.parametrize(("limit", "left"), [("1000", 1000 - 700 + 300), ("100", 0), ("max", None)])
@pytest.mark.parametrize("version", [2, 1])
def test_the_limit_of_a_control_group_counts(tmp_path, monkeypatch, version, limit, left):
    (controllers, _, limit_name, usage_name, prefix) = preflight._CGROUPS[2 - version]
    group = tmp_path / "mount" / "mine"
    group.mkdir(parents=True)
    (tmp_path / "cgroup").write_text(f"7:other:/\n4:{controllers}:/mine\n")
    (group / limit_name).write_text(f"{limit}\n")
    (group / usage_name).write_text("700\n")
    (group / "memory.stat").write_text(f"{prefix}active_file 100\n{prefix}inactive_file 200\nanon 5\n")
    monkeypatch.setattr(preflight, "_OWN_CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(preflight, "_CGROUPS", ((controllers, tmp_path / "mount", limit_name, usage_name, prefix),))
    room = available_memory()
    assert (room.limit == "the control group") is (left is not None)
    assert left is None or room.memory == left


@pytest.mark.slow
def test_a_limit_on_address_space_counts():
    code = (
        "import resource; from postprocess.preflight import available_memory\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, resource.RLIM_INFINITY)); print(available_memory())"
    )
    root = Path(preflight.__file__).parents[1]
    printed = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout
    assert "limit='the limit on address space (ulimit -v)'" in printed
    assert 0 < int(printed.split("memory=")[1].split(",")[0]) < 3 << 30
    assert resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY


def test_the_mean_bytes_of_a_row_are_those_of_its_csv_line(tmp_path):
    frame = pd.DataFrame({"a": range(1000, 1100), "b": ["x,y", None] * 50})
    frame.to_csv(tmp_path / "data.csv.gz", index=False)
    frame.to_parquet(tmp_path / "data.parquet")
    for name in ("data.csv.gz", "data.parquet"):
        source = open_source(tmp_path / name, role="training")
        assert (
            mean_row_bytes(source, fit_binning(source, progress=Progress()))
            == (len('1000,"x,y"\n') + len("1001,\n")) / 2
        )


def test_without_control_groups_the_machine_is_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(preflight, "_OWN_CGROUPS", tmp_path / "missing")
    assert available_memory().limit != "the control group"
