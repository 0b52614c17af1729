import errno
import hashlib
import importlib
import io
import json
import os
from dataclasses import replace

import pandas as pd
import pytest

from pool.build import training_warnings
from pool.errors import OutOfMemoryError, ParameterError, PoolError
from pool.protocols import EARLY_STOPPING, EPOCHS, TIME
from tests.pool.builds import FILES, STEM, TRAINING, build, fail_in_cycle, names
from tests.pool.fakes import RECORD, Recorder, resampled, train_with


def test_the_pool_is_one_csv_with_all_rows_and_a_manifest(tmp_path):
    result = build(tmp_path / "pool", training_sha256="abc")
    assert result.path == tmp_path / "pool" / "flat_pool_20250102_1200.csv"
    assert names(tmp_path / "pool") == FILES
    pool = pd.read_csv(result.path)
    assert list(pool.columns) == list(TRAINING.columns)
    assert len(pool) == result.rows == 100
    assert [cycle.rows for cycle in result.cycles] == [34, 33, 33]
    assert set(pool["name, quoted"].dropna()) == set(TRAINING["name, quoted"].dropna())

    manifest, content = manifest_of(result), result.path.read_bytes()
    assert manifest["is_complete"] and manifest["training_sha256"] == "abc"
    assert manifest["parameters"]["sample_size"] == 2.5
    assert manifest["versions"]["mostlyai"]
    assert manifest["sha256"] == hashlib.sha256(content).hexdigest()
    for cycle in manifest["cycles"]:
        rows, content = content[: cycle["size"]], content[cycle["size"] :]
        assert cycle["sha256"] == hashlib.sha256(rows).hexdigest()
        assert [epoch["validation_loss"] for epoch in cycle["training"]["epochs"]] == [1.5, 1.25]
        assert cycle["training"]["steps"] == 1_200 and cycle["training"]["ended_by"] == EARLY_STOPPING
    assert content == b""


def manifest_of(result):
    return json.loads(result.path.with_name(FILES[1]).read_text())


def test_the_same_seed_gives_the_same_bytes_and_every_cycle_has_its_own_seed(tmp_path):
    one, two, other = (build(tmp_path, seed=seed) for seed in (1, 1, 2))
    assert one.path.read_bytes() == two.path.read_bytes() != other.path.read_bytes()
    assert len({cycle.seed for result in (one, other) for cycle in result.cycles}) == 6


def test_nothing_is_overwritten(tmp_path):
    paths = [build(tmp_path).path.name for _ in range(2)]
    (tmp_path / "flat_pool_20250102_1200_3_manifest.json").write_text("somebody's")
    paths.append(build(tmp_path).path.name)
    assert paths == [f"flat_pool_20250102_1200{suffix}.csv" for suffix in ("", "_2", "_4")]


def test_fewer_rows_than_cycles_are_refused(tmp_path):
    with pytest.raises(
        ParameterError, match="train_iterations=5: must be at most the number of rows to sample, here 4"
    ):
        build(tmp_path, training=TRAINING.head(4), train_iterations=5, sample_size=1.0)
    assert names(tmp_path) == []


def test_the_csv_holds_the_text_that_to_text_returns(tmp_path):
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
    assert ["overall accuracy 0.2500" in progress.lines[0], "overall accuracy 0.5000" in progress.lines[1]] == [
        True
    ] * 2
    assert manifest_of(result)["cycles"][0]["accuracy"] == 0.25


def test_contradictions_are_counted_and_logged(tmp_path):
    def contradict(rows, plan, progress):
        for frame in resampled(rows, plan, progress):
            yield frame.assign(x=1.0, x_is_missing=pd.Series([True] * 4 + [False] * (len(frame) - 4), dtype="boolean"))

    progress = Recorder()
    result = build(tmp_path, train=train_with(contradict), progress=progress, train_iterations=1, sample_size=1.0)
    assert result.cycles[0].contradictions.blanked >= 4
    assert pd.read_csv(result.path)["x"].isna().sum() == 4
    assert f"{result.cycles[0].contradictions.blanked} values removed" in progress.lines[0]


@pytest.mark.parametrize("error", [PoolError("it broke"), KeyboardInterrupt()])
def test_a_failed_first_cycle_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error)):
        build(tmp_path, train=fail_in_cycle(1, error))
    assert names(tmp_path) == []


