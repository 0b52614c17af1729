import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.privacy import levels, near_rows
from postprocess.privacy.levels import distances_among, within_radius
from postprocess.runtime.threads import open_workers
from tests.postprocess.oracles import Recorder, draw_codes

SIZES = [3, 4, 2, 5, 3, 2]
COSTS = st.sampled_from([1e-3, 1, 1e9])  # of a pass: levels only, some levels, and none


def with_cost(patch, cost):
    patch.setattr(near_rows, "COST_PER_ROW", cost)
    patch.setattr(near_rows, "COST_PER_PAIR", cost)


@settings(deadline=None)
@given(st.integers(2, 40), st.integers(1, 3), COSTS, st.integers(0, 2**32 - 1))
def test_distances_among_rows_are_those_to_the_nearest_other_row(n_rows, threads, cost, seed):
    codes = draw_codes(SIZES, n_rows, seed)
    expected = [min((codes[:, i] != codes[:, j]).sum() for j in range(n_rows) if j != i) for i in range(n_rows)]
    progress = Recorder()
    with pytest.MonkeyPatch.context() as patch, open_workers(threads, progress=progress) as workers:
        with_cost(patch, cost)
        found = distances_among(codes, workers=workers, label="Comparing")
    assert found.tolist() == expected
    assert [task.completed for task in progress.tasks] == [task.total for task in progress.tasks]


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 25), COSTS, st.integers(0, 2**32 - 1))
def test_within_radius_finds_the_rows_that_a_comparison_of_all_pairs_finds(n_rows, n_training, cost, seed):
    codes, training = draw_codes(SIZES, n_rows, seed), draw_codes(SIZES, n_training, seed + 1)
    radius = np.random.default_rng(seed).integers(-1, 5, n_training)
    distances = (codes[:, :, None] != training[:, None]).sum(axis=0)
    is_closest = distances == distances.min(axis=1, keepdims=True)
    expected = (is_closest & (distances <= radius)).any(axis=1)
    with pytest.MonkeyPatch.context() as patch, open_workers(2) as workers:
        with_cost(patch, cost)
        patch.setattr(levels, "SAMPLE_ROWS", 5)
        found = within_radius(codes, training, radius, workers=workers, label="Comparing")
    np.testing.assert_array_equal(found, expected)
