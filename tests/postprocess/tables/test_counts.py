import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.runtime import threads as threads_module
from postprocess.runtime.threads import open_workers
from postprocess.tables import counts as module
from postprocess.tables import crossing
from postprocess.tables.counts import Tables, count_tables_starting_at
from postprocess.tables.crossing import KeyedRows
from postprocess.tables.layout import Layout
from tests.postprocess import oracles
from tests.postprocess.oracles import ALONE, draw_codes

SIZES = [3, 1, 5, 2, 4, 3]
LAYOUTS = [(6, 6), (6, 4), (5, 3), (6, 2), (4, 0), (0, 0)]


FORMS = {  # in which the last columns are looked up
    "columns": {"MAX_COUPLE_CELLS": 0},
    "some couples": {"MAX_COUPLE_CELLS": 30, "MAX_COUPLE_CELLS_PER_ROW": 30},
    "couples": {"MAX_COUPLE_CELLS_PER_ROW": 10_000},
}


@pytest.fixture(params=FORMS, scope="module", autouse=True)
def form(request):
    with pytest.MonkeyPatch.context() as patch:
        for name, value in FORMS[request.param].items():
            patch.setattr(crossing, name, value)
        yield


@st.composite
def layouts(draw):
    n_codes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=6))
    pair_columns = draw(st.integers(0, len(n_codes)))
    return Layout(n_codes, pair_columns, draw(st.integers(0, pair_columns)))


def test_a_layout_refuses_more_triple_than_pair_columns():
    for pair_columns, triple_columns in ((2, 3), (4, 2), (4, 4)):
        with pytest.raises(ValueError, match="triple_columns <= pair_columns <= number of columns"):
            Layout([2, 2, 2], pair_columns, triple_columns)


@settings(max_examples=60, deadline=None)
@given(layouts())
def test_a_layout_counts_its_tables_and_cells(layout):
    assert layout.n_tables.tolist() == oracles.n_tables(layout)
    orders = [len(cell) for cell in oracles.all_cells(layout)]
    assert np.diff(layout.order_start).tolist() == [orders.count(order) for order in (1, 2, 3)]
    assert layout.complete == (layout.triple_columns == len(layout.n_codes))


