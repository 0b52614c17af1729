from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.runtime.stages import Deadline
from postprocess.runtime.threads import open_workers
from postprocess.selection import trimming as module
from postprocess.selection.trimming import trim
from postprocess.tables import matches
from postprocess.tables.counts import Tables
from postprocess.tables.layout import Layout
from tests.postprocess import oracles
from tests.postprocess.oracles import (
    ALONE,
    CheckLimit,
    Recorder,
    draw_codes,
    noisy_copies,
    residual_tables,
    watched,
)

SIZES = [3, 4, 2, 5]
LAYOUTS = [Layout(SIZES, 4, 4), Layout(SIZES, 4, 3), Layout(SIZES, 3, 0), Layout(SIZES, 0, 0)]
AN_HOUR = Deadline(60)


def trimmed(subset, training, *, layout=LAYOUTS[0], swapsize=1000, deadline=AN_HOUR, seed=1, workers=None):
    """Return the result, with the tables and the progress that `trim` worked on."""
    progress = Recorder()
    tables = residual_tables(subset, training, layout, workers or watched(progress))
    target = Tables(layout, workers=ALONE)
    target.add(training)
    result = trim(
        tables,
        subset,
        target.row_sums(subset),
        n=training.shape[1],
        swapsize=swapsize,
        deadline=deadline,
        rng=np.random.default_rng(seed),
    )
    return SimpleNamespace(**vars(result), tables=tables, progress=progress)


def assert_tables_of(tables, selected, training):
    expected = oracles.values(oracles.residuals(selected, training, tables.layout), tables.layout)
    np.testing.assert_array_equal(tables.values, expected)


@pytest.mark.parametrize(("shortlist", "batch"), [(1000, 32), (1000, 1), (3, 1)])
@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_every_row_dropped_is_the_steepest_choice(monkeypatch, layout, shortlist, batch):
    """Brute force drops the row that leaves the smallest squared error at that number of rows.

    It does so if the shortlist holds all rows, or is made anew after each row. With small batches, the dropped rows are
    removed from the block on the way.
    """
    monkeypatch.setattr(module, "SHORTLIST", shortlist)
    monkeypatch.setattr(module, "BATCH", batch)
    training = draw_codes(SIZES, 12, seed=1)
    subset = np.unique(noisy_copies(training, SIZES, 24, seed=3), axis=1)
    kept = list(range(subset.shape[1]))
    assert len(kept) >= 17
    while len(kept) > 12:
        share = (len(kept) - 1) / 12
        errors = []
        for row in kept:
            others = [other for other in kept if other != row]
            errors.append(oracles.squared_error(oracles.residuals(subset[:, others], training, layout, share), layout))
        kept.pop(int(np.argmin(np.round(errors, 9))))
    result = trimmed(subset, training, layout=layout)
    if layout.pair_columns:
        assert np.flatnonzero(result.keep).tolist() == kept
    else:  # rows may tie: the error decides
        ours, best = (oracles.residuals(subset[:, rows], training, layout) for rows in (result.keep, kept))
        assert oracles.squared_error(ours, layout) == pytest.approx(oracles.squared_error(best, layout))
    assert (result.status, result.removed_greedily) == ("finished", subset.shape[1] - 12)


def test_each_block_drops_its_share_by_the_rows_left_in_all_blocks():
    """Brute force goes block by block. The target is scaled to the rows that are left in all blocks.

    The 25 rows are trimmed in blocks of a fourth of 8 rows until 1.4 times 12 are left, and then in equal blocks of at
    most 8 rows.
    """
    training = draw_codes(SIZES, 12, seed=1)
    subset = np.unique(noisy_copies(training, SIZES, 40, seed=3), axis=1)
    layout, rng = LAYOUTS[0], np.random.default_rng(1)
    kept = list(range(subset.shape[1]))
    assert len(kept) == 25
    for left, block_sizes in ((16, [2] * 12 + [1]), (12, [8, 8])):
        order, seen = rng.permutation(kept).tolist(), 0
        n_rows = len(order)
        for size in block_sizes:
            block, seen = sorted(order[seen : seen + size]), seen + size
            while n_rows - len(kept) < (n_rows - left) * seen // n_rows:
                share, errors = (len(kept) - 1) / 12, []
                for row in block:
                    others = subset[:, [other for other in kept if other != row]]
                    errors.append(oracles.squared_error(oracles.residuals(others, training, layout, share), layout))
                kept.remove(block.pop(int(np.argmin(np.round(errors, 9)))))
        assert (seen, len(kept)) == (n_rows, left)
    result = trimmed(subset, training, swapsize=8)
    assert np.flatnonzero(result.keep).tolist() == kept


