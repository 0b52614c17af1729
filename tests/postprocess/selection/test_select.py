"""Tests the selection from end to end, on small random data with pools of noisy copies."""

import re
from dataclasses import dataclass
from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.data.codes import Codes
from postprocess.runtime.exits import InputError
from postprocess.runtime.stages import Journal, Stage
from postprocess.selection import select as selection_module
from postprocess.selection.context import Step
from postprocess.selection.select import Selection, select
from postprocess.selection.table_budget import GIB
from postprocess.tables.accuracy import Accuracy
from postprocess.tables.layout import Layout
from tests.parameters import selection_parameters
from tests.postprocess import oracles
from tests.postprocess.oracles import Recorder, draw_codes, noisy_copies

SIZES = [3, 4, 2, 5, 3]
PARAMETERS = {
    "target_smoothing": 0,
    "privacy_filter": 0,
    "ipf_iterations": 4,
    "ipf_tolerance": 1e-4,
    "trimming_data_multiplier": 1.5,
    "refinement_tolerance": 1e-6,
    "max_memory": 1,
    "threads": 1,
}


def as_codes(codes, *, fingerprints=None, first=0, rare=None):
    """Return codes with these fingerprints. Without them, each row has its own, numbered from `first`."""
    n_rows = codes.shape[1]
    fingerprints = first + np.arange(n_rows) if fingerprints is None else fingerprints
    return Codes(codes, fingerprints.astype(np.uint64), np.zeros(n_rows, bool) if rare is None else rare)


def data(n=80, n_pool=800, n_codes=SIZES, seed=1):
    training = draw_codes(n_codes, n, seed)
    return as_codes(training), as_codes(noisy_copies(training, n_codes, n_pool, seed), first=n)


@dataclass(frozen=True)
class Outcome:
    """A selection with the stages, the warnings and the log lines of its run."""

    selection: Selection
    stages: dict[str, Stage]
    warnings: list[str]
    lines: list[str]

    def __getattr__(self, name):
        return getattr(self.selection, name)


def run(training, pool, n_codes=SIZES, *, given_pool=None, **parameters):
    progress = Recorder()
    journal = Journal(progress)
    parameters = selection_parameters(**{**PARAMETERS, **parameters})
    sizes = np.array(n_codes)
    selection = select(training, pool, sizes, parameters, given_pool=given_pool, journal=journal)
    return Outcome(selection, {stage.name: stage for stage in journal.stages}, journal.warnings, progress.lines)


def of_a_random_sample(training, pool, n_codes=SIZES):
    """Return the overall accuracy of a plain random sample of the pool."""
    rows = np.random.default_rng(1).choice(pool.n_rows, training.n_rows, replace=False)
    return oracles.overall(training.codes, pool.codes[:, rows], Layout(n_codes, len(n_codes), len(n_codes)))


def assert_selects(selection, training, pool, n_codes=SIZES):
    """Check that n distinct rows of the pool are selected, with the accuracy that is reported. Return that accuracy."""
    rows, layout = selection.rows, Layout(n_codes, len(n_codes), len(n_codes))
    assert len(rows) == training.n_rows
    assert rows.dtype == np.int64
    assert (np.diff(rows) > 0).all()
    assert rows[0] >= 0
    assert rows[-1] < pool.n_rows
    assert list(selection.accuracy) == ["pool_sample", "ipf", "trimmed", "refined"]
    reported = selection.accuracy["refined"]
    assert list(reported.orders()) == pytest.approx(oracles.accuracy(training.codes, pool.codes[:, rows], layout))
    return reported.overall


def test_the_result_has_n_rows_and_is_far_better_than_a_random_sample():
    training, pool = data()
    selection = run(training, pool)
    overall = assert_selects(selection, training, pool)
    accuracy = {step: measured.overall for step, measured in selection.accuracy.items()}
    assert accuracy["ipf"] < accuracy["trimmed"] < accuracy["refined"]
    assert overall > of_a_random_sample(training, pool) + 0.15
    assert selection.excluded == {"training_copies": 0, "rare": 0, "near_copies": 0, "not_compared": 0}
    assert selection.warnings == []
    for measured in selection.accuracy.values():
        assert any(str(measured) in line for line in selection.lines)


