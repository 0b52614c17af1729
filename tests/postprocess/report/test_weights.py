import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postprocess.report.diagnostics import weight_summary


def test_equal_weights_are_all_needed():
    told = weight_summary(np.full(150, 0.25))
    assert told["effective_rows"] == 150 and told["carrying_rows"] == 149 and told["full_rows"] == 0


def test_few_rows_carry_the_weight():
    told = weight_summary(np.array([1.0] * 50 + [1e-9] * 950))
    assert told["effective_rows"] == pytest.approx(50) and told["carrying_rows"] == 50 and told["full_rows"] == 50
    assert told["histogram"][0] == {"above": 0.0, "to": pytest.approx(1e-6), "rows": 950, "weight_share": 0.0}
    assert told["histogram"][-1]["rows"] == 50 and told["histogram"][-1]["to"] == 1


@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=60))
def test_the_histogram_holds_every_row_between_its_bounds(weights):
    told = weight_summary(np.array(weights))
    assert sum(part["rows"] for part in told["histogram"]) == len(weights) == told["rows"]
    assert sum(part["weight_share"] for part in told["histogram"]) == pytest.approx(1, abs=1e-4)
    for part in told["histogram"]:
        inside = sum(part["above"] * (1 + 1e-12) < weight <= part["to"] * (1 + 1e-12) for weight in weights)
        assert abs(inside - part["rows"]) <= sum(np.isclose(weights, part["to"]) | np.isclose(weights, part["above"]))
    assert 1 <= told["carrying_rows"] <= len(weights)
