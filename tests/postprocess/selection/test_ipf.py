import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.runtime.threads import open_workers
from postprocess.selection import ipf as module
from postprocess.selection.ipf import PSEUDO_COUNT, fit_weights
from postprocess.selection.targets import Evidence, Marginal, target_marginals
from tests.postprocess.oracles import ALONE, Recorder, draw_codes, noisy_copies, watched

SIZES = np.array([3, 4, 2, 5])
PAIRS = [(i, j) for i in range(4) for j in range(i + 1, 4)]
EVEN_POOL = np.repeat([[0, 0, 1, 1], [0, 1, 0, 1]], 50, axis=1).astype(np.uint8)  # 2 x 2 cells, 50 rows each


def fit(codes, n_codes, targets, n, *, max_sweeps=20, tolerance=1e-6, seed=1, workers=ALONE):
    return fit_weights(
        codes,
        np.asarray(n_codes),
        targets,
        n=n,
        max_sweeps=max_sweeps,
        tolerance=tolerance,
        rng=np.random.default_rng(seed),
        workers=workers,
    )


def training_marginals(training, n_codes, tables):
    return target_marginals(Evidence(training, training, training.shape[1], 0), n_codes, tables, workers=ALONE)


def errors(weights, codes, targets, n):
    """Return the error of each table, 0..1, by adding up the weights."""
    found = []
    for marginal in targets:
        table = np.zeros(SIZES[list(marginal.columns)])
        np.add.at(table, tuple(codes[list(marginal.columns)]), weights)
        found.append(np.abs(table.ravel() - marginal.target).sum() / (2 * n))
    return found


def test_marginals_count_the_training_data():
    training = np.array([[0, 0, 1, 2, 2], [1, 1, 0, 3, 3]], dtype=np.uint8)
    pair, single = training_marginals(training, np.array([3, 4]), [(0, 1), (1,)])
    assert (pair.columns, single.columns) == ((0, 1), (1,))
    assert pair.target.reshape(3, 4).tolist() == [[0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 2]]
    assert single.target.tolist() == [1, 2, 0, 2]


def test_columns_with_256_codes_have_marginals():
    training = np.array([[255, 0], [255, 255]], dtype=np.uint8)
    (pair,) = training_marginals(training, np.array([256, 256]), [(0, 1)])
    assert np.flatnonzero(pair.target).tolist() == [255, 65_535]


def test_marginals_of_pairs_are_smoothed_towards_the_pool():
    training = np.array([[0] * 6 + [1] * 4, [0] * 10], dtype=np.uint8)
    pool = np.array([[0] * 10 + [1] * 10, [0] * 20], dtype=np.uint8)
    evidence = Evidence(training, pool, training.shape[1], 0.5)
    pair, single = target_marginals(evidence, np.array([2, 1]), [(0, 1), (0,)], workers=ALONE)
    assert pair.target.tolist() == [5, 5]  # the noise, 4.8, explains the whole distance, 2
    assert single.target.tolist() == [6, 4]


def test_a_table_of_two_by_two_cells_is_fitted_as_worked_out_by_hand():
    """200 rows of weight 0.5 are 25 in each cell: a row's weight is 0.5 (target + 0.5) / (25 + 0.5)."""
    assert PSEUDO_COUNT == 0.5
    result = fit(EVEN_POOL, [2, 2], [Marginal((0, 1), np.array([30.0, 10.0, 20.0, 40.0]))], 100, max_sweeps=1)
    np.testing.assert_allclose(result.weights[::50], [0.598039, 0.205882, 0.401961, 0.794118], atol=1e-6)
    assert result.largest_error == result.mean_error == pytest.approx(0.2)  # (5 + 15 + 5 + 15) / 200, before the fit
    assert (result.status, result.sweeps) == ("iteration limit", 1)


def test_two_marginals_are_fitted_as_worked_out_by_hand():
    """Rows 60 and 40, columns 30 and 70: 0.5 (60 + 0.5) / (50 + 0.5) (30 + 0.5) / (50 + 0.5), and so on."""
    targets = [Marginal((0,), np.array([60.0, 40.0])), Marginal((1,), np.array([30.0, 70.0]))]
    for seed in range(3):  # the order of the tables is drawn
        result = fit(EVEN_POOL, [2, 2], targets, 100, max_sweeps=1, seed=seed)
        np.testing.assert_allclose(result.weights[::50], [0.361778, 0.836242, 0.242182, 0.559798], atol=1e-6)
        assert result.largest_error == pytest.approx(0.2)
        assert result.mean_error == pytest.approx(0.15)


