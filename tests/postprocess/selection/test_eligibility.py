import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from postprocess.data.codes import Codes
from postprocess.runtime.exits import InputError
from postprocess.selection.eligibility import eligible_rows
from tests.parameters import selection_parameters

COPIES_STAY = r"{} pool rows equal to a training row may be selected.* fewer than 4 "
RARE_STAY = r"{} pool rows with a _RARE_ value that the training data does not have may be selected.* fewer than 4 "


def rows(fingerprints, rare=(), combinations=None):
    n_rows = len(fingerprints)
    codes = np.zeros((1, n_rows), dtype=np.uint8)
    combinations = None if combinations is None else np.array(combinations, dtype=np.uint64)
    return Codes(codes, np.array(fingerprints, dtype=np.uint64), np.isin(np.arange(n_rows), rare), combinations)


TRAINING = rows([1, 2, 3, 4])
OFTEN_EQUAL = rows([1, 2, 3, 3])
POOL = Path("pool.csv")


@pytest.mark.parametrize(
    ("fingerprints", "rare", "eligible", "excluded", "warned"),
    [
        ([5, 6, 7, 8, 9], [], [0, 1, 2, 3, 4], (0, 0), []),
        ([5, 1, 6, 1, 7, 8], [], [0, 2, 4, 5], (2, 0), []),
        ([5, 6, 7, 8, 9, 10], [0, 5], [1, 2, 3, 4], (0, 2), []),
        ([1, 2, 5, 6, 7, 8, 9], [1, 2], [3, 4, 5, 6], (2, 1), []),  # row 1 counts once
        ([5, 1, 6, 1, 7], [], [0, 1, 2, 3, 4], (0, 0), [COPIES_STAY.format(2)]),
        ([5, 6, 7, 8, 9], [0, 4], [0, 1, 2, 3, 4], (0, 0), [RARE_STAY.format(2)]),
        ([1, 5, 6, 7, 8], [2], [1, 2, 3, 4], (1, 0), [RARE_STAY.format(1)]),  # copies go first
        ([1, 2, 5, 6, 7], [4], [0, 1, 2, 3], (0, 1), [COPIES_STAY.format(2)]),
        ([1, 2, 3, 4], [0], [0, 1, 2, 3], (0, 0), [COPIES_STAY.format(3), RARE_STAY.format(1)]),
    ],
)
def test_copies_and_rare_rows_are_excluded_if_enough_others_are_left(fingerprints, rare, eligible, excluded, warned):
    warnings = []
    found, counts = eligible_rows(OFTEN_EQUAL, rows(fingerprints, rare), selection_parameters(), warn=warnings.append)
    assert found.tolist() == eligible
    assert counts == dict(zip(("training_copies", "rare"), excluded, strict=True))
    assert len(warnings) == len(warned)
    for text, pattern in zip(warnings, warned, strict=True):
        assert re.match(pattern, text)


def test_rows_that_break_a_rule_are_excluded_and_counted_first():
    warnings = []
    breaking = np.array([True, True, False, False, False, False, False])
    pool = rows([1, 5, 6, 7, 8, 9, 2])
    found, counts = eligible_rows(TRAINING, pool, selection_parameters(), breaking=breaking, warn=warnings.append)
    assert found.tolist() == [2, 3, 4, 5]
    assert (counts, warnings) == ({"rules": 2, "training_copies": 1, "rare": 0}, [])


def test_a_column_that_keeps_many_rows_out_is_named():
    warnings = []
    pool = replace(rows([5, 6, 7, 8, 9, 10], rare=[0]), rare_in={"name": 1, "other": 0})
    eligible_rows(TRAINING, pool, selection_parameters(), warn=warnings.append)
    (warning,) = warnings
    assert "column 'name' keeps 17% of the pool rows out" in warning


def test_a_pool_of_which_more_than_half_is_kept_out_is_warned_of():
    warnings = []
    eligible_rows(TRAINING, rows([1, 1, 2, 3, 4, 5, 6, 7, 8]), selection_parameters(), warn=warnings.append)
    (warning,) = warnings
    assert "more than half of the 9 pool rows" in warning and "5 equal to a training row" in warning


def test_a_pool_of_real_rows_is_refused_if_equal_rows_are_not_common():
    for pool in (rows([1, 2, 3, 4]), rows([4, 4, 2, 1, 3, 5, 6, 7])):
        with pytest.raises(
            InputError, match=r"^pool.csv: only \d of \d pool rows differ .* set allow_training_copies=True$"
        ):
            eligible_rows(TRAINING, pool, selection_parameters(), given_pool=POOL, warn=pytest.fail)
        allowed = selection_parameters(allow_training_copies=True)
        assert len(eligible_rows(TRAINING, pool, allowed, given_pool=POOL, warn=pytest.fail)[0]) == pool.n_rows


def test_training_copies_are_eligible_on_request():
    warnings = []
    parameters = selection_parameters(allow_training_copies=True)
    found, counts = eligible_rows(TRAINING, rows([1, 5, 1, 6, 7], [4]), parameters, warn=warnings.append)
    assert (found.tolist(), counts, warnings) == ([0, 1, 2, 3], {"training_copies": 0, "rare": 1}, [])


EXCLUDING = selection_parameters(quasi_identifiers=("a",), exclude_unique_combinations=True)
PEOPLE = rows([1, 2, 3, 4], combinations=[11, 12, 13, 13])  # two rows share 13


def test_rows_with_a_combination_of_a_single_training_row_are_excluded_on_request():
    pool = rows([5, 1, 6, 7, 8, 9], combinations=[11, 11, 13, 13, 14, 14])
    found, counts = eligible_rows(PEOPLE, pool, EXCLUDING, warn=pytest.fail)
    assert found.tolist() == [2, 3, 4, 5]
    assert counts == {"unique_combinations": 2, "training_copies": 0, "rare": 0}  # row 1 counts once
    found, counts = eligible_rows(PEOPLE, pool, selection_parameters(quasi_identifiers=("a",)), warn=pytest.fail)
    assert found.tolist() == [0, 2, 3, 4, 5] and "unique_combinations" not in counts


def test_too_few_rows_without_these_combinations_are_refused():
    pool = rows([5, 6, 7, 8, 9, 9], combinations=[11, 12, 11, 13, 14, 15])
    with pytest.raises(InputError, match=r"^exclude_unique_combinations=True: leaves 3 of 6 pool rows, and 4 are"):
        eligible_rows(PEOPLE, pool, EXCLUDING, warn=pytest.fail)
