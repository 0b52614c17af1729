import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.runtime import threads
from postprocess.runtime.threads import open_workers
from postprocess.tables.accuracy import Accuracy, from_errors, measure, of_residuals
from postprocess.tables.layout import Layout
from tests.postprocess import oracles
from tests.postprocess.oracles import ALONE, Recorder, draw_codes, noisy_copies, residual_tables, watched

QA_DECIMALS = 5


def measured(training, samples, n_codes, workers=ALONE):
    return measure(training, samples, np.array(n_codes), workers=workers, label="Measuring")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=6),
    st.integers(1, 40),
    st.lists(st.integers(1, 60), min_size=1, max_size=3),
    st.integers(0, 2**31),
)
def test_measure_equals_a_count_of_all_tables(n_codes, n_training, n_samples, seed):
    layout = Layout(n_codes, len(n_codes), len(n_codes))
    training = draw_codes(n_codes, n_training, seed)
    samples = [noisy_copies(training, n_codes, n_rows, seed + k) for k, n_rows in enumerate(n_samples)]
    found = measured(training, samples, n_codes)
    assert len(found) == len(samples)
    for sample, accuracy in zip(samples, found, strict=True):
        expected = oracles.accuracy(training, sample, layout)
        assert [value is None for value in expected] == [value is None for value in accuracy.orders()]
        orders = [value for value in accuracy.orders() if value is not None]
        np.testing.assert_allclose(orders, [value for value in expected if value is not None], atol=1e-12)
        assert accuracy.overall == pytest.approx(np.mean(orders))


@pytest.mark.parametrize("pair_columns", [4, 3, 0])
@pytest.mark.parametrize("triple_columns", [4, 2, 0])
def test_accuracy_of_residuals_equals_a_count_of_their_tables(pair_columns, triple_columns):
    n_codes = [3, 4, 2, 5]
    layout = Layout(n_codes, pair_columns, min(pair_columns, triple_columns))
    training = draw_codes(n_codes, 30, seed=1)
    selected = noisy_copies(training, n_codes, 30, seed=2)
    found = of_residuals(residual_tables(selected, training, layout), 30)
    assert list(found.orders()) == pytest.approx(oracles.accuracy(training, selected, layout))
    if layout.complete:
        (everything,) = measured(training, [selected], n_codes)
        assert found.orders() == pytest.approx(everything.orders(), abs=1e-12)


def test_the_overall_accuracy_is_the_mean_of_the_orders_that_have_tables():
    training = np.array([[0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 0, 1]], dtype=np.uint8)
    sample = np.array([[0, 1], [0, 0], [0, 0]], dtype=np.uint8)
    for columns, expected in ((1, (0.75, None, None)), (2, (0.625, 0.5, None)), (3, (7 / 12, 5 / 12, 0.25))):
        (found,) = measured(training[:columns], [sample[:columns]], [2] * columns)
        assert found.orders() == pytest.approx(expected)
        assert found.overall == pytest.approx(np.mean(expected[:columns]))


def test_equal_shares_are_accurate_for_any_number_of_rows():
    training = draw_codes([3, 4, 2, 200], 50, seed=1)
    same, twice = measured(training, [training[:, ::-1], np.tile(training, 2)], [3, 4, 2, 200])
    assert same == Accuracy(1.0, 1.0, 1.0)
    assert twice.orders() == pytest.approx((1, 1, 1))


@pytest.mark.parametrize("apart", [0, threads.MIN_LOOKUPS_APART])
def test_threads_make_no_difference_and_progress_reaches_the_end(monkeypatch, apart):
    monkeypatch.setattr(threads, "MIN_LOOKUPS_APART", apart)
    n_codes = [3, 4, 2, 5, 3]
    training = draw_codes(n_codes, 50, seed=1)
    samples = [noisy_copies(training, n_codes, n_rows, seed=2) for n_rows in (40, 70)]
    progress = Recorder()
    alone = watched(progress)
    with open_workers(3) as workers:
        assert measured(training, samples, n_codes, workers) == measured(training, samples, n_codes, alone)
    (task,) = progress.tasks
    assert task.completed == task.total == 25


@pytest.mark.parametrize(("n_columns", "n_training", "n_sample"), [(2, 30, 50), (4, 60, 35), (7, 100, 100)])
def test_measure_equals_mostlyai_qa(n_columns, n_training, n_sample):
    """The columns hold numbers, words and missing values. Of fewer than 10,000 triples, qa draws no sample."""
    joblib = pytest.importorskip("joblib")
    qa = pytest.importorskip("mostlyai.qa._accuracy")
    n_codes = [4, 3, 1, 6, 5, 2, 3][:n_columns]
    training = draw_codes(n_codes, n_training, seed=1)
    sample = noisy_copies(training, n_codes, n_sample, seed=2)
    kinds = [lambda code: f"word {code}", lambda code: code * 1.5, lambda code: None if code == 1 else str(code)]

    def frame(codes):
        columns = {f"tgt::{i}": [kinds[i % 3](code) or "(n/a)" for code in row] for i, row in enumerate(codes.tolist())}
        return pd.DataFrame(columns).astype("category")

    (found,) = measured(training, [sample], n_codes)
    with joblib.parallel_config(n_jobs=1):
        for calculate, order in zip(
            (qa.calculate_univariates, qa.calculate_bivariates, qa.calculate_trivariates), found.orders(), strict=True
        ):
            theirs = calculate(frame(training), frame(sample))["accuracy"]
            if order is None:
                assert theirs.empty
            else:
                assert order == pytest.approx(theirs.astype(float).mean(), abs=10**-QA_DECIMALS)


def test_an_accuracy_follows_from_errors_and_has_a_dict_and_a_text():
    accuracy = from_errors(np.array([0.3, 0.9, 0.0]), np.array([3, 3, 0]))
    assert accuracy.orders() == pytest.approx((0.9, 0.7, None))
    assert accuracy.as_dict() == pytest.approx(
        {"univariate": 0.9, "bivariate": 0.7, "trivariate": None, "overall": 0.8}
    )
    assert str(accuracy) == "0.80000 (0.90000 / 0.70000 / -)"
    assert str(Accuracy(1.0, 0.5, 0.25)) == "0.58333 (1.00000 / 0.50000 / 0.25000)"
