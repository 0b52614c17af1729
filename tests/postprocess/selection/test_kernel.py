from math import comb

import numpy as np
import pytest

from postprocess.runtime.threads import open_workers
from postprocess.selection.kernel import MatchKernel, OrderWeights, highest
from postprocess.tables import matches
from postprocess.tables.layout import Layout
from tests.postprocess import oracles
from tests.postprocess.oracles import draw_codes, residual_tables

SIZES = [3, 2, 4, 1, 2, 3, 2]
ROUNDING = 1e-6  # of float32, in which the kernel is worked out


@pytest.mark.parametrize(("pair_columns", "triple_columns"), [(7, 7), (7, 5), (6, 4), (5, 5), (7, 0), (3, 2), (0, 0)])
def test_the_kernel_is_the_weighted_number_of_shared_cells(monkeypatch, pair_columns, triple_columns):
    monkeypatch.setattr(matches, "MAX_BYTES_PER_BLOCK", 7 * len(SIZES))
    layout = Layout(SIZES, pair_columns, triple_columns)
    codes = draw_codes(SIZES, 25, seed=1)
    kernel = MatchKernel(codes, layout)
    weights = oracles.cell_weights(layout)
    cells = [oracles.cells_of_row(row, layout) for row in codes.T]
    for row in (0, 6, 7, 24):
        shared = [
            [len(set(mine) & set(others)) for mine, others in zip(cells[row], of_row, strict=True)] for of_row in cells
        ]
        out = kernel.row(row)
        np.testing.assert_allclose(out, shared @ np.array(weights), rtol=ROUNDING)
        assert out[row] == pytest.approx(kernel.self_value)


@pytest.mark.parametrize("n_columns", [255, 256, 300])
def test_the_kernel_counts_more_columns_than_a_byte_can(n_columns):
    layout = Layout(np.full(n_columns, 2), 40, 10)
    codes = np.zeros((n_columns, 4), dtype=np.uint8)
    codes[0, 1] = 1
    codes[20:, 2] = 1
    codes[:, 3] = 1
    both = [(n_columns, 40, 10), (n_columns - 1, 39, 9), (20, 20, 10), (0, 0, 0)]
    expected = [
        sum(w * comb(m, k) for k, m, w in zip((1, 2, 3), row, oracles.cell_weights(layout), strict=True))
        for row in both
    ]
    np.testing.assert_allclose(MatchKernel(codes, layout).row(0), expected, rtol=ROUNDING)


@pytest.mark.parametrize(("pair_columns", "triple_columns"), [(7, 7), (6, 4), (4, 0)])
def test_the_kernel_is_the_change_of_the_gradient_when_a_row_is_removed(pair_columns, triple_columns):
    layout = Layout(SIZES, pair_columns, triple_columns)
    codes, training = draw_codes(SIZES, 20, seed=2), draw_codes(SIZES, 15, seed=3)
    weights = OrderWeights.of(layout)
    tables = residual_tables(codes, training, layout)
    before = weights.combine(tables.row_sums(codes))
    tables.add(codes[:, 4:5], np.array([-1]))
    after = weights.combine(tables.row_sums(codes))
    np.testing.assert_allclose(before - after, MatchKernel(codes, layout).row(4), rtol=ROUNDING)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(("pair_columns", "triple_columns"), [(7, 7), (7, 5), (6, 4), (3, 0)])
def test_many_rows_at_once_are_the_same_as_one_by_one(monkeypatch, threads, pair_columns, triple_columns):
    monkeypatch.setattr(matches, "MAX_BYTES_PER_BLOCK", 7 * len(SIZES))
    layout = Layout(SIZES, pair_columns, triple_columns)
    codes, rng = draw_codes(SIZES, 60, seed=1), np.random.default_rng(1)
    scores, rows, signs = rng.normal(size=60), rng.permutation(60)[:43], rng.choice([-1.0, 1.0], 43)
    with open_workers(threads) as workers:
        kernel = MatchKernel(codes, layout, workers)
        between = np.array([kernel.row(row) for row in rows])
        least, places = kernel.best_partners(scores, codes[:, rows])
        assert places.tolist() == (scores - between).argmin(axis=1).tolist()
        np.testing.assert_allclose(least, (scores - between).min(axis=1), rtol=ROUNDING)
        expected = scores + signs @ between
        kernel.add(scores, codes[:, rows], signs)
        np.testing.assert_allclose(scores, expected, atol=ROUNDING * kernel.self_value)


def test_of_equal_partners_the_first_is_found():
    codes = np.zeros((3, 6), dtype=np.uint8)
    kernel = MatchKernel(codes, Layout([1, 1, 1], 3, 3))
    assert kernel.best_partners(np.array([3.0, 1, 2, 1, 1, 5]), codes[:, :1])[1].tolist() == [1]


@pytest.mark.parametrize(("number", "places"), [(1, {3}), (2, {3, 0}), (4, {0, 1, 2, 3}), (9, {0, 1, 2, 3})])
def test_the_highest_scores(number, places):
    assert set(highest(np.array([4.0, -np.inf, 2, 9]), number).tolist()) == places


def test_order_weights_are_the_emphasis_over_the_number_of_tables():
    assert OrderWeights.of(Layout([2] * 6, 4, 3)).values.tolist() == [1 / 6, 2 / 6, 6]
    assert OrderWeights.of(Layout([2], 1, 1)).values.tolist() == [1, 2, 6]
    assert OrderWeights(np.array([1.0, 10.0, 100.0])).combine(np.array([[1, 2], [3, 4], [5, 6]])).tolist() == [531, 642]
