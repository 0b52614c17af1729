"""The result file: training's columns and formats, chosen rows only, whole or not at all."""

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.data.binning import fit_binning
from postprocess.data.encoding import read_codes
from postprocess.data.result_csv import write_result
from postprocess.data.sources import open_source
from postprocess.runtime.outputs import free_path, publish
from postprocess.runtime.progress import Progress
from tests.postprocess.oracles import Recorder

TRAINING = "id,amount,done,day,note\n" + "7,13000.0,TRUE,2024-01-31,x\n8,0.25,FALSE,,y\n" * 50
POOL = (
    "note,day,done,amount,id,more\n"
    '"a, b",2024-02-01,TRUE,1.50,5,0\n'
    '"say ""hi""",2024-02-01 10:00:00,true,1,5.0,0\n'
    '"two\nlines",NA,,0.333,-1,0\n'
    "null,2024-02-03,False,1e3,+6,0\n"
    '"return\rhere",2024-02-03,FALSE,NaN,,0\n'
    "=1+1, ,,,,0\n".replace(", ,", ",,")
    + "é ,2024-02-03,FALSE,-0.0,9007199254740993,0\n"
)


@pytest.fixture
def sources(tmp_path):
    (tmp_path / "training.csv").write_text(TRAINING)
    (tmp_path / "pool.csv").write_bytes(POOL.encode())
    return open_source(tmp_path / "training.csv", role="training"), open_source(tmp_path / "pool.csv", role="pool")


def test_values_stay_unless_they_break_the_format(sources, tmp_path):
    training, pool = sources
    path = tmp_path / "result.csv"
    progress = Recorder()
    write_result(pool, np.arange(7), fit_binning(training, progress=Progress()), path, progress=progress)
    (line,) = progress.lines
    assert line.startswith("6 values") and line.endswith("in 'id', 'amount', 'done', 'day'")
    assert path.read_bytes().decode() == (
        "id,amount,done,day,note\n"
        '5,1.50,TRUE,2024-02-01,"a, b"\n'
        '5,1.0,TRUE,2024-02-01,"say ""hi"""\n'
        '-1,0.333,,NA,"two\nlines"\n'
        "6,1e3,FALSE,2024-02-03,null\n"
        ',NaN,FALSE,2024-02-03,"return\rhere"\n'
        ",,,,=1+1\n"
        "9007199254740993,-0.0,FALSE,2024-02-03,é \n"
    )


def test_written_rows_have_the_codes_of_the_chosen_ones(sources, tmp_path):
    training, pool = sources
    binning = fit_binning(training, progress=Progress())
    rows = np.array([0, 1, 3, 6])
    write_result(pool, rows, binning, tmp_path / "result.csv", progress=Progress())
    written = read_codes(open_source(tmp_path / "result.csv", role="pool"), binning, progress=Progress())
    chosen = read_codes(pool, binning, progress=Progress())
    np.testing.assert_array_equal(written.codes, chosen.codes[:, rows])
    np.testing.assert_array_equal(written.fingerprints, chosen.fingerprints[rows])


def test_typed_values_get_the_training_format(sources, tmp_path):
    training, _ = sources
    typed = pd.DataFrame(
        {
            "done": [True, False],
            "day": pd.to_datetime(["2024-05-06", None]),
            "note": pd.Categorical(["z", None]),
            "id": [1.0, np.nan],
            "amount": [13, 7],
        }
    )
    typed.to_parquet(tmp_path / "pool.parquet")
    pool = open_source(tmp_path / "pool.parquet", role="pool")
    write_result(
        pool, np.arange(2), fit_binning(training, progress=Progress()), tmp_path / "result.csv", progress=Progress()
    )
    assert (tmp_path / "result.csv").read_text().splitlines()[1:] == ["1,13.0,TRUE,2024-05-06,z", ",7.0,FALSE,,"]


def test_rows_of_many_batches(tmp_path):
    pd.DataFrame({"a": range(100_000), "b": "x"}).to_csv(tmp_path / "data.csv", index=False)
    source = open_source(tmp_path / "data.csv", role="training")
    rows = np.sort(np.random.default_rng(3).choice(100_000, 1000, replace=False))
    write_result(source, rows, fit_binning(source, progress=Progress()), tmp_path / "result.csv", progress=Progress())
    assert pd.read_csv(tmp_path / "result.csv")["a"].tolist() == rows.tolist()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1, max_size=20))
def test_any_text_is_read_back(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("texts")
    pd.DataFrame({"a": ["x", "y"] * 50}).to_csv(folder / "training.csv", index=False)
    pd.DataFrame({"a": texts}).to_parquet(folder / "pool.parquet")
    binning = fit_binning(open_source(folder / "training.csv", role="training"), progress=Progress())
    pool = open_source(folder / "pool.parquet", role="pool")
    write_result(pool, np.arange(len(texts)), binning, folder / "result.csv", progress=Progress())
    read = pd.read_csv(folder / "result.csv", keep_default_na=False, dtype=str)
    assert read["a"].tolist() == texts


def test_nothing_is_overwritten_and_nothing_is_left_behind(sources, tmp_path):
    training, pool = sources
    binning = fit_binning(training, progress=Progress())
    path = tmp_path / "out" / "result.csv"
    path.parent.mkdir()
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        write_result(pool, np.arange(2), binning, path, progress=Progress())
    with pytest.raises(ValueError, match="row number 7 is selected, but the file ends before it"):
        write_result(pool, np.array([1, 7]), binning, tmp_path / "out" / "other.csv", progress=Progress())
    assert [(file.name, file.read_text()) for file in path.parent.iterdir()] == [("result.csv", "mine")]


@pytest.mark.parametrize("rows", [[1, 1], [2, 1], [-1, 1]])
def test_row_numbers_must_be_sorted_and_distinct(sources, tmp_path, rows):
    training, pool = sources
    with pytest.raises(ValueError, match="distinct, sorted and not negative"):
        write_result(
            pool,
            np.array(rows),
            fit_binning(training, progress=Progress()),
            tmp_path / "result.csv",
            progress=Progress(),
        )


def test_file_systems_without_hard_links(tmp_path, monkeypatch):
    def refuse(self, target):
        raise PermissionError(self)

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    for name in ("first", "second"):
        (tmp_path / name).write_text(name)
    publish(tmp_path / "first", tmp_path / "result.csv")
    with pytest.raises(FileExistsError):
        publish(tmp_path / "second", tmp_path / "result.csv")
    assert (tmp_path / "result.csv").read_text() == "first"
    monkeypatch.setattr(Path, "replace", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        publish(tmp_path / "second", tmp_path / "other.csv")
    assert not (tmp_path / "other.csv").exists()


def test_free_paths_share_one_stem(tmp_path):
    suffixes = (".csv", "_summary.json")
    assert free_path(tmp_path, "flat", suffixes) == (tmp_path / "flat.csv", tmp_path / "flat_summary.json")
    (tmp_path / "flat_summary.json").touch()
    (tmp_path / "flat_2.csv").symlink_to(tmp_path / "nowhere")
    assert free_path(tmp_path, "flat", suffixes) == (tmp_path / "flat_3.csv", tmp_path / "flat_3_summary.json")