@settings(max_examples=60, deadline=None)
@given(layouts(), st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_adding_and_removing_rows_equals_a_full_recount(layout, n_rows, seed):
    rng = np.random.default_rng(seed)
    codes = draw_codes(layout.n_codes, n_rows, seed)
    out = rng.random(n_rows) < 0.4
    tables = Tables(layout, workers=ALONE)
    tables.add(codes)
    np.testing.assert_array_equal(tables.values, oracles.values(oracles.count(codes, layout), layout))
    tables.remove(codes[:, out])
    counts = oracles.values(oracles.count(codes[:, ~out], layout), layout)
    np.testing.assert_array_equal(tables.values, counts)
    np.testing.assert_array_equal(tables.absolute_sums(), [order.sum() for order in tables.orders()])
    assert tables.values.dtype == np.float32


@settings(max_examples=30, deadline=None)
@given(layouts(), st.integers(0, 30), st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_targets_are_spent_on_residuals(layout, n_target, n_rows, seed):
    wanted, rows = draw_codes(layout.n_codes, n_target, seed), draw_codes(layout.n_codes, n_rows, seed + 1)
    targets = Tables(layout, workers=ALONE)
    targets.add(wanted)
    residuals = targets.spend_on_residuals(rows)
    counts = [oracles.values(oracles.count(codes, layout), layout) for codes in (rows, wanted)]
    np.testing.assert_array_equal(residuals.values, counts[0] - counts[1])
    np.testing.assert_array_equal(residuals.absolute_sums(), [np.abs(order).sum() for order in residuals.orders()])
    with pytest.raises(AttributeError):
        targets.orders()


@settings(max_examples=30, deadline=None)
@given(layouts(), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_fractional_weights_are_added_up(layout, n_rows, seed):
    codes = draw_codes(layout.n_codes, n_rows, seed)
    weights = np.random.default_rng(seed).normal(size=n_rows)
    tables = Tables(layout, workers=ALONE)
    tables.add(codes, weights)
    expected = oracles.values(oracles.count(codes, layout, weights), layout)
    np.testing.assert_allclose(tables.values, expected, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(layouts(), st.integers(0, 20), st.integers(0, 2**32 - 1))
def test_row_sums_add_up_the_cells_of_each_row(layout, n_rows, seed):
    tables = Tables(layout, workers=ALONE)
    tables.values[:] = np.random.default_rng(seed).integers(-32_767, 32_768, tables.values.size)
    by_cell = dict(zip(oracles.all_cells(layout), tables.values.tolist(), strict=True))
    rows = draw_codes(layout.n_codes, n_rows, seed)
    expected = [[sum(map(by_cell.get, cells)) for cells in oracles.cells_of_row(row, layout)] for row in rows.T]
    sums = tables.row_sums(rows)
    assert sums.dtype == np.float64
    np.testing.assert_array_equal(sums, np.reshape(expected, (n_rows, 3)).T)


def test_row_sums_of_large_counts_are_precise():
    tables = Tables(Layout(np.ones(30, dtype=int), 30, 30), workers=ALONE)
    for rows in (10_000_000, -10_000_000):
        tables.values[:] = rows
        sums = tables.row_sums(np.zeros((30, 2), dtype=np.uint8))
        np.testing.assert_allclose(sums, rows * np.array([[30] * 2, [435] * 2, [4060] * 2]), rtol=1e-5)


def test_a_block_holds_the_tables_that_are_counted_together():
    layout = Layout(SIZES, 5, 4)
    codes = draw_codes(SIZES, 40, seed=4)
    tables = Tables(layout, workers=ALONE)
    tables.add(codes)
    for i in range(len(SIZES)):
        for order, after, (counts,) in count_tables_starting_at(layout, i, [KeyedRows(codes, layout)]):
            np.testing.assert_array_equal(tables.block(order, i, after).ravel(), counts.ravel())
            offsets = layout.block_offsets(order, after)
            assert len(offsets) == (1 if order == 1 else (5, 4)[order - 2] - after - 1)
            assert (np.add.reduceat(counts.sum(axis=0), offsets) == 40).all()  # each table counts every row


@pytest.mark.parametrize(("pair_columns", "triple_columns"), LAYOUTS)
def test_the_cells_are_those_that_each_row_touches(pair_columns, triple_columns):
    layout = Layout(SIZES, pair_columns, triple_columns)
    codes = draw_codes(SIZES, 9, seed=1)
    order = oracles.all_cells(layout)
    cells = Tables(layout, workers=ALONE).cells(codes)
    for row, found in zip(codes.T, cells, strict=True):
        one, two, _ = oracles.cells_of_row(row, layout)
        assert [order[cell] for cell in found] == one + two


@pytest.mark.parametrize(("threads", "size", "apart"), [(1, 7, 0), (3, 7, 0), (3, 100, 0), (3, 100, 10_000)])
@pytest.mark.parametrize(("pair_columns", "triple_columns"), LAYOUTS)
def test_pieces_and_threads_make_no_difference(monkeypatch, threads, size, apart, pair_columns, triple_columns):
    monkeypatch.setattr(threads_module, "MIN_LOOKUPS_APART", apart)
    monkeypatch.setattr(module, "CELLS_PER_CHUNK", 11)
    monkeypatch.setattr(crossing, "LOOKUPS_PER_CALL", size)
    layout = Layout(SIZES, pair_columns, triple_columns)
    codes = draw_codes(SIZES, 33, seed=2)
    counts = oracles.count(codes, layout)
    with open_workers(threads) as workers:
        tables = Tables(layout, workers=workers)
        tables.remove(codes)
        np.testing.assert_array_equal(tables.values, -oracles.values(counts, layout))
        np.testing.assert_array_equal(tables.absolute_sums(), 33 * np.array(oracles.n_tables(layout)))
        for row, sums in zip(codes.T, tables.row_sums(codes).T, strict=True):
            expected = [-sum(counts[cell] for cell in cells) for cells in oracles.cells_of_row(row, layout)]
            assert sums.tolist() == expected


def test_columns_may_have_up_to_256_codes():
    layout = Layout([256, 200, 2], 3, 3)
    codes = draw_codes(layout.n_codes, 60, seed=3)
    codes[:, 0] = layout.n_codes - 1
    tables = Tables(layout, workers=ALONE)
    tables.add(codes)
    np.testing.assert_array_equal(tables.values, oracles.values(oracles.count(codes, layout), layout))
    assert tables.row_sums(codes[:, :1]).tolist() == [
        [sum(tables.values[layout.code_start[1:] - 1])],
        [sum(tables.values[tables.cells(codes[:, :1])[0, 3:]])],
        [tables.values[-1]],
    ]
