from dataclasses import FrozenInstanceError

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
        ("model_name", ["MOSTLY_AI/Small"], "one of MOSTLY_AI/Small"),
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
    assert text.startswith(f"{name}={value!r}: must be {allowed}")
    assert "\n" not in text
