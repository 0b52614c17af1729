import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.runtime.stages import Deadline
from postprocess.runtime.threads import open_workers
from postprocess.selection import refinement as module
from postprocess.selection.refinement import _SetQueue, _WorkingSet, refine
from postprocess.tables import matches
from postprocess.tables.accuracy import of_residuals
from postprocess.tables.layout import Layout
from tests.postprocess import oracles
from tests.postprocess.oracles import CheckLimit, Recorder, draw_codes, noisy_copies, residual_tables, watched

SIZES = [3, 4, 2, 5]
FULL = Layout(SIZES, 4, 4)
LAYOUTS = [FULL, Layout(SIZES, 4, 3), Layout(SIZES, 3, 0), Layout(SIZES, 0, 0)]
AN_HOUR = Deadline(60)


class Case:
    """Candidate rows, of which some are selected at random, and the tables of the selected rows."""

    def __init__(self, n, surplus, *, layout=FULL, seed=1):
        self.n, self.layout = n, layout
        self.training = draw_codes(SIZES, n, seed)
        self.codes = noisy_copies(self.training, SIZES, n + surplus, seed)
        self.selected = np.random.default_rng(seed).permutation(n + surplus) < n
        self.progress = Recorder()
        self.tables = residual_tables(self.codes[:, self.selected], self.training, layout, watched(self.progress))

    def refine(self, *, swapsize=1000, max_rounds=50, tolerance=1e-6, deadline=AN_HOUR, seed=1):
        return refine(
            self.tables,
            self.codes,
            self.selected,
            n=self.n,
            swapsize=swapsize,
            max_rounds=max_rounds,
            tolerance=tolerance,
            deadline=deadline,
            rng=np.random.default_rng(seed),
        )

    def swap(self, deadline):
        return _WorkingSet(self.tables, self.codes).swap(self.selected, deadline)

    def residual(self, selected):
        return oracles.residuals(self.codes[:, selected], self.training, self.layout)

    def squared_error(self, selected):
        return oracles.squared_error(self.residual(selected), self.layout)

    def overall(self, selected):
        return oracles.overall(self.training, self.codes[:, selected], self.layout)

    def assert_tables_of(self, selected):
        np.testing.assert_array_equal(self.tables.values, oracles.values(self.residual(selected), self.layout))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20), st.integers(0, 30), st.integers(2, 60), st.sampled_from(LAYOUTS), st.integers(0, 2**32 - 1))
def test_the_squared_error_never_rises_and_n_rows_stay_selected(n, surplus, swapsize, layout, seed):
    case = Case(n, surplus, layout=layout, seed=seed)
    before, start = case.squared_error(case.selected), case.selected.copy()
    result = case.refine(swapsize=swapsize, max_rounds=4, seed=seed)
    assert result.selected.sum() == n
    assert case.squared_error(result.selected) <= before + 1e-9
    assert case.overall(result.selected) == pytest.approx(of_residuals(case.tables, n).overall)
    seconds, fits = zip(*result.curve, strict=True)
    assert len(fits) == result.rounds
    assert (np.diff([0, *seconds]) >= 0).all()
    assert fits[-1] == of_residuals(case.tables, n).overall
    assert result.rounds <= 4
    assert result.swaps > 0 or (result.selected == start).all()
    case.assert_tables_of(result.selected)
    np.testing.assert_array_equal(case.selected, start)  # the argument is unchanged


@pytest.mark.parametrize("swapsize", [1000, 40])
def test_refinement_comes_much_closer_to_the_target(swapsize):
    case = Case(60, 140)
    before = case.overall(case.selected)
    result = case.refine(swapsize=swapsize)
    assert result.status == "converged"
    assert result.swaps > 20
    assert case.overall(result.selected) > before + 0.1


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_every_swap_lowers_the_squared_error(monkeypatch, layout):
    monkeypatch.setattr(module, "BATCH", 1)
    case = Case(20, 30, layout=layout, seed=3)
    errors = [case.squared_error(case.selected)]
    last, swaps, most = case.selected, 0, 0
    while swaps == most:
        most += 1
        chosen, swaps = case.swap(CheckLimit(most - 1))
        if swaps == most:
            assert (chosen & ~last).sum() == (last & ~chosen).sum() == 1
            errors.append(case.squared_error(chosen))
            last = chosen
    assert len(errors) > 4
    assert (np.diff(errors) < 0).all()
    assert case.selected.sum() == chosen.sum() == 20
    case.assert_tables_of(case.selected)  # a working set only reads them


