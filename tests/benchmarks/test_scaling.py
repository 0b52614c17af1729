"""Tests the grid of sizes, its measurement and the pictures."""

import json
from pathlib import Path

import pytest

from benchmarks import plot
from benchmarks.make_case import CaseSize
from benchmarks.scaling import FACTORS, FILE_NAME, VARIED, grid, scale, scaling_table
from postprocess.runtime.progress import Progress
from tests.parameters import selection_parameters

pytestmark = pytest.mark.slow

PNG = b"\x89PNG\r\n"


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scaling")
    sizes = [CaseSize(rows=rows, columns=4, pool_rows=1_000) for rows in (200, 400)]
    found = scale(sizes, folder, selection_parameters(threads=1), seed=1, progress=Progress())
    assert list(folder.iterdir()) == []  # cases are removed
    return found


def test_the_grid_varies_one_size_at_a_time():
    base = CaseSize(rows=1_000, columns=10, pool_rows=10_000)
    sizes = grid(base)
    assert sizes[0] == base
    assert len(sizes) == len(set(sizes)) == 1 + len(VARIED) * len(FACTORS)
    assert all(sum(getattr(size, name) != getattr(base, name) for name in VARIED) == 1 for size in sizes[1:])


def test_each_case_is_measured(points):
    assert [point["run"]["stages"][0]["rows"] for point in points] == [200, 400]
    assert [line.split()[0] for line in scaling_table(points).splitlines()] == ["rows", "200", "400"]


def test_the_pictures_are_png_files(points, tmp_path):
    scaling, measured = tmp_path / FILE_NAME, tmp_path / "measured.json"
    scaling.write_text(json.dumps({"points": points}))
    measured.write_text(json.dumps({"runs": [points[0]["run"]]}))
    curves = [str(measured), f"another title={measured}"]
    plot.main(["--scaling", str(scaling), "--curve", *curves, "--pictures", str(tmp_path / "pictures")])
    drawn = sorted((tmp_path / "pictures").iterdir())
    assert [path.name for path in drawn] == ["curve.png", "scaling.png"]
    assert all(path.read_bytes().startswith(PNG) for path in drawn)


def test_the_title_of_a_chart_is_given_or_is_the_name_of_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("k=5.json").touch()
    for text, title, name in (
        ("measured.json", "measured", "measured.json"),
        ("MOSTLY AI Prize=folder/measured.json", "MOSTLY AI Prize", "folder/measured.json"),
        ("k=5.json", "k=5", "k=5.json"),
    ):
        assert plot.Titled.of(text) == plot.Titled(title, Path(name))


@pytest.mark.parametrize(
    ("option", "content", "text"),
    [
        ("--scaling", '{"runs": [{}]}', "measured.json: has no 'points'; give `scaling`'s file to --scaling"),
        ("--curve", '{"runs": []}', "measured.json: has no 'runs'"),
        ("--curve", "[]", "measured.json: has no 'runs'"),
        ("--curve", '{"runs": [{"curve": []}]}', "measured.json: 'runs' without 'accuracy'"),
        ("--privacy", '{"seen": [1]}', "measured.json: 'seen' without 'setting', 'attacks'"),
        ("--privacy", "nope", "measured.json: not a JSON file (Expecting value: line 1 column 1 (char 0))"),
    ],
)
def test_a_file_that_cannot_be_drawn_is_refused(tmp_path, capsys, option, content, text):
    measured = tmp_path / "measured.json"
    measured.write_text(content)
    with pytest.raises(SystemExit) as exit:
        plot.main([option, str(measured), "--pictures", str(tmp_path)])
    assert exit.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert text in line


def test_a_call_without_files_is_refused(capsys):
    with pytest.raises(SystemExit):
        plot.main([])
    assert "nothing to draw" in capsys.readouterr().err
