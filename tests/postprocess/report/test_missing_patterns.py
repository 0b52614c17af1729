import numpy as np

from postprocess.data.column_bins import MISSING
from postprocess.report.missing_patterns import MAX_PATTERNS, missing_patterns

LABELS = [["a", MISSING], ["a", "b"], ["a", "b", MISSING]]


def test_a_pattern_is_the_set_of_columns_that_are_missing_together():
    training = np.array([[0, 1, 1, 0], [0, 1, 0, 1], [0, 2, 2, 2]], dtype=np.uint8)
    result = np.array([[0, 1], [0, 1], [0, 0]], dtype=np.uint8)
    found = missing_patterns(training, result, LABELS)
    assert {tuple(p["columns"]): (p["original"], p["synthetic"]) for p in found["most_frequent"]} == {
        (0, 2): (2, 0),
        (): (1, 1),
        (0,): (0, 1),
        (2,): (1, 0),
    }
    assert (found["original_patterns"], found["synthetic_patterns"], found["shared_patterns"]) == (3, 2, 1)
    assert found["columns_with_missing_cells"] == 2


def test_only_the_most_frequent_patterns_are_listed_the_most_frequent_first():
    draw = np.random.default_rng(1)
    codes = (draw.random((9, 4000)) < 0.1).astype(np.uint8)
    found = missing_patterns(codes, codes, [["a", MISSING]] * 9)
    rows = [pattern["original"] for pattern in found["most_frequent"]]
    assert len(rows) == MAX_PATTERNS and rows == sorted(rows, reverse=True)
    assert found["most_frequent"][0]["columns"] == []
    assert found["original_patterns"] == len({tuple(row) for row in codes.T.tolist()})


def test_without_missing_values_the_only_pattern_is_empty():
    codes = np.zeros((2, 5), dtype=np.uint8)
    found = missing_patterns(codes, codes[:, :3], [["a"], ["a", "b"]])
    assert found["columns_with_missing_cells"] == 0
    assert found["most_frequent"] == [{"columns": [], "original": 5, "synthetic": 3}]
