import errno
import hashlib
import importlib
import json
import os

import pandas as pd
import pytest

from pool.errors import OutOfMemoryError, ParameterError, PoolError
from pool.manifest import TrainingFacts
from tests.pool.builds import TRAINING, build, fail_in_cycle, names
from tests.pool.fakes import Recorder, resample


def test_the_pool_is_one_csv_with_all_rows_and_a_manifest(tmp_path):
    result = build(tmp_path / "pool", training_sha256="abc")
    assert result.path == tmp_path / "pool" / "flat_pool_20250102_1200.csv"
    assert names(tmp_path / "pool") == ["flat_pool_20250102_1200.csv", "flat_pool_20250102_1200_manifest.json"]
    pool = pd.read_csv(result.path)
    assert list(pool.columns) == list(TRAINING.columns)
    assert len(pool) == result.rows == 100
    assert [cycle.rows for cycle in result.cycles] == [34, 33, 33]
    assert set(pool["name, quoted"].dropna()) == set(TRAINING["name, quoted"].dropna())

    manifest, content = json.loads(result.manifest.read_text()), result.path.read_bytes()
    assert manifest["is_complete"] and manifest["rows"] == 100 and manifest["training_sha256"] == "abc"
    assert manifest["parameters"]["sample_size"] == 2.5
    assert manifest["versions"]["mostlyai"]
    assert manifest["bytes"] == len(content) and manifest["sha256"] == hashlib.sha256(content).hexdigest()
    for cycle in manifest["cycles"]:
        assert cycle["sha256"] == hashlib.sha256(content[cycle["start"] : cycle["end"]]).hexdigest()
        assert cycle["training"]["epochs"] == 3 and cycle["training"]["validation_loss"] == 1.25
    assert manifest["cycles"][-1]["end"] == len(content)


def test_the_bytes_up_to_a_cycle_s_end_hold_its_rows(tmp_path):
    result = build(tmp_path)
    first = tmp_path / "first.csv"
    first.write_bytes(result.path.read_bytes()[: result.cycles[0].end])
    pd.testing.assert_frame_equal(pd.read_csv(first), pd.read_csv(result.path).head(34))


def test_the_same_seed_gives_the_same_bytes_and_every_cycle_has_its_own(tmp_path):
    one, two, other = (build(tmp_path, seed=seed) for seed in (1, 1, 2))
    assert one.path.read_bytes() == two.path.read_bytes() != other.path.read_bytes()
    assert len({cycle.seed for result in (one, other) for cycle in result.cycles}) == 6


def test_nothing_is_overwritten(tmp_path):
    paths = [build(tmp_path).path.name for _ in range(2)]
    (tmp_path / "flat_pool_20250102_1200_3_manifest.json").write_text("somebody's")
    paths.append(build(tmp_path).path.name)
    assert paths == [f"flat_pool_20250102_1200{suffix}.csv" for suffix in ("", "_2", "_4")]


def test_a_whole_number_of_rows_for_each_cycle(tmp_path):
    with pytest.raises(
        ParameterError, match="train_iterations=5: must be at most the number of rows to sample, here 4"
    ):
        build(tmp_path, training=TRAINING.head(4), train_iterations=5, sample_size=1.0)
    assert names(tmp_path) == []


def test_the_csv_shows_what_to_text_makes_of_the_rows(tmp_path):
    def to_text(frame):
        return pd.DataFrame({name: frame[name].map(lambda value: f"<{value}>") for name in frame})

    pool = pd.read_csv(build(tmp_path, to_text=to_text).path)
    assert pool["id"].str.fullmatch(r"<\d+>").all()


def test_the_first_rows_of_each_cycle_are_scored_and_logged(tmp_path):
    scored, progress = [], Recorder()

    def score(frame):
        scored.append(frame)
        return 0.25 * len(scored)

    result = build(tmp_path, score=score, progress=progress, sample_size=3.5, train_iterations=2)
    assert [cycle.accuracy for cycle in result.cycles] == [0.25, 0.5]
    assert [len(frame) for frame in scored] == [40, 40]
    assert scored[0].dtypes.equals(TRAINING.dtypes)
    assert [line.split(",")[1] for line in progress.lines] == [" overall accuracy 0.2500", " overall accuracy 0.5000"]
    assert json.loads(result.manifest.read_text())["cycles"][0]["accuracy"] == 0.25


def test_contradictions_are_counted_and_logged(tmp_path):
    def contradict(training, **arguments):
        for frame in resample(training, **arguments):
            yield frame.assign(x=1.0, x_is_missing=pd.Series([True] * 4 + [False] * (len(frame) - 4), dtype="boolean"))

    progress = Recorder()
    result = build(tmp_path, generator=contradict, progress=progress, train_iterations=1, sample_size=1.0)
    assert result.cycles[0].contradictions.blanked >= 4
    assert pd.read_csv(result.path)["x"].isna().sum() == 4
    assert "cells blanked that their indicator calls missing" in progress.lines[0]


