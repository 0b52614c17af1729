"""Wrong calls and unusable files end a run in one line, before anything is written."""

import os
import re
import shutil
import subprocess

import pandas as pd
import pytest

from tests.runs.support import call, complaint, files_below, refusal, save, text_frame


def test_a_draft_of_a_given_pool_is_refused(training, output, capsys):
    assert call(training, "--draft", "--pool", training, "--output", output) == 2
    line = complaint(capsys)
    assert "--draft" in line and "--pool" in line
    assert files_below(output) == set()


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
        (b"a;b\n" + b"1;2\n" * 200 + b"1\n", "line 202 has 1 value, but the header has 2 columns; correct the line"),
        (b"a,b\n" + b"1,2\n" * 200 + b"1\n", "line 202 has 1 value, but the header has 2 columns; correct the line"),
    ],
)
def test_unusable_training_data_is_refused_in_one_line(tmp_path, output, capsys, content, message):
    path = tmp_path / "training.csv"
    if content is not None:
        path.write_bytes(content)
    assert re.match(f"main.py: {re.escape(str(path))}: .*{message}", refusal(capsys, output, path))


def test_a_folder_another_file_type_and_a_file_without_columns_are_refused(training, tmp_path, output, capsys):
    folder, text = tmp_path / "folder.csv", save(text_frame(), tmp_path / "training.txt")
    folder.mkdir()
    parquet = tmp_path / "training.parquet"
    pd.DataFrame(index=range(200)).to_parquet(parquet, index=False)
    for path, message in (
        (folder, "not a file; give the path of one"),
        (text, "unsupported file type; the training data must be"),
        (parquet, "no columns"),
    ):
        assert f"main.py: {path}: {message}" in refusal(capsys, output, path)


def test_a_file_name_of_two_lines_is_named_in_one(tmp_path, output, capsys):
    path = tmp_path / "two\nlines.csv"
    assert refusal(capsys, output, path).endswith("two lines.csv: no such file; give the path of the training data")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda pool: pool.head(199), "only 199 rows; the pool data needs at least the 200 rows of the result"),
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
def test_an_unusable_pool_is_refused_in_one_line(training, output, tmp_path, pool_frame, capsys, change, message):
    pool = save(change(pool_frame), tmp_path / "pool.csv")
    line = refusal(capsys, output, training, "--pool", pool)
    assert re.match(f"main.py: {re.escape(str(pool))}: {message}", line)


def test_a_pool_or_holdout_that_is_missing_or_lacks_columns_is_refused(training, output, tmp_path, capsys):
    missing, narrow = tmp_path / "missing.csv", save(text_frame()[["whole"]], tmp_path / "narrow.csv")
    for role in ("pool", "holdout"):
        line = refusal(capsys, output, training, f"--{role}", missing)
        assert line == f"main.py: {missing}: no such file; give the path of the {role} data"
        line = refusal(capsys, output, training, f"--{role}", narrow)
        assert line.startswith(f"main.py: {narrow}: missing columns 'text', 'decimal', 'truth', 'day'; the {role} data")


@pytest.mark.parametrize("place", [".", "results", "pool_data"])
@pytest.mark.parametrize("target", ["nowhere", "itself"])
def test_an_output_that_links_to_nothing_is_refused_before_any_work(training, output, tmp_path, capsys, place, target):
    if place != ".":
        output.mkdir()
    link = output / place
    link.symlink_to(link if target == "itself" else tmp_path / "nowhere")
    assert call(training, "--output", output) == 2
    assert "give another --output" in complaint(capsys)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("place", [".", "results", "pool_data"])
def test_an_output_that_cannot_be_a_folder_is_refused(training, output, capsys, place):
    if place != ".":
        output.mkdir()
    taken = output / place
    taken.write_text("mine")
    assert call(training, "--output", output) == 2
    assert re.match(f"main.py: {re.escape(str(taken))}: a file, so .* give another --output", complaint(capsys))
    assert taken.read_text() == "mine"


def test_an_output_that_may_not_be_written_is_refused(training, output, capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert refusal(capsys, output, training) == (
        f"main.py: {output.parent}: no permission to write there; give another --output"
    )


@pytest.mark.parametrize("place", ["results", "pool_data"])
def test_an_append_only_folder_is_refused(training, output, capsys, place):
    folder = output / place
    folder.mkdir(parents=True)
    if not shutil.which("chattr") or subprocess.run(["chattr", "+a", folder], capture_output=True).returncode:
        pytest.skip("this system or this user cannot make a folder append-only")
    try:
        assert call(training, "--output", output) == 2
        assert complaint(capsys).endswith("cannot be renamed or removed (chattr +a); give another --output")
    finally:
        subprocess.run(["chattr", "-a", folder], check=True)
    assert files_below(output) == set()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: TRAINING"),
        (["training.csv", "--fast"], "unrecognized arguments: --fast"),
        (["training.csv", "--pool"], "argument --pool: expected one argument"),
        (["training.csv", "another.csv"], "unrecognized arguments: another.csv"),
    ],
)
def test_a_wrong_call_is_refused_in_one_line(capsys, arguments, message):
    assert call(*arguments) == 2
    assert capsys.readouterr().err == f"main.py: {message}; see --help\n"


def test_a_holdout_that_is_the_training_data_is_refused(training, output, tmp_path, capsys):
    copy = tmp_path / "copy.csv"
    copy.write_bytes(training.read_bytes())
    line = refusal(capsys, output, training, "--holdout", copy)
    assert line == f"main.py: {copy}: the same as the training data; give rows that the training data does not have"


@pytest.mark.parametrize("name", ["x" * 300 + ".csv", "x/" * 3000 + ".csv", "caf\udce9.csv"])
def test_names_that_are_too_long_or_not_utf8_are_refused(training, output, tmp_path, capsys, name):
    (tmp_path / "caf\udce9.csv").write_bytes(training.read_bytes())
    message = (
        "not UTF-8, which paths must be; rename the file or folder" if "caf" in name else "File name too long; give"
    )
    for arguments in ([tmp_path / name], [training, "--pool", tmp_path / name]):
        shown = name.replace("\udce9", "\\udce9")
        assert f"{shown}: {message}" in refusal(capsys, output, *arguments)
    assert call(training, "--output", tmp_path / name) == 2
    assert message.split(";")[0] in complaint(capsys)


def test_help_shows_the_options(capsys):
    assert call("--help") == 0
    assert "--holdout" in capsys.readouterr().out


def test_a_holdout_value_that_does_not_fit_ends_the_run_before_any_work(training, output, tmp_path, pool_frame, capsys):
    pool, frame = save(pool_frame, tmp_path / "pool.csv"), text_frame(50, seed=3).astype({"whole": object})
    frame.loc[7, "whole"] = "oops"
    holdout = save(frame, tmp_path / "holdout.csv")
    assert call(training, "--pool", pool, "--holdout", holdout, "--output", output) == 2
    assert re.search(r"holdout.csv: column 'whole', row 8 .*'oops'", capsys.readouterr().err.splitlines()[-1])
    assert not files_below(output)