@pytest.mark.parametrize("error", [PoolError("it broke"), KeyboardInterrupt()])
def test_finished_cycles_are_kept_after_a_later_failure(tmp_path, error):
    progress = Recorder()
    with pytest.raises(type(error)):
        build(tmp_path, train=fail_in_cycle(3, error), progress=progress)
    manifest = json.loads((tmp_path / FILES[1]).read_text())
    parts = [cycle["part"] for cycle in manifest["cycles"]]
    assert not manifest["is_complete"] and names(tmp_path) == sorted([FILES[1], *parts])
    content = b"".join((tmp_path / part).read_bytes() for part in parts)
    assert len(pd.read_csv(io.BytesIO(content))) == 67
    assert progress.lines[-1].startswith(f"finished cycles kept in {tmp_path}: 2; ")


def test_a_generator_that_gives_too_few_rows_is_refused(tmp_path):
    def lazy(rows, plan, progress):
        yield from resampled(rows, replace(plan, rows=plan.rows - 1), progress)

    with pytest.raises(PoolError, match="cycle 1 of 3: the generator gave 33 rows instead of 34"):
        build(tmp_path, train=train_with(lazy))


def test_a_generator_that_gives_other_columns_is_refused(tmp_path):
    def odd(rows, plan, progress):
        for frame in resampled(rows, plan, progress):
            yield frame.rename(columns={"id": "key"})

    with pytest.raises(PoolError, match="other columns than it was trained on: key, x, name, quoted"):
        build(tmp_path, train=train_with(odd))


@pytest.mark.parametrize("dtype", ["str", "category"])
def test_a_value_with_a_carriage_return_is_quoted(tmp_path, dtype):
    training = pd.DataFrame({"text": pd.Series(["a\rb", "c"] * 5, dtype=dtype), "x": range(10)})
    result = build(tmp_path, training=training)
    assert set(pd.read_csv(result.path)["text"]) == {"a\rb", "c"}


def test_sampled_rows_are_repaired_and_counted(tmp_path):
    def repair(frame):
        return frame.assign(**{"name, quoted": "repaired"}), {"a rule": len(frame)}

    progress = Recorder()
    result = build(tmp_path, repair=repair, progress=progress, train_iterations=1, sample_size=1.0)
    assert set(pd.read_csv(result.path)["name, quoted"]) == {"repaired"}
    assert result.cycles[0].repaired == {"a rule": len(TRAINING)}
    assert progress.lines[0].endswith(f"{len(TRAINING):,} values set by rules")


def test_each_cycle_has_its_own_batch_size_and_training_rows(tmp_path):
    seen = []

    def watch(rows, plan, progress):
        seen.append((plan.batch_size, rows["id"].nunique()))
        yield from resampled(rows, plan, progress)

    build(tmp_path, train=train_with(watch), batch_size=(8, 16), training_rows=("all", "bootstrap"))
    assert [batch for batch, _ in seen] == [8, 16, 16]
    assert seen[0][1] == 40 and seen[1][1] < 35 and seen[2][1] < 35


def exhaust(times):
    """Return a generator whose first `times` cycles run out of memory."""
    left = [times]

    def sample(rows, plan, progress):
        frames = resampled(rows, plan, progress)
        yield next(frames)
        if left[0]:
            left[0] -= 1
            raise OutOfMemoryError("cycle 1 of 3: CUDA out of memory")
        yield from frames

    return train_with(sample)


def test_when_memory_runs_out_a_cycle_is_trained_once_more_with_half_the_batch(tmp_path):
    progress = Recorder()
    first, second, _ = build(tmp_path, train=exhaust(1), progress=progress, batch_size=9).cycles
    assert (first.settings.batch_size, second.settings.batch_size) == (4, 9)
    assert first.retry_reason == "cycle 1 of 3: CUDA out of memory" and second.retry_reason is None
    warning = "warning: cycle 1 of 3: CUDA out of memory; training once more with batch_size=4"
    assert progress.lines[0] == warning


@pytest.mark.parametrize(("times", "batch_size"), [(2, 9), (1, 1)])
def test_memory_that_runs_out_again_ends_the_run(tmp_path, times, batch_size):
    with pytest.raises(PoolError, match="CUDA out of memory"):
        build(tmp_path, train=exhaust(times), batch_size=batch_size)
    assert names(tmp_path) == []


FULL = OSError(errno.ENOSPC, "No space left on device")


