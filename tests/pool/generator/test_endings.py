import numpy as np
import pytest

from pool.generator.endings import ANY, find_endings

DRAW = np.random.default_rng(1)


def test_numbers_without_a_preference_have_any_ending():
    for numbers in (DRAW.integers(0, 100_000, 5_000), DRAW.geometric(0.01, 5_000), DRAW.integers(-50, 50, 500)):
        endings = find_endings(numbers)
        assert endings.moduli.tolist() == [1] and endings.possible is None


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (DRAW.integers(0, 200, 2_000) * 50, {(100, 0), (100, 50)}),
        (DRAW.integers(0, 500, 2_000) * 100 + 99, {(100, 99)}),
        (DRAW.integers(-500, 500, 2_000) * 100, {(100, 0)}),
        (DRAW.integers(0, 3_000, 2_000) * 5, {(10, 0), (10, 5)}),
        (np.concatenate([DRAW.integers(0, 10**6, 1_000), DRAW.integers(0, 1_000, 500) * 1_000]), {(1_000, 0)}),
        (np.concatenate([DRAW.integers(0, 10**5, 1_900), DRAW.integers(0, 1_000, 100) * 100 + 96]), {(100, 96)}),
    ],
)
def test_the_longest_endings_on_which_numbers_heap_up_are_found(numbers, expected):
    endings = find_endings(numbers)
    found = set(zip(endings.moduli.tolist(), endings.residues.tolist(), strict=True)) - {(1, 0)}
    assert found == expected


def test_the_ending_of_a_number_is_the_longest_one_it_has():
    numbers = np.concatenate([DRAW.integers(0, 100_000, 500), DRAW.integers(0, 1_000, 500) * 100])
    endings = find_endings(numbers)
    assert endings.of(np.array([1_200, 1_234, 0, 50])).tolist() == [1, 0, 1, 0]
    assert ANY.of(np.array([7, -7])).tolist() == [0, 0]


def test_clock_times_have_no_minutes_above_59():
    minutes = DRAW.integers(0, 24 * 60, 5_000)
    times = minutes // 60 * 100 + minutes % 60
    assert np.all(find_endings(times).of(times) == 0)
    assert np.all(find_endings(times).of(np.array([1_060, 1_199, 75])) == -1)
