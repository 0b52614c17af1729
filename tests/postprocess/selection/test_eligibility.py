import re

import numpy as np
import pytest

from postprocess.data.codes import Codes
from postprocess.selection.eligibility import admitted_rows
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.rounding import oversize, refinement_candidates

COPIES_STAY = r"{} pool rows equal to a training row may be selected: without them fewer than 4 are left"
RARE_STAY = r"{} pool rows with a _RARE_ value that the training data does not have may be selected: .* fewer than 4"


def rows(fingerprints, rare=()):
    n_rows = len(fingerprints)
    codes = np.zeros((1, n_rows), dtype=np.uint8)
    return Codes(codes, np.array(fingerprints, dtype=np.uint64), np.isin(np.arange(n_rows), rare))


TRAINING = rows([1, 2, 3, 4])


@pytest.mark.parametrize(
    ("fingerprints", "rare", "admitted", "excluded", "warned"),
    [
        ([5, 6, 7, 8, 9], [], [0, 1, 2, 3, 4], (0, 0), []),
        ([5, 1, 6, 1, 7, 8], [], [0, 2, 4, 5], (2, 0), []),
        ([5, 6, 7, 8, 9, 10], [0, 5], [1, 2, 3, 4], (0, 2), []),
        ([1, 2, 5, 6, 7, 8, 9], [1, 2], [3, 4, 5, 6], (2, 1), []),  # row 1 counts once
        ([5, 1, 6, 1, 7], [], [0, 1, 2, 3, 4], (0, 0), [COPIES_STAY.format(2)]),
        ([5, 6, 7, 8, 9], [0, 4], [0, 1, 2, 3, 4], (0, 0), [RARE_STAY.format(2)]),
        ([1, 5, 6, 7, 8], [2], [1, 2, 3, 4], (1, 0), [RARE_STAY.format(1)]),  # copies go first
        ([1, 2, 5, 6, 7], [4], [0, 1, 2, 3], (0, 1), [COPIES_STAY.format(2)]),
        ([1, 2, 3, 4], [0], [0, 1, 2, 3], (0, 0), [COPIES_STAY.format(4), RARE_STAY.format(1)]),
    ],
)
def test_copies_and_rare_rows_are_kept_out_where_enough_others_serve(fingerprints, rare, admitted, excluded, warned):
    warnings = []
    found, counts = admitted_rows(TRAINING, rows(fingerprints, rare), SelectionParameters(), warn=warnings.append)
    assert found.tolist() == admitted
    assert counts == dict(zip(("training_copies", "rare"), excluded, strict=True))
    assert len(warnings) == len(warned)
    for text, pattern in zip(warnings, warned, strict=True):
        assert re.match(pattern, text)


def test_training_copies_on_request():
    warnings = []
    parameters = SelectionParameters(allow_training_copies=True)
    found, counts = admitted_rows(TRAINING, rows([1, 5, 1, 6, 7], [4]), parameters, warn=warnings.append)
    assert (found.tolist(), counts, warnings) == ([0, 1, 2, 3], {"training_copies": 0, "rare": 1}, [])


def test_size_of_the_oversized_subset():
    warnings = []
    parameters = SelectionParameters(trimming_data_multiplier=2.5)
    assert oversize(10, 25, parameters, warn=warnings.append) == 25
    assert oversize(10, 1000, SelectionParameters(trimming_data_multiplier=1), warn=warnings.append) == 10
    assert oversize(10, 24, parameters) == 24
    assert warnings == []
    assert oversize(10, 24, parameters, warn=warnings.append) == 24
    (text,) = warnings
    assert text.startswith("trimming_data_multiplier=2.5 asks for 25 rows, the pool has 24 that may be selected")


def test_refinement_tries_rows_of_a_fair_weight():
    weights = np.array([1.0, 0.019, 0.021, 0.0, 0.96])  # 2 rows' worth
    assert refinement_candidates(weights, 2).tolist() == [True, False, True, False, True]
    assert refinement_candidates(weights / 5, 2).tolist() == [True, False, True, False, True]