def fail_at(monkeypatch, place, *, call):
    """Let the function at that place fail at this call, because the disk is full."""
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
        ("pool.files.sync_folder", 4, 3, "kept there: 3"),  # after the cycles were joined
        ("pool.storage.pool_file.write_manifest", 1, 0, "kept there: 0"),
        ("pool.storage.pool_file.write_manifest", 2, 1, "kept there: 1"),
        ("pool.storage.pool_file.write_manifest", 4, 3, "kept there: 3"),  # of the finished pool
    ],
)
def test_a_full_disk_loses_no_finished_cycle_and_the_same_call_continues(
    tmp_path, monkeypatch, place, call, finished, message
):
    whole = build(tmp_path / "undisturbed", training_sha256="abc").path.read_bytes()
    fail_at(monkeypatch, place, call=call)
    with pytest.raises(PoolError, match=f"no space left on the device; finished cycles {message}; make room"):
        build(tmp_path / "full", training_sha256="abc")
    trained = []

    def watch(rows, plan, progress):
        trained.append(plan.label)
        yield from resampled(rows, plan, progress)

    result = build(tmp_path / "full", training_sha256="abc", train=train_with(watch))
    assert len(trained) == 3 - finished
    assert result.path.read_bytes() == whole
    assert names(tmp_path / "full") == FILES


def test_a_disk_that_is_full_while_the_cycles_are_joined_keeps_them_for_the_next_run(tmp_path, monkeypatch):
    joined, fsync = tmp_path / f"{STEM}.csv.part", os.fsync

    def fill(descriptor):
        if joined.exists() and os.path.samestat(os.fstat(descriptor), joined.stat()):
            raise FULL
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(PoolError, match="no space left on the device; finished cycles kept there: 3;"):
        build(tmp_path, training_sha256="abc")
    assert not joined.exists() and FILES[0] not in names(tmp_path)
    monkeypatch.undo()
    result = build(tmp_path, train=fail_in_cycle(1, AssertionError("trained")), training_sha256="abc")
    assert result.path.read_bytes() == build(tmp_path / "undisturbed").path.read_bytes()


def test_the_memory_of_the_gpu_is_logged(tmp_path):
    progress = Recorder()
    build(tmp_path, train=train_with(resampled, replace(RECORD, gpu_memory_bytes=3 * 2**29)), progress=progress)
    assert "at most 1.5 GiB of GPU memory" in progress.lines[0]


def test_the_needed_room_is_that_of_the_missing_cycles_and_the_joined_pool(tmp_path):
    asked = []
    with pytest.raises(PoolError):
        build(tmp_path, train=fail_in_cycle(2, PoolError("no")), training_sha256="abc")
    build(tmp_path, training_sha256="abc", before_training=lambda *rows: asked.append(rows))
    build(tmp_path, training_sha256="abc", before_training=lambda *rows: asked.append(rows))  # finished: no question
    assert asked == [(100, 33 + 33 + 100)]


def test_without_room_nothing_is_trained_and_no_file_is_left(tmp_path):
    def refuse(*_):
        raise ValueError("no room")

    with pytest.raises(ValueError, match="no room"):
        build(tmp_path, train=fail_in_cycle(1, AssertionError("trained")), before_training=refuse)
    assert names(tmp_path) == []


@pytest.mark.parametrize(("batch_size", "can_be_lowered"), [(64, False), (128, True)])
def test_a_smaller_batch_is_the_remedy_for_few_steps_unless_it_is_small_already(tmp_path, batch_size, can_be_lowered):
    train = train_with(resampled, replace(RECORD, steps=999))
    (warning,) = training_warnings(build(tmp_path, train=train, train_iterations=1, batch_size=batch_size).cycles)
    assert ("lower batch_size" in warning) == can_be_lowered


def test_the_name_of_a_draft_has_its_suffix(tmp_path):
    assert build(tmp_path, suffix="_draft").path.name == f"{STEM}_draft.csv"


@pytest.mark.parametrize(
    ("record", "named"),
    [
        (RECORD, []),
        (replace(RECORD, steps=0, ended_by=None), []),  # the generator does not say how it ended
        (replace(RECORD, steps=999), ["999 training steps", "more training rows"]),
        (replace(RECORD, ended_by=EPOCHS), ["max_epochs", "still fell"]),
        (replace(RECORD, ended_by=TIME, steps=50), ["max_training_time", "still fell"]),
        (replace(RECORD, ended_by=TIME, epochs=()), ["max_training_time", "still fell"]),
        (replace(RECORD, ended_by=EPOCHS, epochs=RECORD.epochs[::-1]), []),  # its loss rose at the end
    ],
)
def test_a_training_that_was_too_short_gets_a_warning_with_a_remedy(tmp_path, record, named):
    cycles = build(tmp_path, train=train_with(resampled, record), train_iterations=1).cycles
    warnings = training_warnings(cycles)
    assert len(warnings) == bool(named)
    assert all(word in warnings[0] for word in ["cycle 1", *named]) if named else True
