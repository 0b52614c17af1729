import json

import numpy as np
import pytest

from postprocess.report.diagnostics import origin

ROWS = np.array([0, 1, 5, 29, 30, 99])


def chosen(found):
    return [part["chosen_rows"] for part in found["parts"]]


def test_cycles_of_the_manifest(tmp_path):
    manifest = {"cycles": [{"number": 1, "rows": 30, "seed": 7}, {"number": 3, "rows": 70}]}
    (tmp_path / "pool_manifest.json").write_text(json.dumps(manifest))
    assert origin(ROWS, tmp_path / "pool.csv", 100) == {
        "parts_are": "cycle",
        "parts": [
            {"name": "1", "pool_rows": 30, "chosen_rows": 4},
            {"name": "3", "pool_rows": 70, "chosen_rows": 2},
        ],
    }


@pytest.mark.parametrize(
    "manifest",
    [
        None,
        "{",
        "[]",
        '{"cycles": [{"number": 1}]}',
        '{"cycles": [{"number": 1, "rows": 99}]}',
        '{"cycles": []}',
        "\xff",
    ],
)
def test_tenths_where_no_manifest_fits(tmp_path, manifest):
    if manifest is not None:
        (tmp_path / "pool_manifest.json").write_text(manifest, encoding="latin-1")
    found = origin(ROWS, tmp_path / "pool.parquet", 100)
    assert found["parts_are"] == "tenth"
    assert chosen(found) == [3, 0, 1, 1, 0, 0, 0, 0, 0, 1]
    assert [part["pool_rows"] for part in found["parts"]] == [10] * 10


def test_tenths_of_few_rows_add_up(tmp_path):
    found = origin(np.arange(3), tmp_path / "pool.csv", 7)
    assert sum(part["pool_rows"] for part in found["parts"]) == 7 and sum(chosen(found)) == 3
