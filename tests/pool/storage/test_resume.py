"""Tests whether a run continues, uses or leaves the pools of earlier runs."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from pool import files
from tests.pool.builds import FILES, STEM, TRAINING, build, fail_in_cycle, names
from tests.pool.fakes import Recorder, resampled, train_with

pytestmark = pytest.mark.slow


def run(folder, **options):
    """Build with a checksum of the training data. Return the result, the numbers of the trained cycles, and the log."""
    trained, progress = [], Recorder()

    def watch(rows, plan, progress):
        trained.append(plan.number)
        yield from resampled(rows, plan, progress)

    options = {"training_sha256": "abc", "train": train_with(watch), "progress": progress} | options
    return build(folder, **options), trained, progress.lines


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return run(tmp_path_factory.mktemp("undisturbed"))[0].path.read_bytes()


@pytest.fixture
def interrupted(tmp_path):
    """Return a folder in which cycle 1 is finished and cycle 2 was interrupted."""
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, train=fail_in_cycle(2, KeyboardInterrupt()))
    assert len(names(tmp_path)) == 2 and part_of(tmp_path, 1).exists()
    return tmp_path


def part_of(folder, number):
    """Return the file with the rows of a cycle, as the manifest names it."""
    cycles = json.loads((folder / FILES[1]).read_text())["cycles"]
    return folder / next(cycle["part"] for cycle in cycles if cycle["number"] == number)


# Killed runs: each is a process of its own that kills itself at one moment

KILLED_RUNS = """
import os, signal, sys
from pathlib import Path
from unittest import mock
import pool.files, pool.storage.pool_file
from tests.pool.builds import build
from tests.pool.fakes import resampled, train_with

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def die_at_call(place, number, after=False):
    owner, name = place
    real, calls = getattr(owner, name), []
    def function(*arguments):
        calls.append(None)
        if len(calls) == number and not after:
            die()
        result = real(*arguments)
        if len(calls) == number:
            die()
        return result
    return mock.patch.object(owner, name, function)

def train(moment):
    def sample(rows, plan, progress):
        if plan.number == 2 and moment == "training":
            die()
        for frame in resampled(rows, plan, progress):
            yield frame.head(10)
            if plan.number == 2 and moment == "sampling":
                die()
            yield frame.tail(-10)
    return train_with(sample)

def run(moment, folder):
    pool_file = pool.storage.pool_file  # each cycle writes the manifest twice, the second time with its score
    patches = {
        "part written": die_at_call((pool_file, "write_manifest"), 3),
        "joining": die_at_call((Path, "replace"), 7),
        "joined": die_at_call((pool.files, "sync_folder"), 7),
        "finished": die_at_call((pool_file, "write_manifest"), 7, after=True),
    }
    with patches.get(moment, mock.MagicMock()):
        score = (lambda rows: die()) if moment == "between" else (lambda rows: 0.5)
        build(folder, train=train(moment), training_sha256="abc", score=score)