def test_stages_and_curve_describe_the_run():
    training, pool = data()
    selection = run(training, pool)
    assert list(selection.stages) == list(Step)
    rows = {step: selection.stages[step].rows for step in (Step.IPF, Step.ROUNDING, Step.TRIMMING, Step.REFINEMENT)}
    assert list(rows.values()) == [800, 120, 80, 80]
    assert all(stage.seconds >= 0 for stage in selection.stages.values())
    assert selection.stages[Step.IPF].status["sweeps"] == 4
    assert selection.stages[Step.TRIMMING].status == {"status": "finished", "removed_greedily": 40}
    refined = selection.stages[Step.REFINEMENT].status
    assert refined["status"] == "converged" and len(refined["fit"]) == refined["rounds"]
    seconds, overall = zip(*selection.curve, strict=True)
    assert (np.diff(seconds) >= 0).all()
    steps = [accuracy.overall for step, accuracy in selection.accuracy.items() if step != "pool_sample"]
    assert set(steps) <= set(overall)


@settings(max_examples=12, deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=5),
    st.integers(1, 40),
    st.integers(0, 60),
    st.sampled_from([1, 1.3, 2, 5]),
    st.sampled_from([2, 7, 1000]),
    st.integers(0, 2**31),
)
def test_any_small_data_gives_a_result(n_codes, n, surplus, multiplier, swapsize, seed):
    training, pool = data(n, n + surplus, n_codes, seed)
    selection = run(
        training,
        pool,
        n_codes,
        trimming_data_multiplier=multiplier,
        trimming_swapsize=swapsize,
        refinement_swapsize=swapsize,
        refinement_iterations=5,
        seed=seed,
    )
    assert_selects(selection, training, pool, n_codes)


def test_threads_make_no_difference_but_the_seed_does():
    training, pool = data()
    first, again = (run(training, pool, trimming_swapsize=50, refinement_swapsize=50) for _ in range(2))
    together = run(training, pool, trimming_swapsize=50, refinement_swapsize=50, threads=3)
    other = run(training, pool, trimming_swapsize=50, refinement_swapsize=50, seed=2)
    assert first.rows.tolist() == again.rows.tolist() == together.rows.tolist() != other.rows.tolist()
    assert first.accuracy == again.accuracy == together.accuracy


def test_without_time_the_result_still_has_n_rows():
    training, pool = data()
    selection = run(training, pool, max_trimming_time=0, max_refinement_time=0)
    assert_selects(selection, training, pool)
    assert selection.stages[Step.TRIMMING].status["status"] == "out of time"
    assert selection.stages[Step.REFINEMENT].status["status"] == "out of time"


def test_a_pool_of_exactly_n_rows_is_the_result():
    training, pool = data(60, 60)
    selection = run(training, pool)
    assert selection.rows.tolist() == list(range(60))
    assert_selects(selection, training, pool)
    (text,) = selection.warnings
    assert all(fact in text for fact in ("trimming_data_multiplier=1.5", "90 rows", "only 60"))


def test_a_pool_smaller_than_the_oversized_subset_is_used_whole():
    training, pool = data(60, 100)
    selection = run(training, pool, trimming_data_multiplier=2)
    assert_selects(selection, training, pool)
    assert selection.stages[Step.ROUNDING].rows == 100
    (text,) = selection.warnings
    assert all(fact in text for fact in ("trimming_data_multiplier=2", "120 rows", "only 100"))
    assert f"warning: {text}" in selection.lines


def data_with_copies(n_copies, n_pool=200):
    """Return 60 training rows and a pool. Its first rows equal training rows, its last 15 rows are rare."""
    training, pool = data(60, n_pool)
    codes, fingerprints = pool.codes.copy(), pool.fingerprints.copy()
    equals = np.arange(n_copies) % 60
    codes[:, :n_copies], fingerprints[:n_copies] = training.codes[:, equals], training.fingerprints[equals]
    return training, as_codes(codes, fingerprints=fingerprints, rare=np.arange(n_pool) >= n_pool - 15)


def test_training_copies_and_rare_rows_are_excluded():
    training, pool = data_with_copies(60)
    selection = run(training, pool)
    assert_selects(selection, training, pool)
    assert selection.rows[0] >= 60
    assert selection.rows[-1] < 185
    assert selection.excluded == {"training_copies": 60, "rare": 15, "near_copies": 0, "not_compared": 0}
    assert selection.warnings == []
    assert selection.stages[Step.IPF].rows == 125


