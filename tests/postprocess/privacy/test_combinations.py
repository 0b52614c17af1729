from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postprocess.data.codes import Codes
from postprocess.privacy.combinations import single_row_combinations


def rows(combinations):
    n_rows = len(combinations)
    nothing = np.zeros(n_rows, np.uint64)
    return Codes(np.zeros((1, n_rows), np.uint8), nothing, nothing.astype(bool), np.array(combinations, np.uint64))


SOME = st.lists(st.integers(0, 5), min_size=1, max_size=12)


@given(SOME, SOME)
def test_a_combination_counts_if_one_training_row_alone_has_it(training, others):
    times = Counter(training)
    assert single_row_combinations(rows(training), rows(others)).tolist() == [times[each] == 1 for each in others]


def test_rows_must_have_been_read_with_quasi_identifiers():
    without = Codes(np.zeros((1, 2), np.uint8), np.zeros(2, np.uint64), np.zeros(2, bool))
    with pytest.raises(AssertionError, match="quasi_identifiers"):
        single_row_combinations(without, without)
