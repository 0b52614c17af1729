import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.privacy import reach
from postprocess.privacy.near_rows import Rows
from postprocess.privacy.reach import begin_with, most_matches_within
from postprocess.runtime.threads import open_workers
from tests.postprocess.oracles import ALONE, Recorder, draw_codes

SIZES = [3, 4, 2, 5, 3, 2]


@settings(deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.booleans(),
    st.sampled_from([1e-3, 1, 1e9]),  # cost of a doubtful pair: few columns to begin with, some, and all
    st.integers(0, 2**32 - 1),
)
def test_the_near_rows_are_those_of_a_comparison_of_all_columns(n_rows, n_others, by_row, cost, seed):
    codes, others = draw_codes(SIZES, n_rows, seed), draw_codes(SIZES, n_others, seed + 1)
    rng = np.random.default_rng(seed)
    needed = rng.integers(1, len(SIZES) + 2, (1, n_rows) if by_row else (n_others, 1))
    matches = (codes[:, None] == others[:, :, None]).sum(axis=0)
    expected = np.where(matches >= needed, matches, 0).max(axis=0)
    progress = Recorder()
    with pytest.MonkeyPatch.context() as patch, open_workers(2, progress=progress) as workers:
        patch.setattr(reach, "COST_PER_PAIR", cost)
        patch.setattr(reach, "PAIRS_PER_STEP", 3)
        patch.setattr(reach, "OTHERS_PER_STEP", 9)
        found = most_matches_within(Rows(codes), Rows(others), needed, workers=workers, label="Comparing")
    np.testing.assert_array_equal(found, expected)
    assert [task.completed for task in progress.tasks] == [task.total for task in progress.tasks]


def test_more_columns_than_a_byte_can_count():
    codes = draw_codes([3] * 300, 20, seed=1)
    others = codes.copy()
    others[:10] = 7
    needed = np.full((20, 1), 290)
    assert most_matches_within(Rows(codes), Rows(others), needed, workers=ALONE, label="").tolist() == [290] * 20


def test_the_columns_to_begin_with_are_few_where_few_show_that_rows_are_far_apart():
    rng = np.random.default_rng(1)
    codes = np.concatenate([np.zeros((30, 2000)), rng.integers(0, 200, (10, 2000))]).astype(np.uint8)
    telling = begin_with(Rows(codes[:, :1000]), Rows(codes[:, 1000:]), np.full((1000, 1), 39))
    assert set(telling.columns.tolist()) <= set(range(30, 40))
    assert telling.cost < 10
    far = begin_with(Rows(codes[:, :1000]), Rows(codes[:, 1000:]), np.full((1000, 1), 30))
    assert len(far.columns) == far.cost == 40
