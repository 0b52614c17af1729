from collections import Counter
from itertools import combinations
from math import comb, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.selection.table_budget import GIB, layout_within
from postprocess.tables.counts import CELL
from postprocess.tables.mutual_information import columns_by_information, mutual_information, top_pairs
from tests.parameters import selection_parameters
from tests.postprocess.oracles import draw_codes

N_ROWS = 400


@pytest.fixture
def related():
    """Return codes: columns 3 and 1 are copies, column 4 depends on them, column 0 is noise, column 2 is constant."""
    rng = np.random.default_rng(1)
    leader = rng.integers(0, 4, N_ROWS)
    follower = np.where(rng.random(N_ROWS) < 0.4, rng.integers(0, 4, N_ROWS), leader)
    noise = rng.integers(0, 3, N_ROWS)
    codes = np.array([noise, leader, np.zeros(N_ROWS), 3 - leader, follower], dtype=np.uint8)
    return codes, np.array([3, 4, 1, 4, 4])


def by_formula(first, second):
    n, both, one, two = len(first), Counter(zip(first, second, strict=True)), Counter(first), Counter(second)
    return sum(count / n * log(count * n / (one[a] * two[b])) for (a, b), count in both.items())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5), st.integers(1, 60), st.integers(0, 2**32 - 1))
def test_mutual_information_follows_the_formula(n_codes, n_rows, seed):
    codes = draw_codes(n_codes, n_rows, seed)
    pairs, information = mutual_information(codes, np.array(n_codes))
    assert pairs == list(combinations(range(len(n_codes)), 2))
    expected = [by_formula(codes[i].tolist(), codes[j].tolist()) for i, j in pairs]
    np.testing.assert_allclose(information, expected, atol=1e-12)


def test_columns_with_256_codes_have_their_mutual_information():
    codes = np.array([np.arange(256), np.arange(256)[::-1]], dtype=np.uint8)
    assert mutual_information(codes, np.array([256, 256]))[1] == pytest.approx([log(256)])


def test_the_most_informative_pairs_come_first(related):
    codes, n_codes = related
    assert top_pairs(codes, n_codes, 1) == [(1, 3)]
    assert top_pairs(codes, n_codes, 3) == [(1, 3), (1, 4), (3, 4)]
    pairs, information = mutual_information(codes, n_codes)
    nine = [information[pairs.index(pair)] for pair in top_pairs(codes, n_codes, 9)]
    assert (np.diff(nine) <= 0).all()
    assert len(set(top_pairs(codes, n_codes, 9))) == 9


@pytest.mark.parametrize("number", [None, 10, 11])
def test_without_a_binding_limit_all_pairs_are_taken(related, number):
    assert top_pairs(*related, number) == list(combinations(range(5), 2))
    assert comb(5, 2) == 10


def test_columns_are_ordered_by_their_mutual_information(related):
    codes, n_codes = related
    assert columns_by_information(codes, n_codes).tolist() == [1, 3, 4, 0, 2]
    assert columns_by_information(codes[[2, 4, 0, 1]], n_codes[[2, 4, 0, 1]]).tolist() in ([3, 1, 2, 0], [1, 3, 2, 0])


@pytest.mark.parametrize("n_columns", [1, 2])
def test_one_or_two_columns_have_an_order_and_pairs(n_columns):
    codes = np.zeros((n_columns, 5), dtype=np.uint8)
    assert columns_by_information(codes, np.ones(n_columns, dtype=int)).tolist() == list(range(n_columns))
    assert top_pairs(codes, np.ones(n_columns, dtype=int), None) == [(0, 1)][: n_columns - 1]


@pytest.mark.parametrize(
    ("limits", "matched"),
    [
        ({"refinement_top_pairs": 9}, (4, 4)),
        ({"refinement_top_pairs": 0}, (1, 1)),
        ({"refinement_top_triples": 9}, (5, 4)),
        ({"refinement_top_triples": 1}, (5, 3)),
        ({"refinement_top_triples": 0}, (5, 2)),
        ({"refinement_top_pairs": 3, "refinement_top_triples": 4}, (3, 3)),
    ],
)
def test_the_tables_within_the_limits_are_those_of_the_most_informative_columns(related, limits, matched):
    codes, n_codes = related
    warnings = []
    layout, order = layout_within(codes, n_codes, selection_parameters(**limits), warn=warnings.append)
    assert order.tolist() == [1, 3, 4, 0, 2]
    assert layout.n_codes.tolist() == n_codes[order].tolist()
    assert (layout.pair_columns, layout.triple_columns) == matched
    (text,) = warnings
    pairs, triples = comb(matched[0], 2), comb(matched[1], 3)
    assert text.startswith(f"trimming and refinement match {pairs} of 10 pairs and {triples} of 10 triples, those of")


@pytest.mark.parametrize("limits", [{}, {"refinement_top_pairs": 10, "refinement_top_triples": 10}])
@pytest.mark.parametrize("n_columns", [1, 2, 5])
def test_without_a_binding_limit_all_tables_are_matched(related, limits, n_columns):
    codes, n_codes = related[0][:n_columns], related[1][:n_columns]
    layout, order = layout_within(codes, n_codes, selection_parameters(**limits), warn=pytest.fail)
    assert layout.complete
    assert order.tolist() == list(range(n_columns))


def test_memory_limits_the_triples(related):
    codes, n_codes = related
    whole, _ = layout_within(codes, n_codes, selection_parameters(), warn=pytest.fail)
    needed = int(whole.order_start[-1]) * np.dtype(CELL).itemsize
    enough = selection_parameters(max_memory=needed / GIB)
    assert layout_within(codes, n_codes, enough, warn=pytest.fail)[0].complete
    warnings = []
    for cells, triple_columns in ((whole.order_start[-1] - 1, 4), (whole.order_start[2], 2), (1, 0)):
        limited = selection_parameters(max_memory=int(cells) * np.dtype(CELL).itemsize / GIB)
        layout, order = layout_within(codes, n_codes, limited, warn=warnings.append)
        assert (layout.pair_columns, layout.triple_columns) == (5, triple_columns)
        assert order.tolist() == [1, 3, 4, 0, 2]
    assert len(warnings) == 3
    assert all("max_memory" in text for text in warnings)
