import numpy as np

from postprocess.report.closest_rows import closest_training_rows, summarise
from tests.postprocess.oracles import ALONE


def test_distances_are_summarised_in_figures():
    dcr = np.array([0, 0, *[5] * 197, 9], dtype=np.uint8)
    assert summarise(dcr) == {"rows": 200, "identical": 2, "minimum": 0, "percentile_1": 0, "median": 5}


def test_rows_as_close_as_the_closest_training_rows_are_counted():
    training = np.repeat(np.arange(200, dtype=np.uint8)[None], 4, axis=0)
    training[:3, 1] = 0  # differs from row 0 in one column
    result = training[:, :100].copy()
    result[0] += 1  # each differs from a training row in one column
    found = closest_training_rows(training, {"result": result}, None, seed=1, workers=ALONE)
    assert found["training"]["close"] == 2 and found["training"]["percentile_1"] == 1
    assert found["result"]["close"] == 100
