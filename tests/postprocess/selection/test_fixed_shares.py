import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.runtime.stages import Deadline
from postprocess.selection.fixed_shares import hold_shares
from postprocess.tables.counts import Tables
from postprocess.tables.layout import Layout
from tests.postprocess.oracles import ALONE, draw_codes

SIZES = [2, 3, 4, 5]
LAYOUT = Layout(SIZES, 4, 4)


def counted(codes):
    tables = Tables(LAYOUT, workers=ALONE)
    tables.add(codes)
    return tables


@settings(deadline=None, max_examples=30)
@given(st.integers(20, 60), st.integers(0, 2**32 - 1))
def test_the_counts_of_the_columns_become_their_targets(n, seed):
    codes = draw_codes(SIZES, 10 * n, seed)
    selected = np.zeros(10 * n, dtype=bool)
    selected[np.random.default_rng(seed).permutation(10 * n)[:n]] = True
    target = draw_codes(SIZES, 3 * n, seed + 1)
    residuals = counted(codes[:, selected])
    residuals.values -= counted(target).values / 3
    chosen, swaps, left = hold_shares(residuals, codes, selected, [1, 0], Deadline(1))
    assert left == 0
    assert chosen.sum() == n and (chosen != selected).sum() <= 2 * swaps
    for column in (1, 0):
        counts = np.bincount(codes[column, chosen], minlength=SIZES[column])
        assert np.all(np.abs(counts - np.bincount(target[column], minlength=SIZES[column]) / 3) < 1)
    expected = counted(codes[:, chosen]).values - counted(target).values / 3
    np.testing.assert_allclose(residuals.values, expected, atol=1e-4)


def test_without_a_row_to_swap_with_the_counts_stay():
    codes = np.zeros((4, 30), dtype=np.uint8)
    selected = np.arange(30) < 10
    residuals = counted(codes[:, selected])
    target = codes[:, :10].copy()
    target[1, :5] = 2
    residuals.values -= counted(target).values
    chosen, swaps, left = hold_shares(residuals, codes, selected, [1], Deadline(1))
    assert (swaps, left) == (0, 5) and np.array_equal(chosen, selected)