for moment in sys.argv[2:]:
    if (child := os.fork()) == 0:
        run(moment, Path(sys.argv[1]) / moment)
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, moment
"""
LEFT_TO_TRAIN = {
    "training": [2, 3],
    "sampling": [2, 3],
    "between": [2, 3],
    "part written": [2, 3],
    "joining": [],
    "joined": [],
    "finished": [],
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    subprocess.run([sys.executable, "-c", KILLED_RUNS, folder, *LEFT_TO_TRAIN], cwd=Path.cwd(), check=True)
    return folder


@pytest.mark.parametrize("moment", LEFT_TO_TRAIN)
def test_after_a_kill_the_same_call_continues_and_gives_the_same_bytes(killed, undisturbed, moment):
    folder = killed / moment
    assert f"{STEM}.lock" in names(folder)
    result, trained, lines = run(folder)
    assert trained == LEFT_TO_TRAIN[moment]
    reused = "cycle 1 of 3 in" if trained else "cycles 1, 2, 3 of 3 in"
    expected = f"re-using {STEM}.csv, complete" if moment == "finished" else f"re-using {reused} {STEM}.csv"
    assert any(line.startswith(expected) for line in lines)
    assert result.path.read_bytes() == undisturbed
    assert names(folder) == FILES


def test_the_files_of_a_killed_first_cycle_are_removed(tmp_path):
    (tmp_path / f"{STEM}.lock").touch()
    (tmp_path / f"{STEM}_cycle1_01234567.part").write_text("half")
    result, trained, _ = run(tmp_path)
    assert trained == [1, 2, 3] and result.path.name == f"{STEM}.csv"
    assert names(tmp_path) == FILES


# Interrupted, complete and changed pools


def test_an_interrupted_run_is_continued(interrupted, undisturbed):
    result, trained, lines = run(interrupted)
    assert trained == [2, 3]
    assert lines[0] == f"re-using cycle 1 of 3 in {STEM}.csv"
    assert result.path.read_bytes() == undisturbed
    manifest = json.loads((interrupted / FILES[1]).read_text())
    assert manifest["is_complete"] and [cycle["number"] for cycle in manifest["cycles"]] == [1, 2, 3]


def test_an_interrupt_just_after_the_pool_is_complete_leaves_no_part(tmp_path, monkeypatch):
    sync = files.sync_folder

    def interrupted(folder):
        if '"is_complete": true' in (folder / FILES[1]).read_text():
            raise KeyboardInterrupt
        sync(folder)

    monkeypatch.setattr(files, "sync_folder", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    assert names(tmp_path) == FILES


def test_a_complete_pool_is_used_as_it_is(tmp_path):
    first, _, _ = run(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again, trained, lines = run(tmp_path)
    assert again == replace(first, new_cycles=0) and first.new_cycles == 3 and trained == []
    assert lines == [
        f"re-using {STEM}.csv, complete with cycles 1, 2, 3 of this training data and these parameters; change the "
        "pool's seed for a new one"
    ]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"training_sha256": "def"}, "other training data"),
        ({"treatment": ("a -> b",)}, "other kinds of columns or other rules"),
        ({"seed": 2}, "seed=1, now 2"),
        ({"batch_size": (1024, 8)}, r"batch_size=None, now \[1024, 8\]"),
        ({"train_iterations": 4}, "train_iterations=3, now 4"),
        ({"sample_size": 3.0}, "sample_size=2.5, now 3.0"),
    ],
)
def test_with_other_data_or_parameters_a_new_pool_is_started_and_the_old_one_stays(interrupted, changes, message):
    before = {path: path.read_bytes() for path in interrupted.iterdir()}
    result, trained, lines = run(interrupted, **changes)
    assert re.fullmatch(f"starting a new pool: {STEM}.csv has {message}", lines[0])
    assert result.path.name == f"{STEM}_2.csv" and len(trained) == changes.get("train_iterations", 3)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize("changes", [{"cycle_backend": "auto"}, {"model_name": ("MOSTLY_AI/Large",) * 3}])
def test_a_change_without_effect_on_the_rows_continues_the_pool(interrupted, undisturbed, changes):
    result, trained, _ = run(interrupted, **changes)
    assert sorted(trained) == [2, 3] and result.path.read_bytes() == undisturbed


def test_other_versions_make_a_new_pool_and_another_python_does_not(interrupted):
    manifest = interrupted / f"{STEM}_manifest.json"
    change(manifest, lambda content: content["versions"].update(python="3.1"))
    assert run(interrupted)[1] == [2, 3]
    change(manifest, lambda content: content["versions"].update(torch="1.0"))
    _, trained, lines = run(interrupted)
    assert trained == [1, 2, 3]
    assert re.fullmatch(f"starting a new pool: {STEM}.csv has torch 1.0, now .*", lines[0])


def change(manifest, edit):
    content = json.loads(manifest.read_text())
    edit(content)
    manifest.write_text(json.dumps(content))


def test_the_pool_with_the_most_cycles_is_continued(tmp_path):
    for cycle, options in ((3, {}), (2, {"training_sha256": None})):  # without a checksum it is always a new pool
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, train=fail_in_cycle(cycle, KeyboardInterrupt()), **options)
    change(tmp_path / f"{STEM}_2_manifest.json", lambda content: content.update(training_sha256="abc"))
    result, trained, _ = run(tmp_path)
    assert result.path.name == f"{STEM}.csv" and trained == [3]


# Files that cannot be trusted


@pytest.mark.parametrize("damage", ["changed", "shortened", "removed"])
def test_a_csv_whose_bytes_differ_from_its_manifest_is_not_used(tmp_path, undisturbed, damage):
    csv = run(tmp_path)[0].path
    damage_file(csv, damage)
    before = names(tmp_path)
    result, trained, lines = run(tmp_path)
    assert lines[0] == f"{STEM}.csv is not used: its bytes differ from its manifest"
    assert trained == [1, 2, 3] and result.path.name == f"{STEM}_2.csv" and result.path.read_bytes() == undisturbed
    assert set(before) < set(names(tmp_path))


@pytest.mark.parametrize("damage", ["changed", "shortened", "removed"])
def test_a_cycle_whose_file_is_damaged_is_trained_again(interrupted, undisturbed, damage):
    damage_file(part_of(interrupted, 1), damage)
    result, trained, lines = run(interrupted)
    assert lines[0] == f"re-using no cycle of 3 in {STEM}.csv" and trained == [1, 2, 3]
    assert result.path.read_bytes() == undisturbed and names(interrupted) == FILES


def damage_file(path, damage):
    content = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(content[:-3] + (b"..." if damage == "changed" else b""))


def test_a_complete_pool_with_more_rows_is_not_used(tmp_path):
    result, _, _ = run(tmp_path)
    with result.path.open("a") as file:
        file.write("1,2,3\n")
    assert run(tmp_path)[1] == [1, 2, 3]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 2, "cycles": []}', '{"format": 3}', '{"format": 3, "cycles": ["x"]}']
)
def test_a_manifest_of_another_kind_is_left_alone(interrupted, content):
    (interrupted / f"{STEM}_manifest.json").write_text(content)
    assert run(interrupted)[1] == [1, 2, 3]
    assert (interrupted / f"{STEM}_manifest.json").read_text() == content


def test_rows_that_an_unreadable_manifest_may_name_stay(interrupted):
    (interrupted / f"{STEM}_manifest.json").write_text('{"format": 4}')
    (interrupted / f"{STEM}.lock").touch()
    part = interrupted / f"{STEM}_cycle2_01234567.part"
    part.write_text("1,2,3\n")
    run(interrupted)
    assert part.read_text() == "1,2,3\n"
    (interrupted / f"{STEM}_manifest.json").unlink()
    run(interrupted)
    assert not part.exists()


def test_a_csv_without_a_manifest_is_left_alone(tmp_path):
    first = run(tmp_path)[0].path
    (tmp_path / FILES[1]).unlink()
    content = first.read_bytes()
    result, trained, _ = run(tmp_path)
    assert trained == [1, 2, 3] and result.path.name == f"{STEM}_2.csv"
    assert first.read_bytes() == content


# Two runs at once


def test_a_pool_that_another_run_is_building_is_not_used(interrupted, undisturbed):
    other = []

    def second_run_meanwhile(rows, plan, progress):
        if plan.number == 2:
            other.extend(run(interrupted))
        yield from resampled(rows, plan, progress)

    result, _, _ = run(interrupted, train=train_with(second_run_meanwhile))
    second, trained, lines = other
    assert lines[0] == f"{STEM}.csv is not used: another run is building it" and trained == [1, 2, 3]
    assert result.path != second.path
    assert result.path.read_bytes() == second.path.read_bytes() == undisturbed
    assert names(interrupted) == sorted([*FILES, f"{STEM}_2.csv", f"{STEM}_2_manifest.json"])


def test_without_locks_a_run_warns_and_continues(interrupted, undisturbed, monkeypatch):
    def refuse(_descriptor, _how):
        raise OSError(files.NO_LOCKS[0], "no locks")

    monkeypatch.setattr("fcntl.flock", refuse)
    result, trained, lines = run(interrupted)
    assert sorted(trained) == [2, 3] and result.path.read_bytes() == undisturbed
    assert lines[0].startswith(f"warning: no locks in {interrupted}")
    assert names(interrupted) == FILES


def test_without_a_checksum_of_the_data_every_pool_is_new(tmp_path):
    paths = [build(tmp_path, training=TRAINING).path.name for _ in range(2)]
    assert paths == [f"{STEM}.csv", f"{STEM}_2.csv"]


def test_without_locks_a_lock_file_is_taken_for_that_of_another_run(tmp_path, monkeypatch):
    def refuse(_descriptor, _how):
        raise OSError(files.NO_LOCKS[0], "no locks")

    (tmp_path / f"{STEM}.lock").touch()
    monkeypatch.setattr("fcntl.flock", refuse)
    result, _, _ = run(tmp_path)
    assert result.path.name == f"{STEM}_2.csv"
    assert f"{STEM}.lock" in names(tmp_path)


def test_a_failure_while_a_pool_is_checked_leaves_no_lock(interrupted, monkeypatch):
    def fail(*_arguments):
        raise OSError("Input/output error")

    monkeypatch.setattr("pool.storage.resume.sha256_of", fail)
    with pytest.raises(OSError, match="Input/output error"):
        run(interrupted)
    assert f"{STEM}.lock" not in names(interrupted)


def before_it_is_held(monkeypatch, name, action):
    """Do something once, just before the lock of that pool is held, as another run might."""
    hold, left = files.try_to_hold, [action]

    def act_and_hold(path):
        if path.name == f"{name}.lock" and left:
            left.pop()()
        return hold(path)

    monkeypatch.setattr("pool.storage.resume.try_to_hold", act_and_hold)


def test_a_pool_that_another_run_changes_meanwhile_is_not_continued(interrupted, monkeypatch):
    manifest = interrupted / f"{STEM}_manifest.json"
    edit = lambda content: content.update(training_sha256="def")  # noqa: E731
    before_it_is_held(monkeypatch, STEM, lambda: change(manifest, edit))
    result, trained, _ = run(interrupted)
    assert trained == [1, 2, 3] and result.path.name == f"{STEM}_2.csv"
    assert f"{STEM}.lock" not in names(interrupted)


def test_a_name_that_another_run_takes_meanwhile_is_not_used(tmp_path, monkeypatch):
    before_it_is_held(monkeypatch, STEM, (tmp_path / f"{STEM}.csv").touch)
    result, _, _ = run(tmp_path)
    assert result.path.name == f"{STEM}_2.csv"
    assert (tmp_path / f"{STEM}.csv").read_bytes() == b"" and f"{STEM}.lock" not in names(tmp_path)


def test_another_plan_of_the_cycles_makes_a_new_pool(interrupted):
    change(interrupted / f"{STEM}_manifest.json", lambda content: content["plan"][2].update(seed=7))
    _, trained, lines = run(interrupted)
    assert trained == [1, 2, 3] and lines[0] == f"starting a new pool: {STEM}.csv has other cycles"
