import numpy as np

from postprocess.report.closest_rows import summarise


def test_distances_are_summarised_in_figures():
    dcr = np.array([0, 0, *[5] * 197, 9], dtype=np.uint8)
    assert summarise(dcr) == {"rows": 200, "identical": 2, "minimum": 0, "percentile_1": 0, "median": 5}