@pytest.mark.parametrize("error", [PoolError("it broke"), KeyboardInterrupt()])
def test_a_failed_first_cycle_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error)):
        build(tmp_path, generator=fail_in_cycle(1, error))
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [PoolError("it broke"), KeyboardInterrupt()])
def test_finished_cycles_outlive_a_later_failure(tmp_path, error):
    progress = Recorder()
    with pytest.raises(type(error)):
        build(tmp_path, generator=fail_in_cycle(3, error), progress=progress)
    path = tmp_path / "flat_pool_20250102_1200.csv"
    assert names(tmp_path) == [path.name, "flat_pool_20250102_1200_manifest.json"]
    assert len(pd.read_csv(path)) == 67
    manifest = json.loads((tmp_path / "flat_pool_20250102_1200_manifest.json").read_text())
    assert not manifest["is_complete"] and manifest["cycles"][-1]["end"] == path.stat().st_size
    assert progress.lines[-1] == f"finished cycles kept in {tmp_path}: 2; the same command goes on from there"


def test_a_generator_that_gives_too_few_rows_is_refused(tmp_path):
    def lazy(training, *, rows, **arguments):
        yield from resample(training, rows=rows - 1, **arguments)

    with pytest.raises(PoolError, match="cycle 1 of 3: the generator gave 33 rows instead of 34"):
        build(tmp_path, generator=lazy)


def test_a_generator_that_gives_other_columns_is_refused(tmp_path):
    def odd(training, **arguments):
        for frame in resample(training, **arguments):
            yield frame.rename(columns={"id": "key"})

    with pytest.raises(PoolError, match="other columns than it was trained on: key, x, name, quoted"):
        build(tmp_path, generator=odd)


def test_a_value_with_a_carriage_return_is_quoted(tmp_path):
    training = pd.DataFrame({"text": pd.Series(["a\rb", "c"] * 5, dtype="str"), "x": range(10)})
    result = build(tmp_path, training=training)
    assert set(pd.read_csv(result.path)["text"]) == {"a\rb", "c"}


def test_rare_cells_and_copies_of_training_rows_are_counted(tmp_path):
    def copy_some(training, *, rows, tell, **arguments):
        sample = training.head(rows).assign(id=[*range(5), *range(1000, 1000 + rows - 5)])
        yield sample.assign(**{"name, quoted": ["_RARE_"] * 2 + list(sample["name, quoted"])[2:]})

    progress = Recorder()
    result = build(tmp_path, generator=copy_some, progress=progress, train_iterations=1, sample_size=1.0)
    assert (result.cycles[0].rare_cells, result.cycles[0].training_copies) == (2, 3)
    assert progress.lines[0].endswith(
        "2 cells _RARE_ (a category too rare to be shown), 3 rows equal to a training row"
    )


def test_a_rare_value_of_the_training_data_is_a_value_as_any_other(tmp_path):
    training = TRAINING.assign(**{"name, quoted": "_RARE_"})
    assert all(cycle.rare_cells == 0 for cycle in build(tmp_path, training=training).cycles)


def test_each_cycle_is_trained_as_its_entry_says(tmp_path):
    seen = []

    def watch(training, *, settings, **arguments):
        seen.append((settings.batch_size, training["id"].nunique()))
        yield from resample(training, settings=settings, **arguments)

    build(tmp_path, generator=watch, batch_size=(8, 16), training_rows=("all", "bootstrap"))
    assert [batch for batch, _ in seen] == [8, 16, 16]
    assert seen[0][1] == 40 and seen[1][1] < 35 and seen[2][1] < 35


def exhaust(times):
    """A generator that runs out of memory so many times."""
    left = [times]

    def generator(training, **arguments):
        frames = resample(training, **arguments)
        yield next(frames)
        if left[0]:
            left[0] -= 1
            raise OutOfMemoryError("cycle 1 of 3: CUDA out of memory")
        yield from frames

    return generator


def test_when_memory_runs_out_a_cycle_is_trained_once_more_with_half_the_batch(tmp_path):
    progress = Recorder()
    first, second, _ = build(tmp_path, generator=exhaust(1), progress=progress, batch_size=9).cycles
    assert (first.settings.batch_size, second.settings.batch_size) == (4, 9)
    assert first.retry_reason == "cycle 1 of 3: CUDA out of memory" and second.retry_reason is None
    warning = "warning: cycle 1 of 3: CUDA out of memory; training once more with batch_size=4"
    assert progress.lines[0] == warning


