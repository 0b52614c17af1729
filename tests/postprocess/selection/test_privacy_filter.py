import numpy as np
import pytest

from postprocess.selection.privacy_filter import (
    Mode,
    exclusion_radius,
    far_enough,
    filter_rows,
    near_copy_radius,
    rows_to_compare,
)

WEIGHTS = np.array([0, 0.9, 0, 0.8, 0, 0.7, 0, 0.6, 0.5, 0.0])  # five rows with a weight: 1, 3, 5, 7, 8


def passed(too_close, *, wanted=2.5):
    """Return the rows that pass, the number of rows too close, and which rows were compared, call by call."""
    compared = []

    def is_too_close(rows):
        compared.append(rows.tolist())
        return np.isin(rows, too_close)

    at_a_time, rng = round(2 * wanted), np.random.default_rng(1)
    rows, number = far_enough(WEIGHTS, wanted=wanted, at_a_time=at_a_time, rng=rng, is_too_close=is_too_close)
    return rows.tolist(), number, compared


def test_only_rows_with_a_weight_are_compared_and_pass_if_they_are_enough():
    assert passed(too_close=[3, 0, 2]) == ([1, 5, 7, 8], 1, [[1, 3, 5, 7, 8]])


def test_if_too_few_rows_pass_the_others_are_compared_as_well():
    assert passed(too_close=[1, 3, 5, 7, 0]) == ([2, 4, 6, 8, 9], 5, [[1, 3, 5, 7, 8], [0, 2, 4, 6, 9]])


def test_comparing_ends_once_enough_rows_have_passed():
    rows, number, compared = passed(too_close=[], wanted=1)
    assert (len(rows), number, len(compared), len(compared[0])) == (2, 0, 1, 2)


def test_the_chance_of_a_row_is_in_proportion_to_its_weight():
    rng, weights = np.random.default_rng(1), np.array([1.0, 2.0, 3.0, 0.0] * 500)
    drawn, _ = far_enough(
        weights, wanted=50, at_a_time=100, rng=rng, is_too_close=lambda rows: np.zeros(len(rows), bool)
    )
    many = [
        far_enough(weights, wanted=50, at_a_time=100, rng=rng, is_too_close=lambda rows: np.zeros(len(rows), bool))[0]
        for _ in range(50)
    ]
    shares = np.bincount(np.concatenate(many) % 4, minlength=4) / (50 * len(drawn))
    assert shares == pytest.approx([1 / 6, 1 / 3, 1 / 2, 0], abs=0.03)


@pytest.mark.parametrize("wanted", [5, 6, 100])
def test_a_small_pool_is_compared_once_and_whole(wanted):
    rows, number, compared = passed(too_close=[0, 1], wanted=wanted)
    assert rows == [2, 3, 4, 5, 6, 7, 8, 9] and number == 2
    assert compared == [list(range(10))]


def test_no_row_passes_if_all_are_too_close():
    assert passed(too_close=range(10))[:2] == ([], 10)


def test_fewer_rows_are_compared_at_a_time_if_the_data_is_large():
    assert rows_to_compare(40_000, 20_000, 80) == 80_000
    assert rows_to_compare(2_000_000, 1_000_000, 32) == 2_500_000


@pytest.mark.parametrize(
    ("training_dcr", "share", "radius"),
    [
        ([10, 20, 4, 40], 0.5, [4, 9, 1, 19]),  # strictly closer than half the way
        ([10, 20, 3, 40], 1.0, [9, 19, 2, 39]),
        ([10, 20, 2, 40], 0.5, [4, 9, 1, 19]),  # a single column at least ...
        ([0, 1, 2, 40], 0.5, [-1, 0, 0, 19]),  # ... unless real rows are often that close
    ],
)
def test_the_radius_is_a_share_of_the_training_rows_own_distance(training_dcr, share, radius):
    found = exclusion_radius(np.array(training_dcr, dtype=np.uint8), share, np.random.default_rng(1))
    assert found.tolist() == radius


def test_a_share_that_is_no_whole_distance_is_rounded_at_random_and_right_on_average():
    training_dcr = np.repeat(np.array([4, 7, 11], np.uint8), 20_000)
    least = 1 + exclusion_radius(training_dcr, 0.8, np.random.default_rng(1)).reshape(3, -1)
    assert [np.unique(row).tolist() for row in least] == [[3, 4], [5, 6], [8, 9]]
    assert least.mean(axis=1) == pytest.approx([3.2, 5.6, 8.8], abs=0.02)


def test_the_radius_for_near_copies_is_one_column_unless_they_are_common():
    far_apart, close_together = np.array([10, 20, 3, 40], np.uint8), np.array([0, 1, 2, 40], np.uint8)
    assert near_copy_radius(far_apart).tolist() == [1] * 4
    assert near_copy_radius(close_together).tolist() == [-1, 0, 0, 0]


@pytest.mark.parametrize(
    ("distances", "mode", "rows", "excluded", "spared"),
    [
        ([9, 9, 9, 9, 2, 1], Mode.TOO_CLOSE, [0, 1, 2, 3], 2, 0),
        ([9, 9, 2, 2, 2, 1], Mode.NEAR_COPIES_ONLY, [0, 1, 2, 3, 4], 1, 3),
        ([9, 1, 1, 1, 1, 1], Mode.NOTHING, [0, 1, 2, 3, 4, 5], 0, 5),
    ],
)
def test_the_strictest_mode_that_leaves_enough_rows_is_used(distances, mode, rows, excluded, spared):
    """There are six rows at these distances from the only training row. Its own distance is 8, so 3 is too close."""
    found = filter_rows(
        np.ones(6),
        np.array([8]),
        share=0.5,
        wanted=6,
        needed=4,
        at_a_time=12,
        is_too_close=lambda rows, radius: np.array(distances)[rows] <= radius[0],
        rng=np.random.default_rng(1),
    )
    assert (found.rows.tolist(), found.mode, found.excluded, found.spared) == (rows, mode, excluded, spared)
