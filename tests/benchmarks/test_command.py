"""Tests the options, text tables and files that the benchmarks share."""

import argparse

import pytest

from benchmarks.command import exits, new_file, positive, text_table, whole, with_settings, write_json
from tests.parameters import selection_parameters


def test_settings_replace_parameters():
    changed = with_settings(
        selection_parameters(),
        ["max_refinement_time=0.5", "ipf_top_pairs=20", "threads=None", "allow_training_copies=True", "seed=1_0"],
    )
    assert changed == selection_parameters(
        max_refinement_time=0.5, ipf_top_pairs=20, threads=None, allow_training_copies=True, seed=10
    )


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("seeds=1", "there is no parameter 'seeds'; the closest one is 'seed'"),
        ("seed", "--set seed: give NAME=VALUE"),
        ("exclude=('id',)", "exclude=('id',): a benchmark takes all columns as they are"),
        ("seed=one", "seed='one': must be a whole number of at least 0"),
        ("seed=1.5", "seed=1.5: must be a whole number of at least 0"),
        ("allow_training_copies=1", "allow_training_copies=1: must be True or False"),
        ("max_refinement_time=-1", "max_refinement_time=-1: must be a number of minutes of at least 0"),
    ],
)
def test_settings_are_checked(setting, text):
    with pytest.raises(ValueError) as error:
        with_settings(selection_parameters(), [setting])
    assert text in str(error.value)


def test_a_lack_of_memory_ends_with_one_line(capsys):
    with pytest.raises(SystemExit) as ended, exits(argparse.ArgumentParser(prog="benchmark")):
        raise MemoryError
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("benchmark: out of memory: take a smaller case, or lower max_memory")


def test_numbers_of_the_command_line_are_checked():
    assert (whole("100_000"), whole("0"), positive("3")) == (100_000, 0, 3)
    for convert, text in ((whole, "-1"), (whole, "1.5"), (whole, ""), (positive, "0")):
        with pytest.raises(argparse.ArgumentTypeError, match="is not a whole number of at least"):
            convert(text)


def test_files_are_never_overwritten(tmp_path):
    path = new_file(str(tmp_path / "new.json"))
    write_json({"a": 1}, path)
    assert [file.name for file in tmp_path.iterdir()] == ["new.json"]
    with pytest.raises(argparse.ArgumentTypeError, match=r"new\.json: exists already"):
        new_file(str(path))
    with pytest.raises(FileExistsError):
        write_json({"a": 2}, path)
    with pytest.raises(argparse.ArgumentTypeError, match="no such folder"):
        new_file(str(tmp_path / "missing" / "new.json"))


def test_the_columns_of_a_text_table_are_aligned():
    assert text_table(["name", "n"], [["a", "1,000"], ["long name", "2"]]).splitlines() == [
        "name           n",
        "a          1,000",
        "long name      2",
    ]
