"""Tests `python -m postprocess.report`: the page of any result, with or without the summary of its run."""

import json
import os
import re
import signal
import subprocess
import sys
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from postprocess.data.sources import open_source
from postprocess.report.__main__ import main
from postprocess.report.mostlyai_qa import QaReport
from postprocess.report.summary import file_facts, write_summary
from tests.postprocess.report.conftest import frame


@pytest.fixture(autouse=True)
def _sigterm_as_before():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def files(tmp_path):
    """Write a training file and a result in folders of their own, and return the arguments for them."""
    paths = {}
    for seed, role in enumerate(("training", "result"), start=1):
        (tmp_path / role).mkdir()
        paths[role] = tmp_path / role / f"{role}.csv"
        frame(120, seed).to_csv(paths[role], index=False)
    return [f"--{role}={path}" for role, path in paths.items()]


def written(capsys):
    return capsys.readouterr().out.splitlines()


def test_the_page_of_a_result_alone_has_no_figures_of_its_run(files, tmp_path, capsys):
    assert main(files) == 0
    page = tmp_path / "result" / "result_report.html"
    assert written(capsys) == [str(page)]
    text = page.read_text(encoding="utf-8")
    assert (
        "after refinement" in text
        and "random sample of the pool" not in text
        and "How the pool carries it</h2>" not in text
    )
    assert sorted(path.name for path in page.parent.iterdir()) == ["result.csv", "result_report.html"]


def test_an_existing_page_is_not_overwritten(files, tmp_path, capsys):
    assert main(files) == main(files) == 0
    assert written(capsys)[1].endswith("result_report_2.html")
    assert main([*files, f"--output={tmp_path / 'my page.html'}"]) == 0
    assert written(capsys) == [str(tmp_path / "my page.html")]


def test_another_result_is_compared_column_by_column(files, tmp_path, capsys):
    frame(120, 1).assign(day="2024-01-01").to_csv(tmp_path / "other <b>.csv", index=False)
    assert main([*files, f"--compare={tmp_path / 'other <b>.csv'}"]) == 0
    text = (tmp_path / "result" / "result_report.html").read_text(encoding="utf-8")
    text = " ".join(unescape(re.sub("<[^>]*>", " ", text)).split()).replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "compared: other <b>.csv" in text
    first, last = (text.index(f"{name} ", text.index("column by column")) for name in ("größe {{ 7*7 }}", "day"))
    assert first < last and re.search(r"größe {{ 7\*7 }} \d\d\.\d\d % 100\.00 %", text)
    pd.DataFrame({"day": ["2024-01-01"]}).to_csv(tmp_path / "other.csv", index=False)
    assert main([*files, f"--compare={tmp_path / 'other.csv'}"]) == 2
    assert "the compared data needs all training columns" in capsys.readouterr().err


def test_a_given_pool_adds_a_random_sample_to_the_page(files, pool, tmp_path):
    assert main([*files, f"--pool={pool}"]) == 0
    assert "a random sample of the pool" in (tmp_path / "result" / "result_report.html").read_text(encoding="utf-8")


@pytest.fixture
def pool(tmp_path):
    frame(300, 5).to_csv(tmp_path / "pool.csv", index=False)
    return tmp_path / "pool.csv"


@pytest.fixture
def run(files, pool, run_summary, tmp_path):
    """Write the summary of a run beside the result."""
    paths = {role: tmp_path / role / f"{role}.csv" for role in ("training", "result")} | {"pool": pool}
    read = {role: file_facts(open_source(path, role=role), 120) for role, path in paths.items()}
    read["pool"] |= {"rows": 300, "made_by": "an earlier run"}
    write_summary(run_summary | read | {"warnings": ["mind the gap"]}, tmp_path / "result" / "result_summary.json")


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("given", [[], ["--pool"]])
def test_the_page_shows_the_run_of_the_summary_beside_the_result(files, pool, tmp_path, given):
    assert main([*files, *(f"{option}={pool}" for option in given)]) == 0
    text = (tmp_path / "result" / "result_report.html").read_text(encoding="utf-8")
    assert "mind the gap" in text and "Refinement was stopped by its time limit" in text
    assert 'data-figure="origin"' in text and 'data-figure="time"' in text
    assert "chosen from a pool of 300 made by an earlier run" in text
    assert "in the summary beside the result" not in text  # some figures were measured just now


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("role", ["training", "pool"])
def test_figures_of_a_run_with_other_files_are_left_out(files, tmp_path, capsys, role):
    other = tmp_path / "other.csv"
    frame(150, 9).to_csv(other, index=False)
    assert main([*files, f"--{role}={other}"]) == 0  # the last of two counts
    (warning,) = [line for line in capsys.readouterr().err.splitlines() if "warning" in line]
    assert warning.endswith(
        f"_summary.json is of a run with another {role} file than given here, so all figures of its run are left out"
    )
    text = (tmp_path / "result" / "result_report.html").read_text(encoding="utf-8")
    assert "mind the gap" not in text and 'data-figure="origin"' not in text and "by this run" not in text
    assert ("a random sample of the pool" in text) == (role == "pool") and "150" in text


