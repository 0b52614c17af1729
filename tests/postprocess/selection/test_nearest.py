import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.report.diagnostics import summarise
from postprocess.runtime.progress import Silent
from postprocess.runtime.threads import open_workers
from postprocess.selection import nearest as module
from postprocess.selection.nearest import distances, reach_of
from tests.postprocess.oracles import ALONE, Recorder, draw_codes

SIZES = [3, 4, 2, 5, 3, 2]


def compared(codes, training, *, workers=ALONE, progress=None, **options):
    return distances(codes, training, workers=workers, progress=progress or Silent(), label="Comparing", **options)


def differing(codes, training):
    """(n_rows, n_training) columns that differ, counted one by one."""
    return np.array([[(row != other).sum() for other in training.T] for row in codes.T])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 25), st.integers(1, 15), st.integers(0, 2**32 - 1))
def test_distances_equal_a_comparison_cell_by_cell(n_rows, n_training, seed):
    codes, training = draw_codes(SIZES, n_rows, seed), draw_codes(SIZES, n_training, seed + 1)
    reach = np.random.default_rng(seed).integers(-1, 5, n_training)
    found, expected = compared(codes, training, reach=reach), differing(codes, training)
    np.testing.assert_array_equal(found.closest, expected.min(axis=1))
    is_closest = expected == expected.min(axis=1, keepdims=True)
    np.testing.assert_array_equal(found.is_near, (is_closest & (expected <= reach)).any(axis=1))
    assert not compared(codes, training).is_near.any()


def test_training_rows_are_compared_with_the_others():
    training = draw_codes(SIZES, 30, seed=1)
    expected = differing(training, training)
    np.fill_diagonal(expected, 99)
    np.testing.assert_array_equal(compared(training, training, own_number=np.arange(30)).closest, expected.min(axis=1))
    some = np.array([3, 4, 29])
    np.testing.assert_array_equal(
        compared(training[:, some], training, own_number=some).closest, expected.min(axis=1)[some]
    )


def test_pieces_and_threads_make_no_difference(monkeypatch):
    codes, training = draw_codes(SIZES, 50, seed=1), draw_codes(SIZES, 40, seed=2)
    reach = np.arange(40) % 2  # 20 training rows of either
    whole, own = compared(codes, training, reach=reach), compared(training, training, own_number=np.arange(40))
    monkeypatch.setattr(module, "CELLS_A_CHUNK", 7 * len(SIZES))
    monkeypatch.setattr(module, "TRAINING_ROWS_A_STEP", 6)
    with open_workers(3) as workers:
        pieces = compared(codes, training, reach=reach, workers=workers)
        own_pieces = compared(training, training, own_number=np.arange(40), workers=workers)
    np.testing.assert_array_equal(whole.closest, pieces.closest)
    np.testing.assert_array_equal(whole.is_near, pieces.is_near)
    np.testing.assert_array_equal(own.closest, own_pieces.closest)


def test_more_columns_than_a_byte_counts():
    codes = np.zeros((300, 2), dtype=np.uint8)
    codes[:280, 1] = 1
    assert compared(codes, codes[:, :1]).closest.tolist() == [0, 280]


def test_progress_counts_comparisons():
    progress = Recorder()
    compared(draw_codes(SIZES, 50, seed=1), draw_codes(SIZES, 40, seed=2), progress=progress)
    (task,) = progress.tasks
    assert task.completed == task.total == 2000


@pytest.mark.parametrize(
    ("own", "share", "reach"),
    [
        ([10, 20, 3, 40], 0.5, [4, 9, 1, 19]),  # strictly nearer than half the way
        ([10, 20, 3, 40], 1.0, [9, 19, 2, 39]),
        ([10, 20, 3, 40], 0, [-1] * 4),  # no filter
        ([10, 20, 2, 40], 0.5, [4, 9, 1, 19]),  # a single column at least ...
        ([0, 1, 2, 40], 0.5, [-1, 0, 0, 19]),  # ... unless real rows are often that near
    ],
)
def test_reach(own, share, reach):
    assert reach_of(np.array(own, dtype=np.uint8), share).tolist() == reach


def test_figures():
    closest = np.array([0, 0, *[5] * 197, 9], dtype=np.uint8)
    assert summarise(closest) == {"rows": 200, "identical": 2, "minimum": 0, "percentile_1": 0, "median": 5}
