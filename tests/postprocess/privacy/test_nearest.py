import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.privacy import nearest as module
from postprocess.privacy.nearest import dcr_among, dcr_to_training
from postprocess.runtime.threads import open_workers
from postprocess.tables import matches
from tests.postprocess.oracles import ALONE, Recorder, draw_codes, watched

SIZES = [3, 4, 2, 5, 3, 2]


def compared(codes, training, *, workers=ALONE, **options):
    return dcr_to_training(codes, training, workers=workers, label="Comparing", **options)


def differing(codes, training):
    """Return (n_rows, n_training) numbers of columns that differ, counted one by one."""
    return np.array([[(row != other).sum() for other in training.T] for row in codes.T])


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 25), st.integers(1, 15), st.integers(0, 2**32 - 1))
def test_distances_equal_a_comparison_value_by_value(n_rows, n_training, seed):
    codes, training = draw_codes(SIZES, n_rows, seed), draw_codes(SIZES, n_training, seed + 1)
    np.testing.assert_array_equal(compared(codes, training), differing(codes, training).min(axis=1))


def test_a_training_row_is_compared_only_with_the_others():
    training = draw_codes(SIZES, 30, seed=1)
    expected = differing(training, training)
    np.fill_diagonal(expected, 99)
    np.testing.assert_array_equal(compared(training, training, own_number=np.arange(30)), expected.min(axis=1))
    some = np.array([3, 4, 29])
    np.testing.assert_array_equal(compared(training[:, some], training, own_number=some), expected.min(axis=1)[some])
    among = dcr_among(training, workers=ALONE, label="Comparing")
    np.testing.assert_array_equal(among, expected.min(axis=1))


def test_pieces_and_threads_make_no_difference(monkeypatch):
    codes, training = draw_codes(SIZES, 50, seed=1), draw_codes(SIZES, 40, seed=2)
    whole, own = compared(codes, training), compared(training, training, own_number=np.arange(40))
    monkeypatch.setattr(matches, "MAX_BYTES_PER_BLOCK", 7 * len(SIZES))
    monkeypatch.setattr(module, "TRAINING_ROWS_PER_STEP", 6)
    with open_workers(3) as workers:
        pieces = compared(codes, training, workers=workers)
        own_pieces = compared(training, training, own_number=np.arange(40), workers=workers)
        among = dcr_among(training, workers=workers, label="Comparing")
    np.testing.assert_array_equal(whole, pieces)
    np.testing.assert_array_equal(own, own_pieces)
    np.testing.assert_array_equal(own, among)


def test_a_distance_may_be_larger_than_a_byte_can_count():
    codes = np.zeros((300, 2), dtype=np.uint8)
    codes[:280, 1] = 1
    assert compared(codes, codes[:, :1]).tolist() == [0, 280]


def test_progress_counts_comparisons():
    progress = Recorder()
    compared(draw_codes(SIZES, 50, seed=1), draw_codes(SIZES, 40, seed=2), workers=watched(progress))
    dcr_among(draw_codes(SIZES, 50, seed=1), workers=watched(progress), label="Comparing")
    assert [(task.completed, task.total) for task in progress.tasks] == [(2000, 2000), (2500, 2500)]
