import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool.parameters import PoolParameters
from pool.plan import plan_cycles


@given(st.integers(1, 50), st.floats(1, 40), st.integers(50, 10_000))
def test_all_rows_are_shared_evenly(cycles, sample_size, training_rows):
    plan = plan_cycles(PoolParameters(train_iterations=cycles, sample_size=sample_size), training_rows=training_rows)
    rows = [cycle.rows for cycle in plan]
    assert sum(rows) == round(sample_size * training_rows)
    assert rows == sorted(rows, reverse=True) and rows[0] - rows[-1] <= 1
    assert len({cycle.seed for cycle in plan}) == cycles


def test_cycles_have_their_own_settings_and_the_seed_decides_on_all():
    parameters = PoolParameters(train_iterations=2, batch_size=(8, 16))
    first, second = plan_cycles(parameters, training_rows=100)
    assert (first.settings.batch_size, second.settings.batch_size) == (8, 16)
    assert second.label == "cycle 2 of 2"
    other = plan_cycles(PoolParameters(train_iterations=2, seed=2), training_rows=100)
    assert first.seed not in {cycle.seed for cycle in other}


def test_a_row_for_each_cycle():
    with pytest.raises(ValueError, match="train_iterations=5: must be at most the number of rows to sample, here 4"):
        plan_cycles(PoolParameters(train_iterations=5, sample_size=1.0), training_rows=4)
