import numpy as np
import pytest

from postprocess.selection.privacy_filter import rows_apart

WEIGHTS = np.array([0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6, 0.5, 0.0])  # the heaviest five: 1, 3, 5, 7, 8


def apart(near, *, wanted=2.5):
    """Kept rows and number of near ones, where these rows are near; and which rows were compared, call by call."""
    compared = []

    def is_near(rows):
        compared.append(rows.tolist())
        return np.isin(rows, near)

    rows, number = rows_apart(WEIGHTS, wanted=wanted, is_near=is_near)
    return rows.tolist(), number, compared


def test_only_the_heaviest_rows_are_compared_and_left():
    assert apart(near=[3, 0, 2]) == ([1, 5, 7, 8], 1, [[1, 3, 5, 7, 8]])


def test_where_too_few_are_left_the_others_are_compared_as_well():
    assert apart(near=[1, 3, 5, 7, 0]) == ([2, 4, 6, 8, 9], 5, [[1, 3, 5, 7, 8], [0, 2, 4, 6, 9]])


def test_only_as_many_are_compared_as_it_takes():
    rows, number, compared = apart(near=[1, 3, 0], wanted=1)
    assert (rows, number, compared) == ([5, 7], 2, [[1, 3], [5, 7]])


@pytest.mark.parametrize("wanted", [5, 6, 100])
def test_a_small_pool_is_compared_once_and_whole(wanted):
    rows, number, compared = apart(near=[0, 1], wanted=wanted)
    assert rows == [2, 3, 4, 5, 6, 7, 8, 9] and number == 2
    assert compared == [list(range(10))]


def test_no_row_is_left_where_all_are_near():
    assert apart(near=range(10))[:2] == ([], 10)
