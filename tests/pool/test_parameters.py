import re
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pool.errors import ParameterError
from pool.parameters import MIN_STEPS_PER_EPOCH, automatic_batch_size, plan_cycles
from tests.parameters import pool_parameters


def test_the_defaults_are_valid_and_frozen():
    parameters = pool_parameters()
    assert (parameters.train_iterations, parameters.model_name, parameters.sample_size) == (2, "MOSTLY_AI/Large", 25.0)
    with pytest.raises(FrozenInstanceError):
        parameters.seed = 2


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("train_iterations", 0, "a whole number of at least 1"),
        ("train_iterations", 2.0, "a whole number of at least 1"),
        ("train_iterations", True, "a whole number of at least 1"),
        ("batch_size", np.int64(8), "None or a whole number of at least 1"),
        ("max_epochs", -1, "a whole number of at least 1"),
        ("batch_size", "1024", "None or a whole number of at least 1"),
        ("seed", -1, "a whole number of at least 0"),
        ("seed", None, "a whole number of at least 0"),
        ("model_name", "Large", "one of MOSTLY_AI/Small, MOSTLY_AI/Medium, MOSTLY_AI/Large"),
        ("model_name", ["MOSTLY_AI/Small", "Big"], "one of MOSTLY_AI/Small, .*, or a list of such, one for each cycle"),
        ("batch_size", [], "None or a whole number of at least 1, or a list of such, one for each cycle"),
        ("batch_size", [8, 0], "None or a whole number of at least 1"),
        ("batch_size", [8, 9, 10], "no more entries than there are cycles, train_iterations=2"),
        ("training_rows", "half", "one of all, bootstrap"),
        ("cycle_backend", "nonsense", "None or one of auto, dask"),
        ("cycle_backend", 2, "None or one of auto, dask"),
        ("max_training_time", 0, "a number of minutes above 0"),
        ("max_training_time", float("inf"), "a number of minutes above 0"),
        ("sample_size", 0.99, "a number of at least 1"),
        ("sample_size", float("nan"), "a number of at least 1"),
        ("sample_size", True, "a number of at least 1"),
        ("sampling_temperature", 0.0, "a number above 0 and at most 2"),
        ("sampling_temperature", 2.01, "a number above 0 and at most 2"),
    ],
)
def test_a_bad_value_is_refused_in_one_line(name, value, allowed):
    with pytest.raises(ValueError) as refusal:
        pool_parameters(**{name: value})
    text = str(refusal.value)
    assert re.match(f"{re.escape(f'{name}={value!r}')}: must (be|have) {allowed}", text)
    assert "\n" not in text


def test_a_list_has_one_entry_for_each_cycle_and_the_last_one_repeats():
    parameters = pool_parameters(
        train_iterations=3,
        model_name=["MOSTLY_AI/Small", "MOSTLY_AI/Large"],
        training_rows=("bootstrap",),
        max_epochs=17,
    )
    cycles = [parameters.of_cycle(number) for number in (1, 2, 3)]
    assert [cycle.model_name for cycle in cycles] == ["MOSTLY_AI/Small", "MOSTLY_AI/Large", "MOSTLY_AI/Large"]
    assert [(cycle.training_rows, cycle.max_epochs) for cycle in cycles] == [("bootstrap", 17)] * 3
    assert hash(parameters) == hash(replace(parameters))


@given(st.integers(1, 50), st.floats(1, 40), st.integers(50, 10_000))
def test_all_rows_are_shared_evenly(cycles, sample_size, training_rows):
    plan = plan_cycles(pool_parameters(train_iterations=cycles, sample_size=sample_size), training_rows=training_rows)
    rows = [cycle.rows for cycle in plan]
    assert sum(rows) == round(sample_size * training_rows)
    assert rows == sorted(rows, reverse=True) and rows[0] - rows[-1] <= 1
    assert len({cycle.seed for cycle in plan}) == cycles


def test_each_cycle_has_its_own_settings_and_a_seed_that_follows_from_the_pool_s():
    parameters = pool_parameters(train_iterations=2, batch_size=(8, None))
    first, second = plan_cycles(parameters, training_rows=100)
    assert (first.batch_size, second.batch_size) == (8, automatic_batch_size(100))
    assert second.label == "cycle 2 of 2"
    other = plan_cycles(pool_parameters(train_iterations=2, seed=2), training_rows=100)
    assert first.seed not in {cycle.seed for cycle in other}


def test_fewer_rows_than_cycles_are_refused():
    with pytest.raises(ParameterError, match=r"train_iterations=5.*4"):
        plan_cycles(pool_parameters(train_iterations=5, sample_size=1.0), training_rows=4)


@given(st.integers(1, 10**7))
def test_an_automatic_batch_is_a_power_of_two_that_gives_enough_steps(rows):
    batch = automatic_batch_size(rows)
    assert batch & (batch - 1) == 0 and 64 <= batch <= 1024
    assert batch == 64 or rows // batch >= MIN_STEPS_PER_EPOCH
    assert batch == 1024 or rows // (2 * batch) < MIN_STEPS_PER_EPOCH


def test_the_parameters_for_one_cycle_keep_what_is_not_replaced():
    parameters = pool_parameters(train_iterations=3, model_name=("MOSTLY_AI/Medium", "MOSTLY_AI/Large"), seed=5)
    one = parameters.for_one_cycle(max_epochs=2, sample_size=4.0)
    assert (one.train_iterations, one.model_name, one.max_epochs, one.seed) == (1, "MOSTLY_AI/Medium", 2, 5)