def test_a_pool_that_fits_converges_in_one_sweep():
    training = draw_codes(SIZES, 200, seed=1)
    targets = training_marginals(training, SIZES, PAIRS)
    pool = np.tile(training, 3)
    result = fit(pool, SIZES, targets, 200)
    assert (result.status, result.sweeps) == ("converged", 1)
    np.testing.assert_allclose(result.weights, 1 / 3)
    assert result.largest_error == pytest.approx(0, abs=1e-12)


def test_a_fit_comes_close_to_all_tables():
    training = draw_codes(SIZES, 300, seed=1)
    targets = training_marginals(training, SIZES, PAIRS)
    pool = noisy_copies(training, SIZES, 3000, seed=2)
    start = np.full(3000, 0.1)
    result = fit(pool, SIZES, targets, 300, tolerance=0.002)
    assert result.status == "converged"
    assert 1 < result.sweeps < 20
    assert result.mean_error <= 0.002
    assert result.mean_error < result.largest_error < 0.01
    assert np.mean(errors(start, pool, targets, 300)) > 0.1
    assert np.mean(errors(result.weights, pool, targets, 300)) < 0.003
    assert result.weights.sum() == pytest.approx(300, rel=0.01)


def test_the_fit_stalls_if_the_pool_lacks_rows():
    pool = np.zeros((2, 200), dtype=np.uint8)
    pool[0, :10] = 1
    targets = [Marginal((0,), np.array([50.0, 50.0]))]
    result = fit(pool, [2, 1], targets, 100)
    assert result.status == "stalled"
    assert 2 <= result.sweeps < 20
    assert result.weights[:10].tolist() == [1.0] * 10
    assert result.largest_error == pytest.approx(0.2, abs=0.001)  # 40 of 50 rows are missing: 40 / 200


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(0, 200), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_weights_are_above_0_and_at_most_1(n, surplus, max_sweeps, seed):
    training, pool = draw_codes(SIZES, n, seed), noisy_copies(draw_codes(SIZES, 9, seed + 1), SIZES, n + surplus, seed)
    result = fit(pool, SIZES, training_marginals(training, SIZES, PAIRS), n, max_sweeps=max_sweeps, seed=seed)
    assert result.weights.shape == (n + surplus,)
    assert (result.weights > 0).all()
    assert result.weights.max() <= 1
    assert 1 <= result.sweeps <= max_sweeps
    assert 0 <= result.mean_error <= result.largest_error + 1e-12


def test_threads_make_no_difference_bit_for_bit(monkeypatch):
    training = draw_codes(SIZES, 200, seed=3)
    pool = noisy_copies(training, SIZES, 2000, seed=4)
    targets = training_marginals(training, SIZES, PAIRS)
    whole = fit(pool, SIZES, targets, 200)
    monkeypatch.setattr(module, "ROWS_PER_CHUNK", 150)
    alone = fit(pool, SIZES, targets, 200)
    with open_workers(3) as workers:
        together = fit(pool, SIZES, targets, 200, workers=workers)
    assert (together.status, together.sweeps) == (alone.status, alone.sweeps)
    assert together.weights.tobytes() == alone.weights.tobytes()
    assert together.mean_error == alone.mean_error
    np.testing.assert_allclose(alone.weights, whole.weights, rtol=1e-9)


def test_the_seed_decides_the_order_of_the_tables():
    training = draw_codes(SIZES, 200, seed=3)
    pool, targets = noisy_copies(training, SIZES, 800, seed=4), training_marginals(training, SIZES, PAIRS)
    first, again, other = (fit(pool, SIZES, targets, 200, max_sweeps=1, seed=seed).weights for seed in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert not np.allclose(first, other)


def test_progress_counts_sweeps():
    progress = Recorder()
    fit(
        EVEN_POOL,
        [2, 2],
        [Marginal((0,), np.array([60.0, 40.0]))],
        100,
        max_sweeps=2,
        tolerance=0,
        workers=watched(progress),
    )
    (task,) = progress.tasks
    assert (task.label, task.total, task.completed) == ("IPF sweeps", 2, 2)
    assert "mean 0.00" in task.note


def test_no_weight_vanishes_even_for_odd_rows():
    training = np.zeros((30, 400), dtype=np.uint8)
    pool = np.ones((30, 500), dtype=np.uint8)  # in no cell of the training data
    pool[:, :10] = 0
    n_codes, pairs = np.full(30, 2), [(i, j) for i in range(30) for j in range(i + 1, 30)]
    weights = fit(pool, n_codes, training_marginals(training, n_codes, pairs), 400, max_sweeps=4).weights
    assert (weights > 0).all()
    assert weights[:10].min() > weights[10:].max()