@pytest.mark.parametrize(
    ("n_rows", "n", "swapsize", "largest"),
    [
        (100, 50, 100, [100]),  # one block holds all rows
        (100, 50, 40, [10, 35]),  # small blocks until 70 rows are left
        (100, 50, 2, [1, 2]),
        (70, 50, 40, [35]),  # few rows to drop
        (100, 90, 40, [34]),
    ],
)
def test_small_blocks_come_first_if_many_rows_have_to_go(n_rows, n, swapsize, largest):
    keep, found, in_pass = np.ones(n_rows, dtype=bool), [], []
    for rows, left in module._blocks(keep, n, swapsize, np.random.default_rng(1)):
        in_pass.append(rows)
        keep[rows[: np.count_nonzero(keep) - left]] = False
        if sum(map(len, in_pass)) == n_rows:
            assert len(np.unique(np.concatenate(in_pass))) == n_rows
            found.append(max(map(len, in_pass)))
            n_rows, in_pass = np.count_nonzero(keep), []
    assert found == largest
    assert (np.count_nonzero(keep), in_pass) == (n, [])


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 20),
    st.integers(0, 30),
    st.integers(1, 60),
    st.sampled_from(LAYOUTS),
    st.sampled_from([AN_HOUR, Deadline(0)]),
    st.integers(0, 2**32 - 1),
)
def test_exactly_n_rows_and_their_tables_are_left_for_any_block_size(n, surplus, swapsize, layout, deadline, seed):
    training = draw_codes(SIZES, n, seed)
    subset = noisy_copies(training, SIZES, n + surplus, seed)
    result = trimmed(subset, training, layout=layout, swapsize=swapsize, deadline=deadline, seed=seed)
    assert result.keep.dtype == bool
    assert result.keep.shape == (n + surplus,)
    assert result.keep.sum() == n
    assert_tables_of(result.tables, subset[:, result.keep], training)
    if surplus == 0:
        assert (result.status, result.removed_greedily) == ("nothing to trim", 0)
    elif deadline is AN_HOUR:
        assert (result.status, result.removed_greedily) == ("finished", surplus)
    else:
        assert (result.status, result.removed_greedily) == ("out of time", 0)
    for task in result.progress.tasks:
        assert task.completed == task.total == surplus


@pytest.mark.parametrize(("checks", "swapsize", "greedily"), [(3, 1000, 6), (1, 13, 1), (7, 13, 7), (100, 1000, 40)])
def test_when_the_time_is_up_the_other_rows_are_dropped_by_score(monkeypatch, checks, swapsize, greedily):
    monkeypatch.setattr(module, "BATCH", 2)
    training = draw_codes(SIZES, 40, seed=1)
    subset = noisy_copies(training, SIZES, 80, seed=2)
    result = trimmed(subset, training, swapsize=swapsize, deadline=CheckLimit(checks))
    assert result.keep.sum() == 40
    assert result.removed_greedily == greedily
    assert result.status == ("finished" if greedily == 40 else "out of time")
    assert_tables_of(result.tables, subset[:, result.keep], training)
    (task,) = result.progress.tasks
    assert task.completed == task.total == 40


def test_without_time_the_rows_of_the_highest_score_are_dropped():
    """The score is the residual of the row's cells against the target for one row less, weighted by order."""
    training = draw_codes(SIZES, 30, seed=3)
    subset = noisy_copies(training, SIZES, 50, seed=4)
    layout = LAYOUTS[0]
    residual = oracles.residuals(subset, training, layout, share=49 / 30)
    weights = oracles.cell_weights(layout)
    scores = [
        sum(weights[len(cell) - 1] * residual[cell] for cells in oracles.cells_of_row(row, layout) for cell in cells)
        for row in subset.T
    ]
    result = trimmed(subset, training, deadline=Deadline(0))
    assert min(np.array(scores)[~result.keep]) >= max(np.array(scores)[result.keep]) - 1e-9


def test_trimming_beats_random_draws_in_one_block_and_in_many():
    training = draw_codes(SIZES, 60, seed=5)
    subset = noisy_copies(training, SIZES, 100, seed=6)
    rng = np.random.default_rng(7)
    best_draw = max(
        oracles.overall(training, subset[:, rng.choice(100, 60, replace=False)], LAYOUTS[0]) for _ in range(30)
    )
    for swapsize in (1000, 30):
        keep = trimmed(subset, training, swapsize=swapsize).keep
        assert oracles.overall(training, subset[:, keep], LAYOUTS[0]) > best_draw + 0.03


def test_a_short_list_gives_up_little(monkeypatch):
    training = draw_codes(SIZES, 150, seed=5)
    subset = noisy_copies(training, SIZES, 300, seed=6)
    exact = oracles.overall(training, subset[:, trimmed(subset, training).keep], LAYOUTS[0])
    monkeypatch.setattr(module, "SHORTLIST", 30)
    monkeypatch.setattr(module, "BATCH", 4)
    found = trimmed(subset, training)
    assert oracles.overall(training, subset[:, found.keep], LAYOUTS[0]) == pytest.approx(exact, abs=0.005)


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_make_no_difference(monkeypatch, threads):
    monkeypatch.setattr(matches, "MAX_BYTES_PER_BLOCK", 7 * len(SIZES))
    training = draw_codes(SIZES, 60, seed=5)
    subset = noisy_copies(training, SIZES, 100, seed=6)
    with open_workers(threads) as workers:
        together = trimmed(subset, training, workers=workers)
    assert together.keep.tolist() == trimmed(subset, training).keep.tolist()


def test_the_same_seed_gives_the_same_rows():
    training = draw_codes(SIZES, 60, seed=5)
    subset = noisy_copies(training, SIZES, 100, seed=6)
    first, again, other = (trimmed(subset, training, swapsize=30, seed=seed).keep.tolist() for seed in (1, 1, 2))
    assert first == again != other
