import dataclasses
import re

import pytest

from postprocess.selection.parameters import SelectionParameters
from tests.parameters import selection_parameters

NOT_WHOLE = [1.5, 2.0, "3", True, float("nan")]
NOT_A_NUMBER = ["1", True, None, float("nan"), float("inf")]
WHOLE = {  # least value, whether None is allowed
    "ipf_iterations": (1, False),
    "trimming_swapsize": (2, False),
    "refinement_swapsize": (2, False),
    "refinement_iterations": (0, False),
    "seed": (0, False),
    "ipf_top_pairs": (1, True),
    "refinement_top_pairs": (0, True),
    "refinement_top_triples": (0, True),
    "threads": (1, True),
    "rows": (100, True),
}
NUMBERS = {  # the rule, allowed values, other values
    "max_trimming_time": ("a number of minutes of at least 0", [0, 0.5, 60], [-0.1]),
    "max_refinement_time": ("a number of minutes of at least 0", [0, 0.5, 60], [-0.1]),
    "trimming_data_multiplier": ("a number of at least 1", [1, 1.5], [0.99, 0, -2]),
    "ipf_tolerance": ("a share from 0 to 1", [0, 0.5, 1], [-0.001, 1.001]),
    "refinement_tolerance": ("a share from 0 to 1", [0, 0.5, 1], [-0.001, 1.001]),
    "target_smoothing": ("a number of at least 0", [0, 0.5, 1, 3], [-0.001, float("inf")]),
    "privacy_filter": ("a share from 0 to 1", [0, 0.5, 1], [-0.001, 1.001]),
    "max_memory": ("a number of GiB above 0", [0.001, 64], [0, -1]),
}

NAMES = ("quasi_identifiers", "exclude", "rules")
TRUTHS = ("allow_training_copies", "exclude_unique_combinations", "find_rules", "realism", "usefulness")
MAPPINGS = ("target_shares", "column_kinds")


def allowed(name):
    least, none_too = WHOLE[name]
    return f"{'None or ' * none_too}a whole number of at least {least}"


WHOLE_CASES = [(name, value) for name, (least, none_too) in WHOLE.items() for value in [least - 1, -7, *NOT_WHOLE]]
WHOLE_CASES += [(name, None) for name, (_, none_too) in WHOLE.items() if not none_too]
NUMBER_CASES = [(name, value) for name, (_, _, bad) in NUMBERS.items() for value in [*bad, *NOT_A_NUMBER]]


def test_the_lists_here_name_every_parameter():
    names = {field.name for field in dataclasses.fields(SelectionParameters)}
    assert names == {*WHOLE, *NUMBERS, *TRUTHS, *NAMES, *MAPPINGS, "weight_column", "target_column"}


def test_the_defaults_are_valid_and_cannot_be_changed():
    parameters = selection_parameters()
    with pytest.raises(dataclasses.FrozenInstanceError):
        parameters.seed = 2


@pytest.mark.parametrize(("name", "value"), WHOLE_CASES)
def test_a_value_that_is_no_whole_number_in_range_is_refused(name, value):
    with pytest.raises(ValueError, match=f"^{re.escape(f'{name}={value!r}: must be {allowed(name)}')}$"):
        selection_parameters(**{name: value})


@pytest.mark.parametrize(("name", "value"), NUMBER_CASES)
def test_a_value_that_is_no_number_in_range_is_refused(name, value):
    with pytest.raises(ValueError, match=f"^{re.escape(f'{name}={value!r}: must be {NUMBERS[name][0]}')}$"):
        selection_parameters(**{name: value})


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("value", [0, 1, None, "yes"])
def test_a_value_that_is_neither_true_nor_false_is_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name}={value!r}: must be True or False$"):
        selection_parameters(**{name: value})


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["zip", ("zip", 1), None, ("zip", "age", "zip")])
def test_columns_are_given_by_different_names(name, value):
    with pytest.raises(ValueError, match=f"^{re.escape(f'{name}={value!r}: must be ')}"):
        selection_parameters(**{name: value})


def test_a_list_of_columns_is_as_good_as_a_tuple():
    assert selection_parameters(exclude=["zip", "age"]).exclude == ("zip", "age")


def test_the_weights_are_one_column():
    with pytest.raises(ValueError, match=r"^weight_column=\('w',\): must be None or the name of a column$"):
        selection_parameters(weight_column=("w",))


@pytest.mark.parametrize(
    "shares",
    [
        None,
        ["a"],
        {"a": 0.5},
        {1: {"x": 1.0}},
        {"a": {}},
        {"a": {"x": 0.5}},
        {"a": {"x": 1.5, "y": -0.5}},
        {"a": {"x": "1"}},
    ],
)
def test_shares_of_a_column_sum_to_1(shares):
    with pytest.raises(ValueError, match=f"^{re.escape(f'target_shares={shares!r}: must be shares')}"):
        selection_parameters(target_shares=shares)
    assert selection_parameters(target_shares={"a": {"x": 0.3, "y": 0.7}}).target_shares


def test_excluding_combinations_needs_quasi_identifiers():
    with pytest.raises(
        ValueError, match=r"^exclude_unique_combinations=True: must be False without quasi_identifiers$"
    ):
        selection_parameters(exclude_unique_combinations=True)
    assert selection_parameters(exclude_unique_combinations=True, quasi_identifiers=("zip",)).quasi_identifiers


def test_the_limits_themselves_are_valid():
    for name, (least, none_too) in WHOLE.items():
        for value in [least, least + 1, *[None] * none_too]:
            assert getattr(selection_parameters(**{name: value}), name) == value
    for name, (_, good, _) in NUMBERS.items():
        for value in good:
            assert getattr(selection_parameters(**{name: value}), name) == value
    assert selection_parameters(allow_training_copies=True).allow_training_copies is True


def test_parameters_are_given_by_keyword_only():
    with pytest.raises(TypeError, match="positional"):
        SelectionParameters(100)