def test_training_copies_are_refused_and_rare_rows_stay_if_too_few_others_are_left():
    training, pool = data_with_copies(80, n_pool=139)
    with pytest.raises(
        InputError, match=r"^pool.csv: only 59 of 139 pool rows differ from all training rows, and 60 are needed"
    ):
        run(training, pool, given_pool=Path("pool.csv"))
    training, pool = data_with_copies(5, n_pool=70)
    selection = run(training, pool)
    assert_selects(selection, training, pool)
    assert selection.excluded == {"training_copies": 5, "rare": 0, "near_copies": 0, "not_compared": 0}
    assert selection.rows[0] >= 5
    assert re.match("15 pool rows with a _RARE_ value .* fewer than 60", selection.warnings[0])


def test_training_copies_on_request_raise_the_accuracy():
    training, pool = data(60, 200)
    codes = np.concatenate([training.codes, pool.codes], axis=1)
    fingerprints = np.concatenate([training.fingerprints, pool.fingerprints])
    pool = as_codes(codes, fingerprints=fingerprints)
    for privacy_filter in (0, 1):
        perfect = run(training, pool, allow_training_copies=True, privacy_filter=privacy_filter)
        assert (perfect.rows < 60).any()
        assert perfect.excluded["training_copies"] == perfect.excluded["rare"] == 0
        assert (perfect.excluded["near_copies"] > 0) is bool(privacy_filter)
        assert assert_selects(perfect, training, pool) > assert_selects(run(training, pool), training, pool) + 0.01


@pytest.mark.parametrize("n_codes", [[4], [4, 3], [1], [1, 1, 1, 1], [3, 1, 4, 1], [200, 3, 4], [256, 256]], ids=str)
def test_few_constant_and_wide_columns_give_a_result(n_codes):
    training, pool = data(80, 500, n_codes)
    selection = run(training, pool, n_codes)
    overall = assert_selects(selection, training, pool, n_codes)
    assert overall >= of_a_random_sample(training, pool, n_codes)
    assert selection.warnings == []
    if max(n_codes) == 1:
        assert overall == 1
    if len(n_codes) == 1 < max(n_codes):
        assert overall > 0.98


def test_little_memory_limits_the_triples():
    training, pool = data()
    layout = Layout(SIZES, 5, 3)
    selection = run(training, pool, max_memory=4 * int(layout.order_start[-1]) / GIB)
    overall = assert_selects(selection, training, pool)
    text, *_ = selection.warnings
    assert re.match("trimming and refinement match 10 of 10 pairs and [01] of 10 triples, those of .*max_memory", text)
    assert overall > of_a_random_sample(training, pool) + 0.1


@pytest.mark.parametrize(
    ("limits", "pairs", "triples"),
    [
        ({"refinement_top_pairs": 3}, 3, 1),
        ({"refinement_top_triples": 4}, 10, 4),
        ({"refinement_top_pairs": 6, "refinement_top_triples": 0}, 6, 0),
        ({"refinement_top_pairs": 0}, 0, 0),
    ],
)
def test_the_parameters_limit_the_matched_tables(limits, pairs, triples):
    training, pool = data()
    selection = run(training, pool, **limits)
    overall = assert_selects(selection, training, pool)
    text, *_ = selection.warnings
    assert text.startswith(f"trimming and refinement match {pairs} of 10 pairs and {triples} of 10 triples")
    assert overall > of_a_random_sample(training, pool) + 0.05
    assert selection.rows.tolist() != run(training, pool).rows.tolist()


def test_the_weights_are_fitted_to_the_top_pairs():
    training, pool = data(400, 4000)
    one, all_pairs = (run(training, pool, ipf_top_pairs=number) for number in (1, comb(5, 2)))
    assert_selects(one, training, pool)
    assert one.warnings == []
    errors = [each.stages[Step.IPF].status["mean_error"] for each in (one, all_pairs)]
    assert errors[0] < errors[1]
    assert one.rows.tolist() != all_pairs.rows.tolist()
    assert all_pairs.rows.tolist() == run(training, pool).rows.tolist()


