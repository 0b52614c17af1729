import json
import os
from datetime import datetime

import pandas as pd
import pytest

from pool.build import build_pool
from pool.errors import ParameterError, PoolError
from pool.parameters import PoolParameters
from tests.pool.fakes import Recorder, resample

NOON = datetime(2025, 1, 2, 12, 0)
TRAINING = pd.DataFrame(
    {
        "id": pd.Series(range(40), dtype="Int64"),
        "x": pd.Series([0.5, None] * 20),
        "name, quoted": pd.Series(['say "x"', "a,b", "two\nlines", None] * 10, dtype="str"),
    }
)


def build(folder, *, training=TRAINING, generator=resample, progress=None, **changes):
    options = {name: changes.pop(name) for name in ("to_text", "score", "training_sha256") if name in changes}
    parameters = PoolParameters(**({"train_iterations": 3, "sample_size": 2.5} | changes))
    progress = progress or Recorder()
    return build_pool(
        training, parameters, folder=folder, progress=progress, generator=generator, clock=lambda: NOON, **options
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_pool_is_one_csv_with_all_rows_and_a_manifest(tmp_path):
    result = build(tmp_path / "pool", training_sha256="abc")
    assert result.path == tmp_path / "pool" / "flat_pool_20250102_1200.csv"
    assert names(tmp_path / "pool") == ["flat_pool_20250102_1200.csv", "flat_pool_20250102_1200_manifest.json"]
    pool = pd.read_csv(result.path)
    assert list(pool.columns) == list(TRAINING.columns)
    assert len(pool) == result.rows == 100
    assert [cycle.rows for cycle in result.cycles] == [34, 33, 33]
    assert set(pool["name, quoted"].dropna()) == set(TRAINING["name, quoted"].dropna())

    manifest = json.loads(result.manifest.read_text())
    assert manifest["is_complete"] and manifest["rows"] == 100 and manifest["training_sha256"] == "abc"
    assert manifest["parameters"]["sample_size"] == 2.5
    assert manifest["versions"]["mostlyai"]
    assert manifest["cycles"][-1]["end"] == result.path.stat().st_size


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
    assert "values blanked" in progress.lines[0]


def fail_in_cycle(number, error):
    def generator(training, *, label, **arguments):
        for frame in resample(training, label=label, **arguments):
            yield frame
            if label.startswith(f"cycle {number} "):
                raise error

    return generator


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
    assert progress.lines[-1] == f"the rows of the 2 finished cycles stay in {path}"


def test_a_cycle_that_cannot_be_appended_whole_is_not_there_at_all(tmp_path, monkeypatch):
    def copy_half(source, target):
        target.write(source.read(100))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pool.store.shutil.copyfileobj", copy_half)
    with pytest.raises(OSError, match="No space left"):
        build(tmp_path)
    assert len(pd.read_csv(tmp_path / "flat_pool_20250102_1200.csv")) == 34


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


def test_file_systems_without_hard_links(tmp_path, monkeypatch):
    def refuse(_source, _target):
        raise PermissionError("no hard links here")

    whole = build(tmp_path / "first").path.read_bytes()
    monkeypatch.setattr(os, "link", refuse)
    assert build(tmp_path / "second").path.read_bytes() == whole
    assert names(tmp_path / "second") == ["flat_pool_20250102_1200.csv", "flat_pool_20250102_1200_manifest.json"]