def test_the_first_swap_is_the_steepest(monkeypatch):
    """The row with the largest gradient leaves. Brute force over all other rows finds the one that enters."""
    monkeypatch.setattr(module, "BATCH", 1)
    case = Case(15, 20, seed=4)
    chosen, swaps = case.swap(CheckLimit(0))
    assert swaps == 1
    (out,), (into,) = np.flatnonzero(case.selected & ~chosen), np.flatnonzero(chosen & ~case.selected)
    errors = {}
    for row in np.flatnonzero(~case.selected):
        swapped = case.selected.copy()
        swapped[[out, row]] = False, True
        errors[row] = case.squared_error(swapped)
    assert errors[into] == pytest.approx(min(errors.values()))


@pytest.mark.parametrize("seed", range(8))
def test_if_no_swap_is_made_none_would_lower_the_error(seed):
    case = Case(8, 12, seed=seed)
    selected, swaps = case.selected, 1
    while swaps:
        tables = residual_tables(case.codes[:, selected], case.training, FULL)
        selected, swaps = _WorkingSet(tables, case.codes).swap(selected, AN_HOUR)
    best = case.squared_error(selected)
    for out in np.flatnonzero(selected):
        for into in np.flatnonzero(~selected):
            swapped = selected.copy()
            swapped[[out, into]] = False, True
            assert case.squared_error(swapped) >= best - 1e-9


@pytest.mark.parametrize("batch", [2, 7, 1000])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_swaps_in_batches_are_counted_and_lower_the_squared_error(monkeypatch, batch, layout):
    monkeypatch.setattr(module, "BATCH", batch)
    case = Case(30, 60, layout=layout, seed=5)
    chosen, swaps = case.swap(AN_HOUR)
    assert chosen.sum() == 30 and 2 * swaps >= (chosen != case.selected).sum() > 0
    assert case.squared_error(chosen) < case.squared_error(case.selected)


def test_the_scores_of_a_working_set_that_holds_all_rows_stay_exact():
    case = Case(30, 60)
    working_set, selected = _WorkingSet(case.tables, case.codes), case.selected
    for _ in range(3):
        selected, _ = working_set.swap(selected, AN_HOUR)
        tables = residual_tables(case.codes[:, selected], case.training, FULL)
        np.testing.assert_allclose(working_set._gradient, _WorkingSet(tables, case.codes)._gradient, atol=1e-5)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_make_no_difference(monkeypatch, threads):
    monkeypatch.setattr(matches, "MAX_BYTES_PER_BLOCK", 7 * len(SIZES))
    alone, case = Case(60, 140), Case(60, 140)
    with open_workers(threads) as workers:
        case.tables = residual_tables(case.codes[:, case.selected], case.training, FULL, workers)
        assert case.refine().selected.tolist() == alone.refine().selected.tolist()


@pytest.mark.parametrize(("swapsize", "sets", "in_view"), [(48, 4, 1), (24, 8, 2), (12, 16, 4)])
@pytest.mark.parametrize("tolerance", [1e-3, 1e-2])
def test_refinement_converges_once_a_quarter_of_a_pass_gains_less_than_its_share(swapsize, sets, in_view, tolerance):
    case = Case(60, 128)
    assert _SetQueue(case.selected, swapsize, np.random.default_rng(1)).sets_per_pass == sets
    start = of_residuals(case.tables, 60).overall
    result = case.refine(swapsize=swapsize, max_rounds=500, tolerance=tolerance)
    assert result.status == "converged"
    fits = np.array([start, *(fit for _, fit in result.curve)])
    gains = fits[in_view:] - fits[:-in_view]
    assert gains[-1] < tolerance * in_view / sets <= gains[:-1].min(initial=np.inf)