@pytest.mark.slow
def test_300_columns_give_a_result(monkeypatch):
    """Measuring 4,455,100 triples takes half a minute, so only the columns are measured here."""

    def measure_columns(training, samples, n_codes, **_):
        shares = np.array([(codes == 0).mean(axis=1) for codes in (training, *samples)])
        return [Accuracy(1 - np.abs(share - shares[0]).mean(), None, None) for share in shares[1:]]

    monkeypatch.setattr("postprocess.selection.steps.measure", measure_columns)
    n_codes = [2] * 300
    training, pool = data(200, 400, n_codes)
    selection = run(training, pool, n_codes, max_memory=0.001, ipf_top_pairs=400, refinement_iterations=3)
    assert len(set(selection.rows.tolist())) == 200
    drawn = pool.codes[:, np.random.default_rng(1).choice(400, 200, replace=False)]
    assert selection.accuracy["refined"].univariate > measure_columns(training.codes, [drawn], n_codes)[0].univariate
    text, *_ = selection.warnings
    assert re.match(r"trimming and refinement match 44,850 of 44,850 pairs and [\d,]+ of 4,455,100 triples", text)


def test_refinement_of_some_tables_never_costs_accuracy_over_all_of_them():
    stayed = 0
    for seed in range(9, 14):
        training, pool = data(seed=seed)
        selection = run(training, pool, refinement_top_pairs=0, refinement_top_triples=0)
        assert_selects(selection, training, pool)
        assert selection.accuracy["refined"].overall >= selection.accuracy["trimmed"].overall
        stayed += selection.accuracy["refined"] == selection.accuracy["trimmed"]
    assert stayed


def test_smoothed_targets_are_more_accurate_for_unseen_rows():
    """Training rows, unseen rows and pool come from one population, so fitting the training rows' noise is no gain."""
    n_codes, gains = [4, 5, 3, 4, 5], []
    for seed in range(4):
        rows = draw_codes(n_codes, 4400, seed)
        seen, unseen, pool = as_codes(rows[:, :200]), rows[:, 200:400], as_codes(rows[:, 400:], first=400)
        layout = Layout(n_codes, 5, 5)
        fits = {
            smoothing: pool.codes[:, run(seen, pool, n_codes, target_smoothing=smoothing).rows] for smoothing in (0, 1)
        }
        assert oracles.overall(seen.codes, fits[0], layout) > oracles.overall(seen.codes, fits[1], layout)
        gains.append(oracles.overall(unseen, fits[1], layout) - oracles.overall(unseen, fits[0], layout))
    assert np.mean(gains) > 0.01


def data_with_planted_rows(n=150, n_columns=20):
    """Return a pool: its first n rows are the training rows, and its next n differ from them in a single column."""
    n_codes = [6] * n_columns
    rows = draw_codes(n_codes, 12 * n, seed=5)
    training, rng = rows[:, :n], np.random.default_rng(6)
    near, column = training.copy(), rng.integers(n_columns, size=n)
    near[column, np.arange(n)] = (near[column, np.arange(n)] + rng.integers(1, 6, size=n)) % 6
    codes = np.concatenate([training, near, rows[:, n:]], axis=1)
    # the values of the copies differ within a bin, so only their codes show that they are copies
    return as_codes(training), as_codes(codes, first=n), n_codes


def distance_to_training_rows(selection, training, pool):
    """Return the smallest number of columns in which a selected row differs from a training row."""
    selected = pool.codes[:, selection.rows]
    return (selected[:, :, None] != training.codes[:, None, :]).sum(axis=0).min()


def test_planted_copies_and_near_copies_never_reach_the_result():
    training, pool, n_codes = data_with_planted_rows()
    without = run(training, pool, n_codes)
    assert np.count_nonzero(without.rows < 300) > 30
    assert without.excluded["near_copies"] == 0
    filtered = run(training, pool, n_codes, privacy_filter=0.5)
    assert np.count_nonzero(filtered.rows < 300) == 0
    assert 200 < filtered.excluded["near_copies"] < 400
    assert distance_to_training_rows(filtered, training, pool) > 1
    assert distance_to_training_rows(without, training, pool) == 0
    assert filtered.training_dcr.shape == (150,) and without.training_dcr is None
    assert filtered.warnings == []