@pytest.mark.parametrize(("times", "batch_size"), [(2, 9), (1, 1)])
def test_memory_that_runs_out_again_ends_the_run(tmp_path, times, batch_size):
    with pytest.raises(PoolError, match="CUDA out of memory"):
        build(tmp_path, generator=exhaust(times), batch_size=batch_size)
    assert names(tmp_path) == []


FULL = OSError(errno.ENOSPC, "No space left on device")


def fail_at(monkeypatch, place, *, call):
    """Let the function of that place raise that the disk is full, the first time after so many calls."""
    module, name = place.rsplit(".", 1)
    real, calls = getattr(importlib.import_module(module), name), []

    def function(*arguments, **options):
        calls.append(None)
        if len(calls) == call:
            raise FULL
        return real(*arguments, **options)

    monkeypatch.setattr(place, function)


@pytest.mark.parametrize(
    ("place", "call", "finished", "message"),
    [
        ("pool.cycle.sha256_of", 1, 0, "kept there: 0"),  # of a part file
        ("pool.cycle.sha256_of", 2, 1, "kept there: 1"),
        ("pool.store.sync_folder", 2, 2, "kept there: 2"),  # after a cycle was added to the CSV
        ("pool.store.write_manifest", 3, 1, "kept there: 1"),
        ("pool.store.write_manifest", 4, 2, "kept there: 2"),
    ],
)
def test_a_full_disk_loses_no_finished_cycle_and_the_same_call_goes_on(
    tmp_path, monkeypatch, place, call, finished, message
):
    whole = build(tmp_path / "undisturbed", training_sha256="abc").path.read_bytes()
    fail_at(monkeypatch, place, call=call)
    with pytest.raises(
        PoolError, match=f"no space left on the device; finished cycles {message}; make room, then the same"
    ):
        build(tmp_path / "full", training_sha256="abc")
    trained = []

    def watch(training, *, label, **arguments):
        trained.append(label)
        yield from resample(training, label=label, **arguments)

    result = build(tmp_path / "full", training_sha256="abc", generator=watch)
    assert len(trained) == 3 - finished
    assert result.path.read_bytes() == whole
    assert names(tmp_path / "full") == ["flat_pool_20250102_1200.csv", "flat_pool_20250102_1200_manifest.json"]


def test_a_csv_that_another_program_changes_ends_the_run(tmp_path):
    def meddle(training, *, label, **arguments):
        yield from resample(training, label=label, **arguments)
        if label.startswith("cycle 2 "):
            with (tmp_path / "flat_pool_20250102_1200.csv").open("a") as file:
                file.write("more\n")

    with pytest.raises(PoolError, match=r"1200.csv: [\d,]+ bytes instead of [\d,]+; another program has changed it"):
        build(tmp_path, generator=meddle)


@pytest.mark.parametrize(("call", "finished"), [(1, 1), (2, 2)])
def test_a_disk_that_is_full_while_rows_are_added_keeps_them_for_the_next_run(tmp_path, monkeypatch, call, finished):
    path, fsync, calls = tmp_path / "flat_pool_20250102_1200.csv", os.fsync, []

    def fill(descriptor):
        if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
            calls.append(path.stat().st_size)
            if len(calls) == call:
                raise FULL
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(PoolError, match=f"no space left on the device; finished cycles kept there: {finished};"):
        build(tmp_path, training_sha256="abc")
    assert (path.stat().st_size if path.exists() else 0) == (0, *calls)[call - 1]  # what was added goes again
    result = build(tmp_path, training_sha256="abc")
    monkeypatch.undo()
    assert result.path.read_bytes() == build(tmp_path / "undisturbed").path.read_bytes()


def test_the_memory_of_the_gpu_is_logged(tmp_path):
    def on_gpu(training, *, tell, **arguments):
        yield from resample(training, tell=tell, **arguments)
        tell(TrainingFacts(gpu_memory_bytes=3 * 2**29))

    progress = Recorder()
    build(tmp_path, generator=on_gpu, progress=progress)
    assert "at most 1.5 GiB in use on the GPU" in progress.lines[0]


def test_the_room_that_is_needed_is_of_the_missing_cycles(tmp_path):
    asked = []
    with pytest.raises(PoolError):
        build(tmp_path, generator=fail_in_cycle(2, PoolError("no")), training_sha256="abc")
    build(tmp_path, training_sha256="abc", ready=lambda *rows: asked.append(rows))
    build(tmp_path, training_sha256="abc", ready=lambda *rows: asked.append(rows))  # complete: nothing to ask
    assert asked == [(100, 33 + 33 + 33)]


def test_where_there_is_no_room_nothing_is_trained_and_nothing_left(tmp_path):
    def refuse(*_):
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        build(tmp_path, generator=fail_in_cycle(1, AssertionError("trained")), ready=refuse)
    assert names(tmp_path) == []