def test_refinement_converges_when_a_pass_gains_too_little():
    case = Case(30, 60)
    assert case.refine().status == "converged"
    case = Case(30, 60)
    result = case.refine(tolerance=1.0)
    assert (result.status, result.rounds) == ("converged", 1)  # one working set holds all rows, so a round is a pass
    case = Case(30, 60)
    result = case.refine(tolerance=0, max_rounds=500)
    assert result.status == "converged"  # after a pass without a swap
    assert result.rounds < 50


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_refinement_stops_at_the_iteration_limit(rounds):
    case = Case(60, 140)
    result = case.refine(swapsize=12, max_rounds=rounds)
    assert (result.status, result.rounds) == ("iteration limit", rounds)
    assert [task.completed for task in case.progress.tasks] == [rounds]


@pytest.mark.parametrize("checks", [0, 1, 4, 9])
def test_refinement_stops_when_its_time_is_up(checks):
    case = Case(60, 140)
    result = case.refine(swapsize=12, deadline=CheckLimit(checks))
    assert result.status == "out of time" and min(checks, 1) <= result.rounds <= checks
    case.assert_tables_of(result.selected)


def test_a_round_that_was_cut_short_is_not_taken_for_the_last_one(monkeypatch):
    monkeypatch.setattr(module, "BATCH", 1)
    result = Case(60, 140).refine(tolerance=1.0, deadline=CheckLimit(1))  # passes after the first swap of the only set
    assert (result.status, result.rounds, result.swaps) == ("out of time", 1, 1)


def test_without_other_candidates_nothing_is_swapped():
    case = Case(20, 0)
    result = case.refine()
    assert (result.status, result.swaps) == ("converged", 0)
    assert result.selected.all()


@pytest.mark.parametrize(("swapsize", "n_sets"), [(2, 30), (9, 6), (30, 2), (1000, 1)])
def test_a_pass_gives_every_candidate_its_turn(swapsize, n_sets):
    selected = np.random.default_rng(1).permutation(40) < 10
    queue = _SetQueue(selected, swapsize, np.random.default_rng(2))
    assert queue.sets_per_pass == n_sets
    for _ in range(3):
        drawn = []
        for _ in range(n_sets):
            rows = queue.next()
            assert (np.diff(rows) > 0).all()
            assert len(rows) <= max(swapsize, 2)
            assert 0 < selected[rows].sum() < len(rows)
            drawn.append(rows[~selected[rows]])
        assert sorted(np.concatenate(drawn)) == np.flatnonzero(~selected).tolist()
        assert np.ptp([len(rows) for rows in drawn]) < n_sets  # equal parts but for what is left for the last one


@pytest.mark.parametrize(
    ("swapsize", "members"), [(99, [34, 34, 32]), (90, [34, 34, 32]), (150, [50, 50]), (201, [100])]
)
def test_selected_rows_take_turns_in_equal_parts(swapsize, members):
    selected = np.arange(400) < 100
    queue = _SetQueue(selected, swapsize, np.random.default_rng(1))
    drawn = [queue.next() for _ in members]
    assert [int(selected[rows].sum()) for rows in drawn] == members
    assert set(np.flatnonzero(selected)) <= set(np.concatenate(drawn))
    assert all(len(rows) <= swapsize for rows in drawn)


def test_working_sets_follow_the_selection():
    selected = np.arange(30) < 10
    queue = _SetQueue(selected, 6, np.random.default_rng(1))
    drawn = queue.next()
    waiting = np.setdiff1d(np.arange(30), drawn)
    left, entered = waiting[selected[waiting]][:3], waiting[~selected[waiting]][:3]
    selected[left], selected[entered] = False, True
    for _ in range(20):
        rows = queue.next()
        assert 0 < selected[rows].sum() <= 2
        assert 0 < (~selected[rows]).sum() <= 4


def test_the_same_seed_gives_the_same_rows():
    first, again, other = (Case(60, 140).refine(swapsize=30, seed=seed).selected.tolist() for seed in (1, 1, 2))
    assert first == again != other