def test_only_near_copies_are_excluded_if_the_filter_would_leave_too_few():
    training, pool, n_codes = data_with_planted_rows()
    few = as_codes(pool.codes[:, :480], first=1000)
    selection = run(training, few, n_codes, privacy_filter=1.0)
    assert selection.rows.min() >= 300  # neither copies nor near copies
    assert selection.excluded["near_copies"] >= 300
    (warning,) = (text for text in selection.warnings if "privacy_filter" in text)
    spared = re.match(r"up to (\d+) pool rows", warning)
    assert 0 < int(spared[1]) <= 180
    assert distance_to_training_rows(selection, training, few) > 1


def test_near_copies_stay_if_too_few_others_are_left():
    training, pool, n_codes = data_with_planted_rows()
    few = as_codes(pool.codes[:, :350], first=1000)
    selection = run(training, few, n_codes, privacy_filter=0.5)
    assert len(selection.rows) == 150
    assert selection.excluded["near_copies"] == 0
    (warning,) = (text for text in selection.warnings if "privacy_filter" in text)
    assert re.match(r"up to 3\d\d pool rows", warning)


def test_if_few_rows_have_the_weight_the_others_are_compared_as_well():
    n, n_near, n_codes = 60, 100, [6] * 12
    rng = np.random.default_rng(8)
    rows = rng.integers(5, size=(12, n + 20), dtype=np.uint8)
    training, wanted = rows[:, :n], rows[:, n:]
    far = rng.integers(5, size=(12, 400), dtype=np.uint8)
    far[:, :n_near] = training[:, np.arange(n_near) % n]
    far[0] = 5
    far[1:4, n_near:] = 5
    pool = as_codes(np.concatenate([wanted, far], axis=1), first=n)
    selection = run(as_codes(training), pool, n_codes, privacy_filter=0.5)
    assert len(selection.rows) == 60 and selection.warnings == []
    assert selection.excluded["near_copies"] == 100
    assert not np.isin(selection.rows, np.arange(20, 120)).any()


@pytest.mark.parametrize(
    ("stage", "parameters", "expected"),
    [
        (Step.IPF, {"ipf_iterations": 2}, {"sweeps": 2, "status": "iteration limit"}),
        (Step.IPF, {"ipf_tolerance": 1}, {"sweeps": 1, "status": "converged"}),
        (Step.REFINEMENT, {"refinement_iterations": 1, "refinement_swapsize": 60}, {"rounds": 1}),
        (Step.REFINEMENT, {"refinement_iterations": 0}, {"rounds": 0, "swaps": 0, "status": "iteration limit"}),
    ],
)
def test_each_step_stops_at_its_limit(stage, parameters, expected):
    training, pool = data()
    assert run(training, pool, **parameters).stages[stage].status.items() >= expected.items()


def test_a_lower_tolerance_refines_for_longer():
    training, pool = data()
    few, many = (run(training, pool, refinement_tolerance=tolerance, refinement_swapsize=150) for tolerance in (1, 0))
    assert few.stages[Step.REFINEMENT].status["rounds"] < many.stages[Step.REFINEMENT].status["rounds"]


def test_larger_swapsizes_give_better_results():
    training, pool = data()
    few, many, fewer_swaps = (
        run(training, pool, **parameters)
        for parameters in ({"trimming_swapsize": 4}, {}, {"refinement_swapsize": 40, "refinement_iterations": 1})
    )
    assert few.accuracy["trimmed"].overall < many.accuracy["trimmed"].overall
    assert fewer_swaps.accuracy["trimmed"] == many.accuracy["trimmed"]
    assert fewer_swaps.stages[Step.REFINEMENT].status["swaps"] < many.stages[Step.REFINEMENT].status["swaps"]


def test_the_parameter_threads_is_the_number_of_threads(monkeypatch):
    asked, opened = [], selection_module.open_workers

    def open_workers(threads, **options):
        asked.append(threads)
        return opened(threads, **options)

    monkeypatch.setattr(selection_module, "open_workers", open_workers)
    training, pool = data()
    for threads in (2, None):
        run(training, pool, threads=threads, refinement_iterations=0)
    assert asked == [2, None]
