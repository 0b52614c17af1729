import numpy as np
import pytest

from postprocess.runtime import threads
from postprocess.runtime.threads import open_workers
from postprocess.tables.accuracy import measure
from postprocess.tables.comparison import WEAKEST, compare, compare_unions, sampling_errors
from tests.postprocess.oracles import ALONE, draw_codes, noisy_copies

SIZES = [3, 4, 2, 5, 3, 4]


@pytest.fixture
def data():
    training = draw_codes(SIZES, 60, seed=1)
    return training, noisy_copies(training, SIZES, 45, seed=2)


def compared(training, result, n_codes=SIZES, workers=ALONE):
    return compare(training, result, np.array(n_codes), workers=workers)


def error(training, result, columns):
    """Return the error of one table, from the shares of its cells."""
    cells = [list(zip(*codes[list(columns)].tolist(), strict=True)) for codes in (training, result)]
    shares = [{cell: rows.count(cell) / len(rows) for cell in set(rows)} for rows in cells]
    return sum(abs(shares[0].get(cell, 0) - shares[1].get(cell, 0)) for cell in shares[0] | shares[1]) / 2


def test_accuracy_is_that_of_measure(data):
    (measured,) = measure(data[0], [data[1]], np.array(SIZES), workers=ALONE, label="Measuring")
    assert compared(*data).accuracy.orders() == pytest.approx(measured.orders(), abs=1e-12)


def test_the_accuracy_of_other_rows_comes_with_it(data):
    training, result = data
    sample = noisy_copies(training, SIZES, 50, seed=3)
    found = compare(training, result, np.array(SIZES), others=[sample, result], workers=ALONE)
    first, second = found.others
    assert first.orders() == pytest.approx(compared(training, sample).accuracy.orders(), abs=1e-12)
    alone = compared(training, result)
    assert alone.others == () and alone.accuracy == found.accuracy == second and alone.limit == found.limit


def test_unions_of_parts_are_compared_as_if_they_were_given_whole(data):
    training, rows = data
    parts = [rows[:, :20], rows[:, 20:25], rows[:, 25:]]
    found = compare_unions(training, parts, [(0, 1), (0, 2), (2,)], np.array(SIZES), workers=ALONE)
    wholes = [rows[:, :25], np.concatenate([parts[0], parts[2]], axis=1), parts[2]]
    expected = compare(training, wholes[0], np.array(SIZES), others=wholes[1:], workers=ALONE)
    assert (found.accuracy, found.others, found.limit, found.weakest) == (
        expected.accuracy,
        expected.others,
        expected.limit,
        expected.weakest,
    )


def test_the_error_of_a_table_follows_from_the_shares_of_its_cells(data):
    found = compared(*data)
    for tables in found.weakest:
        for table in tables:
            assert table.error == pytest.approx(error(*data, table.columns))
    for i in range(len(SIZES)):
        for j in range(len(SIZES)):
            assert found.pairs[i, j] == pytest.approx(error(*data, {i, j}))


def test_weakest_tables_are_the_worst_of_all_in_order(data):
    found = compared(*data)
    pairs = [(error(*data, (i, j)), (i, j)) for i in range(6) for j in range(i + 1, 6)]
    expected = sorted(pairs, key=lambda pair: (-round(pair[0], 12), pair[1]))[:WEAKEST]
    assert [table.columns for table in found.weakest[1]] == [columns for _, columns in expected]
    assert [len(tables) for tables in found.weakest] == [6, 10, 10]
    triples = [table.error for table in found.weakest[2]]
    assert triples == sorted(triples, reverse=True)


def test_the_limit_is_the_mean_accuracy_of_fresh_samples():
    """The columns have few codes, so the training rows fill all cells."""
    n_codes, draw = [2, 3, 2, 2], np.random.default_rng(1)
    population = draw_codes(n_codes, 100_000, seed=3)
    samples = [population[:, draw.integers(100_000, size=n)] for n in (3000, 1500) for _ in range(80)]
    accuracies = [
        compared(training, sample, n_codes).accuracy.orders()
        for training, sample in zip(samples[:80], samples[80:], strict=True)
    ]
    limit = compared(samples[0], samples[80], n_codes).limit
    assert np.mean(accuracies, axis=0) == pytest.approx(limit.orders(), abs=0.002)
    assert limit.trivariate < limit.bivariate < limit.univariate < 1


def test_sampling_errors_shrink_with_the_rows_and_vanish_if_nothing_varies():
    counts = np.array([0, 40, 60])
    few, many = sampling_errors(counts, (100, 100)), sampling_errors(counts * 100, (10_000, 10_000))
    assert few == pytest.approx(10 * many) and few[0] == 0
    assert sampling_errors(np.array([100, 0]), (100, 100)).tolist() == [0, 0]


def test_tables_below_their_limit_are_counted(data):
    training, result = data
    assert compared(training, training).below_limit.tolist() == [0, 0, 0]
    found = compared(training, np.zeros_like(result))
    assert found.below_limit.tolist() == [6, 15, 20]


@pytest.mark.parametrize("apart", [0, threads.MIN_LOOKUPS_APART])
def test_threads_make_no_difference(monkeypatch, data, apart):
    monkeypatch.setattr(threads, "MIN_LOOKUPS_APART", apart)
    with open_workers(3) as workers:
        several = compared(*data, workers=workers)
    alone = compared(*data)
    assert several.accuracy == alone.accuracy and several.weakest == alone.weakest
    assert np.array_equal(several.pairs, alone.pairs)


@pytest.mark.parametrize("n_columns", [1, 2])
def test_one_or_two_columns_have_no_triples(n_columns):
    codes = draw_codes([3, 4][:n_columns], 30, seed=1)
    found = compared(codes, codes, [3, 4][:n_columns])
    assert [len(tables) for tables in found.weakest] == [n_columns, n_columns - 1, 0]
    assert found.limit.trivariate is None and found.pairs.shape == (n_columns, n_columns)
