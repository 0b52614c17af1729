import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.selection import rounding as module
from postprocess.selection.rounding import (
    MIN_WEIGHT,
    _FractionalTables,
    pairs_only,
    round_weights,
    scale_weights,
    subset_size,
    worth_trying,
)
from postprocess.tables.counts import Tables
from postprocess.tables.layout import Layout
from tests.postprocess import oracles
from tests.postprocess.oracles import ALONE, Recorder, draw_codes, noisy_copies, watched

SIZES = np.array([3, 4, 2, 5])
LAYOUT = Layout(SIZES, 4, 4)


def round_to(codes, weights, training, n, *, layout=LAYOUT, seed=1, workers=ALONE):
    targets = Tables(layout, workers=workers)
    targets.add(training)
    return round_weights(
        codes,
        weights,
        targets,
        n=n,
        n_target=training.shape[1],
        rng=np.random.default_rng(seed),
    )


def test_scaled_weights_sum_to_n_and_small_ones_become_0():
    weights = np.array([0.5, 0.25, 0.25, 0.9, 0.1, 0.001])
    scaled = scale_weights(weights, 2)
    np.testing.assert_allclose(scaled, np.append(weights[:5], 0), atol=1e-9)
    assert scale_weights(weights * 7, 2) == pytest.approx(scaled)


def test_scaled_weights_are_capped():
    scaled = scale_weights(np.array([10.0, 1.0, 1.0, 1.0]), 2)
    np.testing.assert_allclose(scaled, [1, 1 / 3, 1 / 3, 1 / 3], atol=1e-3)


def test_small_weights_stay_if_too_few_are_large():
    weights = np.full(1000, 0.001)
    weights[:3] = 1.0
    assert weights[3] * 5 / weights.sum() < MIN_WEIGHT
    scaled = scale_weights(weights, 5)
    assert (scaled > 0).all()
    assert scaled.sum() == pytest.approx(5, rel=0.01)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=40), st.data())
def test_scaled_weights_leave_n_rows_to_choose_from(weights, data):
    n = data.draw(st.integers(1, len(weights)))
    scaled = scale_weights(np.array(weights), n)
    assert np.count_nonzero(scaled) >= n
    assert scaled.min() >= 0
    assert scaled.max() <= 1
    assert scaled.sum() <= n * (1 + 1e-9)


def test_pairs_only_drops_the_triples():
    layout = pairs_only(Layout(SIZES, 3, 2))
    assert (layout.n_codes.tolist(), layout.pair_columns, layout.triple_columns) == ([3, 4, 2, 5], 3, 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(0, 60), st.integers(0, 3), st.integers(0, 2**32 - 1))
def test_rounding_gives_exactly_n_distinct_rows_of_positive_weight(n, surplus, zeros, seed):
    rng = np.random.default_rng(seed)
    weights = np.concatenate([rng.random(n + surplus) + 1e-9, np.zeros(zeros)])
    rng.shuffle(weights)
    codes = draw_codes(SIZES, len(weights), seed)
    rows = round_to(codes, weights, draw_codes(SIZES, 20, seed), n, seed=seed)
    assert rows.dtype == np.int64
    assert len(rows) == n
    assert (np.diff(rows) > 0).all()
    assert (weights[rows] > 0).all()


@pytest.mark.parametrize("pair_columns", [4, 3, 0])
def test_a_row_is_kept_if_that_lowers_the_error(pair_columns):
    """For each decision, the tables of the decided rows and the fractional rest are counted anew both ways."""
    layout = Layout(SIZES, pair_columns, 0)
    training, codes = draw_codes(SIZES, 20, seed=1), draw_codes(SIZES, 50, seed=2)
    shares = np.random.default_rng(3).random(50)
    rounding = _FractionalTables(layout, ALONE)
    rounding.tables.add(codes, shares)
    rounding.tables.add(training, np.full(20, -1.2))
    kept = np.concatenate([rounding.decide(codes[:, part], shares[part]) for part in (slice(0, 30), slice(30, None))])
    assert 0 < kept.sum() < 50

    both = np.concatenate([codes, training], axis=1)
    weights = np.concatenate([shares, np.full(20, -1.2)])
    for row in range(50):
        errors = []
        for decision in (not kept[row], kept[row]):
            weights[row] = decision
            residual = oracles.count(both, layout, weights)
            errors.append(oracles.squared_error(residual, layout))
        assert errors[1] <= errors[0] + 1e-5  # the tables are float32
    np.testing.assert_allclose(
        rounding.tables.values, oracles.values(oracles.count(both, layout, weights), layout), atol=1e-5
    )


