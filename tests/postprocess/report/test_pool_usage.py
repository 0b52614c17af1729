import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postprocess.report.pool_usage import pool_usage, weight_summary

ROWS = np.array([0, 1, 5, 29, 30, 99])


def chosen(found):
    return [part["chosen_rows"] for part in found["parts"]]


def test_the_parts_are_the_cycles_of_the_manifest(tmp_path):
    manifest = {"cycles": [{"number": 1, "rows": 30, "seed": 7}, {"number": 3, "rows": 70}]}
    (tmp_path / "pool_manifest.json").write_text(json.dumps(manifest))
    assert pool_usage(ROWS, tmp_path / "pool.csv", 100)[0] == {
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
def test_the_parts_are_tenths_if_no_manifest_fits(tmp_path, manifest):
    if manifest is not None:
        (tmp_path / "pool_manifest.json").write_text(manifest, encoding="latin-1")
    found = pool_usage(ROWS, tmp_path / "pool.parquet", 100)[0]
    assert found["parts_are"] == "tenth"
    assert chosen(found) == [3, 0, 1, 1, 0, 0, 0, 0, 0, 1]
    assert [part["pool_rows"] for part in found["parts"]] == [10] * 10


def test_tenths_of_few_rows_add_up(tmp_path):
    found = pool_usage(np.arange(3), tmp_path / "pool.csv", 7)[0]
    assert sum(part["pool_rows"] for part in found["parts"]) == 7 and sum(chosen(found)) == 3


def test_equal_weights_are_all_needed():
    found = weight_summary(np.full(150, 0.25))
    assert found["effective_rows"] == 150 and found["carrying_rows"] == 149 and found["full_rows"] == 0


def test_few_rows_carry_the_weight():
    found = weight_summary(np.array([1.0] * 50 + [1e-9] * 950))
    assert found["effective_rows"] == pytest.approx(50) and found["carrying_rows"] == 50 and found["full_rows"] == 50
    assert found["histogram"][0] == {"above": 0.0, "to": pytest.approx(1e-6), "rows": 950, "weight_share": 0.0}
    assert found["histogram"][-1]["rows"] == 50 and found["histogram"][-1]["to"] == 1


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=60))
def test_the_histogram_holds_every_row_between_its_bounds(weights):
    found = weight_summary(np.array(weights))
    assert sum(part["rows"] for part in found["histogram"]) == len(weights) == found["rows"]
    assert sum(part["weight_share"] for part in found["histogram"]) == pytest.approx(1, abs=1e-4)
    for part in found["histogram"]:
        inside = sum(part["above"] * (1 + 1e-12) < weight <= part["to"] * (1 + 1e-12) for weight in weights)
        assert abs(inside - part["rows"]) <= sum(np.isclose(weights, part["to"]) | np.isclose(weights, part["above"]))
    assert 1 <= found["carrying_rows"] <= len(weights)
