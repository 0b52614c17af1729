import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.runtime import threads
from postprocess.runtime.threads import open_workers
from postprocess.selection.targets import Evidence, smoothed, target_marginals, target_tables
from postprocess.tables.counts import design_effect
from postprocess.tables.layout import Layout
from tests.postprocess import oracles
from tests.postprocess.oracles import ALONE, draw_codes, noisy_copies

SIZES = [3, 4, 2, 5]
LAYOUTS = [Layout(SIZES, 4, 4), Layout(SIZES, 4, 3), Layout(SIZES, 3, 0), Layout(SIZES, 0, 0)]


def test_targets_of_another_number_of_rows_are_those_of_the_training_rows_scaled():
    training, prior, layout = draw_codes(SIZES, 60, seed=1), draw_codes(SIZES, 200, seed=2), LAYOUTS[0]
    for smoothing in (0, 1.5):
        expected = target_tables(Evidence(training, prior, 60, smoothing), layout, workers=ALONE).values
        found = target_tables(Evidence(training, prior, 150, smoothing), layout, workers=ALONE).values
        np.testing.assert_allclose(found, 2.5 * expected, rtol=1e-5)


def test_smoothing_knows_that_weighted_rows_vary_more():
    """The targets of weighted rows come closer to the population than those that take the rows for unweighted ones."""
    draw, shares = np.random.default_rng(1), np.random.default_rng(2).dirichlet(np.ones(100))
    errors = np.zeros(2)
    for _ in range(50):
        weights = draw.exponential(size=2000) ** 2
        weights *= 2000 / weights.sum()
        cells, found = draw.choice(100, 2000, p=shares), draw.choice(100, 8000, p=shares)
        counts, prior = np.bincount(cells, weights, 100)[None], np.bincount(found, minlength=100)[None] / 4
        for place, effect in enumerate((design_effect(weights), 1.0)):
            targets = smoothed(counts, prior, np.zeros(1, int), 2000, 1.0, effect)
            errors[place] += ((targets[0] - 2000 * shares) ** 2).sum()
    assert errors[0] < 0.7 * errors[1]


def test_whole_weights_give_the_targets_of_rows_that_are_repeated_as_often():
    training, layout = draw_codes(SIZES, 60, seed=1), LAYOUTS[0]
    times = np.random.default_rng(1).integers(0, 4, 60)
    n = int(times.sum())
    repeated = np.repeat(training, times, axis=1)
    weights = times * (60 / n)
    expected = target_tables(Evidence(repeated, training, n, 0), layout, workers=ALONE).values
    found = target_tables(Evidence(training, training, n, 0, weights), layout, workers=ALONE).values
    np.testing.assert_array_equal(found, expected)
    pairs = [(0, 1), (2,)]
    of_repeated = target_marginals(Evidence(repeated, training, n, 0), np.array(SIZES), pairs, workers=ALONE)
    of_weighted = target_marginals(Evidence(training, training, n, 0, weights), np.array(SIZES), pairs, workers=ALONE)
    for one, other in zip(of_repeated, of_weighted, strict=True):
        np.testing.assert_allclose(one.target, other.target)


def targets(training, prior, layout, smoothing, workers=ALONE):
    return target_tables(Evidence(training, prior, training.shape[1], smoothing), layout, workers=workers)


def expected(training, prior, layout, smoothing):
    """Return the targets by the formula, table by table. Univariate tables are not smoothed."""
    n = training.shape[1]
    counts, found = oracles.count(training, layout), oracles.count(prior, layout)
    cells = oracles.all_cells(layout)
    unexplained, powers = {}, {}
    for cell in cells:
        table, m = tuple(column for column, _ in cell), found[cell] * n / prior.shape[1]
        noise = counts[cell] * (1 - counts[cell] / n)
        unexplained[table] = unexplained.get(table, 0) + (m - counts[cell]) ** 2 - noise
        powers[table] = powers.get(table, 0) + m**1.5
    values = []
    for cell in cells:
        table, m = tuple(column for column, _ in cell), found[cell] * n / prior.shape[1]
        noise = smoothing * m * (1 - m / n)
        bias = max(unexplained[table], 0) / max(powers[table], 1e-9) * m**1.5
        pull = noise / (noise + bias) if noise + bias > 0 else 1
        values.append(counts[cell] + (pull if len(table) > 1 and smoothing > 0 else 0) * (m - counts[cell]))
    return np.array(values)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(LAYOUTS), st.sampled_from([0, 0.3, 1, 2]), st.integers(0, 2**32 - 1))
