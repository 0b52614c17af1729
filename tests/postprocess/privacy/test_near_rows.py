import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.privacy import near_rows
from postprocess.privacy.near_rows import Rows, Search
from postprocess.runtime.threads import open_workers
from tests.postprocess.oracles import ALONE, draw_codes

SIZES = [3, 4, 2, 5, 3, 2]


def least_differing(codes, others, own_number=None):
    """Return (n_rows,) the number of columns in which each row differs from the closest other one."""
    differing = (codes[:, :, None] != others[:, None]).sum(axis=0)
    if own_number is not None:
        differing[np.arange(len(own_number)), own_number] = 99
    return differing.min(axis=1)


@pytest.mark.parametrize("cost_per_pair", [0, 10**9])  # few large groups, and many small ones
@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(1, 40), st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_the_rows_found_are_those_that_differ_in_a_few_columns(cost_per_pair, n_rows, n_others, distance, seed):
    codes, others = draw_codes(SIZES, n_rows, seed), draw_codes(SIZES, n_others, seed + 1)
    with pytest.MonkeyPatch.context() as patch, open_workers(2) as workers:
        patch.setattr(near_rows, "COST_PER_PAIR", cost_per_pair)
        patch.setattr(near_rows, "ROWS_PER_STEP", 7)
        patch.setattr(near_rows, "PAIRS_PER_STEP", 5)
        search = Search.planned(Rows(codes), Rows(others), distance)
        assert search is not None
        parts = []
        found = search.find(workers, parts.append)
    np.testing.assert_array_equal(found, least_differing(codes, others) <= distance)
    assert sum(parts) == pytest.approx(search.cost)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 40), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_a_row_is_not_compared_with_itself(n_others, distance, seed):
    others = draw_codes(SIZES, n_others, seed)
    own = np.flatnonzero(np.random.default_rng(seed).random(n_others) < 0.5)
    if len(own) == 0:
        return
    codes = others[:, own]
    found = Search.planned(Rows(codes), Rows(others), distance, own).find(ALONE)
    np.testing.assert_array_equal(found, least_differing(codes, others, own) <= distance)


def test_the_search_is_planned_by_its_costs(monkeypatch):
    rows = Rows(draw_codes(SIZES, 500, seed=1))
    monkeypatch.setattr(near_rows, "COST_PER_ROW", 0)
    many = Search.planned(rows, rows, 1)
    monkeypatch.setattr(near_rows, "COST_PER_ROW", 700)
    monkeypatch.setattr(near_rows, "COST_PER_PAIR", 0)
    few = Search.planned(rows, rows, 1)
    assert len(few.groups) == 2 < len(many.groups)
    assert Search.planned(rows, rows, 1, limit=few.cost) is None
    assert all(sorted(sum(each.groups, ())) == list(range(len(SIZES))) for each in (few, many))
