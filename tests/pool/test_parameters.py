import re
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest

from pool.parameters import PoolParameters


def test_the_defaults_are_valid_and_frozen():
    parameters = PoolParameters()
    assert (parameters.train_iterations, parameters.model_name, parameters.sample_size) == (2, "MOSTLY_AI/Large", 25.0)
    with pytest.raises(FrozenInstanceError):
        parameters.seed = 2


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("train_iterations", 0, "a whole number of at least 1"),
        ("train_iterations", 2.0, "a whole number of at least 1"),
        ("train_iterations", True, "a whole number of at least 1"),
        ("batch_size", np.int64(8), "a whole number of at least 1"),
        ("max_epochs", -1, "a whole number of at least 1"),
        ("batch_size", "1024", "a whole number of at least 1"),
        ("seed", -1, "a whole number of at least 0"),
        ("seed", None, "a whole number of at least 0"),
        ("model_name", "Large", "one of MOSTLY_AI/Small, MOSTLY_AI/Medium, MOSTLY_AI/Large"),
        ("model_name", ["MOSTLY_AI/Small", "Big"], "one of MOSTLY_AI/Small, .*, or a list of such, one for each cycle"),
        ("batch_size", [], "a whole number of at least 1, or a list of such, one for each cycle"),
        ("batch_size", [8, 0], "a whole number of at least 1"),
        ("batch_size", [8, 9, 10], "no more entries than there are cycles, train_iterations=2"),
        ("training_rows", "half", "one of all, bootstrap"),
        ("cycle_backend", "nonsense", "None or one of loky, threading, dask"),
        ("cycle_backend", 2, "None or one of loky, threading, dask"),
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
        PoolParameters(**{name: value})
    text = str(refusal.value)
    assert re.match(f"{re.escape(f'{name}={value!r}')}: must (be|have) {allowed}", text)
    assert "\n" not in text


def test_a_list_has_one_entry_for_each_cycle_and_the_last_one_repeats():
    parameters = PoolParameters(
        train_iterations=3, model_name=["MOSTLY_AI/Small", "MOSTLY_AI/Large"], training_rows=("bootstrap",)
    )
    cycles = [parameters.of_cycle(number) for number in (1, 2, 3)]
    assert [cycle.model_name for cycle in cycles] == ["MOSTLY_AI/Small", "MOSTLY_AI/Large", "MOSTLY_AI/Large"]
    assert [(cycle.training_rows, cycle.max_epochs) for cycle in cycles] == [("bootstrap", 17)] * 3
    assert hash(parameters) == hash(replace(parameters))