def test_targets_follow_the_formula(layout, smoothing, seed):
    training = draw_codes(SIZES, 30, seed)
    prior = noisy_copies(training, SIZES, 70, seed)
    found = targets(training, prior, layout, smoothing)
    np.testing.assert_allclose(found.values, expected(training, prior, layout, smoothing), atol=1e-4)


def test_without_smoothing_the_targets_are_the_training_data():
    training = draw_codes(SIZES, 30, seed=1)
    found = targets(training, draw_codes(SIZES, 9, seed=2), LAYOUTS[0], 0)
    np.testing.assert_array_equal(found.values, oracles.values(oracles.count(training, LAYOUTS[0]), LAYOUTS[0]))


@pytest.mark.parametrize("apart", [0, threads.MIN_LOOKUPS_APART])
def test_threads_make_no_difference(monkeypatch, apart):
    monkeypatch.setattr(threads, "MIN_LOOKUPS_APART", apart)
    training = draw_codes(SIZES, 30, seed=1)
    prior = noisy_copies(training, SIZES, 70, seed=2)
    with open_workers(3) as workers:
        together = targets(training, prior, LAYOUTS[0], 0.5, workers)
    assert together.values.tobytes() == targets(training, prior, LAYOUTS[0], 0.5).values.tobytes()


def test_a_pool_within_the_noise_decides_and_one_beyond_it_only_where_rows_are_few():
    """100 training rows, 40 and 60, have a noise of 48. A pool with 45 and 55 has the squared distance 50, so 2 are
    bias: 2 * 45 ** 1.5 / (45 ** 1.5 + 55 ** 1.5) for the first cell. It has the noise 45 * 0.55.
    """
    counts, starts = np.array([[40.0, 60.0]]), np.zeros(1, dtype=int)
    bias = 2 * 45**1.5 / (45**1.5 + 55**1.5)
    near = smoothed(counts, np.array([[45.0, 55.0]]), starts, 100, 1.0)
    assert near[0, 0] == pytest.approx(40 + 5 * 24.75 / (24.75 + bias))
    twice = smoothed(counts, np.array([[45.0, 55.0]]), starts, 100, 2.0)
    assert twice[0, 0] == pytest.approx(40 + 5 * 49.5 / (49.5 + bias))
    np.testing.assert_allclose(smoothed(counts, counts, starts, 100, 1.0), counts)
    counts, pool = np.array([[2.0, 500, 498]]), np.array([[6.0, 300, 694]])
    pull = (smoothed(counts, pool, starts, 1000, 1.0) - counts) / (pool - counts)
    assert pull[0, 0] > 5 * pull[0, 1] > 0


def test_a_cell_that_the_pool_lacks_is_left_to_the_pool():
    found = smoothed(np.array([[3.0, 97.0]]), np.array([[0.0, 100.0]]), np.zeros(1, dtype=int), 100, 1.0)
    assert found[0, 0] == 0


def test_smoothed_targets_are_closer_to_the_population():
    """The pool is biased and the training rows are noisy. The mixture is closer than the training rows."""
    n_codes, layout = [4, 5, 3], Layout([4, 5, 3], 3, 3)
    population = draw_codes(n_codes, 40_000, seed=1)
    truth = oracles.values(oracles.count(population, layout), layout) / 40_000
    pool = noisy_copies(population, n_codes, 4000, seed=2, noise=0.05)
    errors = {0: 0.0, 1: 0.0}
    for seed in range(20):
        training = population[:, np.random.default_rng(seed).integers(40_000, size=200)]
        for smoothing in errors:
            errors[smoothing] += np.square(targets(training, pool, layout, smoothing).values / 200 - truth).sum()
    assert errors[1] < 0.7 * errors[0]