@pytest.mark.parametrize("text", ["{", json.dumps({"result": {"sha256": "f" * 64}}), "[]"])
def test_a_summary_of_another_result_is_left_out(files, tmp_path, capsys, text):
    (tmp_path / "result" / "result_summary.json").write_text(text)
    assert main(files) == 0
    assert "left out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("h.csv", lambda rows: rows.drop(columns="day"), "missing column 'day'; the holdout data needs all training"),
        ("h.parquet", lambda rows: rows.drop(columns="day"), "missing column 'day'; the holdout data needs all"),
        ("h.csv", lambda rows: rows.assign(day="soon"), "column 'day', row 1 after the header: 'soon' is not a date"),
        ("h.csv", lambda _: frame(120, 1), "the same as the training data; give rows that the training data does not"),
    ],
)
def test_an_unusable_holdout_is_refused_before_anything_is_compared(files, tmp_path, capsys, name, change, message):
    path, rows = tmp_path / name, change(frame(30, 7))
    rows.to_csv(path, index=False) if path.suffix == ".csv" else rows.to_parquet(path)
    assert main([*files, f"--holdout={path}"]) == 2
    log = capsys.readouterr().err
    assert f"python -m postprocess.report: {path}: {message}" in log and "Comparing" not in log


def test_wrong_calls_end_with_one_line(files, tmp_path, capsys):
    for arguments, message in (
        ([files[0], "--result=none.csv"], "none.csv: no such file; give the path of the result data"),
        ([*files, "--output=/nowhere/page.html"], "/nowhere: no such folder"),
    ):
        assert main(arguments) == 2
        (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("python -m")]
        assert message in line
    with pytest.raises(SystemExit) as ended:
        main(["--training=x.csv"])
    assert ended.value.code == 2 and "--result" in capsys.readouterr().err


ACCURACIES = ("univariate", "bivariate", "trivariate", "overall")


def test_a_holdout_adds_the_figures_and_the_page_of_mostlyai_qa(files, tmp_path, capsys, monkeypatch):
    given = {}

    def evaluate(*, page, threads, warn, progress, **frames):
        given.update({role: len(rows) for role, rows in frames.items()})
        page.write_text("qa's own")
        return QaReport(accuracy=dict.fromkeys(ACCURACIES, 0.9), privacy={"dcr_share": 0.5})

    monkeypatch.setattr("postprocess.report.write.evaluate", evaluate)
    frame(30, 7).to_csv(tmp_path / "holdout.csv", index=False)
    assert main([*files, f"--holdout={tmp_path / 'holdout.csv'}"]) == 0
    page, official_page = written(capsys)
    assert official_page.endswith("result_official.html")
    assert 'href="result_official.html"' in (tmp_path / "result" / "result_report.html").read_text(encoding="utf-8")
    assert page.endswith("result_report.html") and given == {"training": 120, "holdout": 30, "result": 120}


def test_file_names_with_points_lose_only_their_ending(files, tmp_path, capsys):
    for name in ("run.v1.csv", "run.v2.csv", "RUN.CSV"):
        path = (tmp_path / "result" / "result.csv").rename(tmp_path / "result" / name)
        assert main([files[0], f"--result={path}"]) == 0
        assert written(capsys) == [str(path.with_name(f"{name[:-4]}_report.html"))]
        path.rename(tmp_path / "result" / "result.csv")


def test_a_folder_as_output_is_refused(files, tmp_path, capsys):
    assert main([*files, f"--output={tmp_path}"]) == 2
    assert f"{tmp_path}: a folder; give the path of the page itself" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 1, "out of memory: leave --pool out, or free some"),
        (PermissionError(13, "Permission denied", "/some/file"), 1, "/some/file: Permission denied"),
    ],
)
def test_an_early_end_gives_one_line(files, capsys, monkeypatch, error, code, line):
    def fail(*_arguments):
        raise error

    monkeypatch.setattr("postprocess.report.__main__.make_again", fail)
    assert main(files) == code
    assert capsys.readouterr() == ("", f"python -m postprocess.report: {line}\n")


def test_sigterm_leaves_no_unfinished_page(files, tmp_path, capsys, monkeypatch):
    def terminate(unfinished, _path):
        assert unfinished.exists()
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr("postprocess.runtime.outputs.publish", terminate)
    assert main(files) == 143
    assert capsys.readouterr().err.endswith("python -m postprocess.report: terminated\n")
    assert [path.name for path in (tmp_path / "result").iterdir()] == ["result.csv"]


def test_a_library_that_does_not_load_gives_one_line():
    program = (
        "import runpy, sys; sys.modules['numpy'] = None; runpy.run_module('postprocess.report', run_name='__main__')"
    )
    project = Path(__file__).parents[3]
    ended = subprocess.run([sys.executable, "-c", program], cwd=project, capture_output=True, text=True, check=False)
    assert ended.returncode == 1 and ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("python -m postprocess.report: ModuleNotFoundError: import of numpy halted")


def test_a_folder_that_may_not_be_written_is_refused_before_anything_is_compared(files, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert main(files) == 2
    line = f"{tmp_path / 'result'}: no permission to write there; give another --output"
    assert capsys.readouterr().err == f"python -m postprocess.report: {line}\n"