@pytest.mark.parametrize("n", [60, 90])
def test_the_error_is_lower_than_that_of_draws_by_weight(n):
    training = draw_codes(SIZES, 60, seed=1)
    pool = noisy_copies(training, SIZES, 400, seed=2)
    weights = np.random.default_rng(3).random(400)
    rows = round_to(pool, weights, training, n)
    rng = np.random.default_rng(4)
    draws = [rng.choice(400, n, replace=False, p=weights / weights.sum()) for _ in range(30)]
    layout = pairs_only(LAYOUT)
    best_draw = max(oracles.overall(training, pool[:, draw], layout) for draw in draws)
    assert oracles.overall(training, pool[:, rows], layout) > best_draw + 0.02


@pytest.mark.parametrize(
    ("n", "expected"), [(3, [1, 3, 4]), (2, [1, 4]), (1, [4]), (4, [1, 2, 3, 4]), (5, [0, 1, 2, 3, 4])]
)
def test_surplus_and_missing_rows_are_corrected_by_weight(n, expected):
    weights = np.array([0.1, 0.9, 0.8, 0.2, 0.95, 0.05])
    rows = np.array([4, 0, 5, 2, 1, 3])  # in the order in which they were decided
    keep = np.isin(rows, [1, 3, 4])
    assert module._exactly(n, rows, keep, weights).tolist() == expected


def test_rows_that_are_all_needed_are_all_taken():
    codes, training = np.zeros((1, 6), dtype=np.uint8), np.zeros((1, 3), dtype=np.uint8)
    layout = Layout([1], 1, 1)
    assert round_to(codes, np.full(6, 0.5), training, 6, layout=layout).tolist() == [0, 1, 2, 3, 4, 5]
    assert len(round_to(codes, np.full(6, 0.5), training, 3, layout=layout)) == 3


def test_the_same_seed_gives_the_same_rows_and_progress_reaches_the_end():
    training = draw_codes(SIZES, 60, seed=1)
    pool, progress = noisy_copies(training, SIZES, 600, seed=2), Recorder()
    weights = np.random.default_rng(3).random(600)
    first = round_to(pool, weights, training, 60, workers=watched(progress))
    np.testing.assert_array_equal(first, round_to(pool, weights, training, 60))
    assert first.tolist() != round_to(pool, weights, training, 60, seed=2).tolist()
    (task,) = progress.tasks
    assert task.completed == task.total > 500


def test_the_size_of_the_subset_follows_the_multiplier_and_the_pool():
    warnings = []
    assert subset_size(10, 25, 2.5, warn=warnings.append) == 25
    assert subset_size(10, 1000, 1, warn=warnings.append) == 10
    assert subset_size(10, 24, 2.5) == 24
    assert warnings == []
    assert subset_size(10, 24, 2.5, warn=warnings.append) == 24
    (text,) = warnings
    assert all(fact in text for fact in ("trimming_data_multiplier=2.5", "25 rows", "24 rows"))


def test_rows_that_rounding_would_not_skip_are_worth_trying():
    weights = np.array([1.0, 0.019, 0.021, 0.0, 0.96])  # 2 rows' worth
    assert worth_trying(weights, 2).tolist() == [True, False, True, False, True]
    assert worth_trying(weights / 5, 2).tolist() == [True, False, True, False, True]
