from itertools import combinations

import numpy as np
import pytest

from postprocess.privacy.membership import advantage, attack, table_differences
from postprocess.runtime.threads import open_workers
from tests.postprocess.oracles import ALONE


def rows_of_a_population(n_rows, rng, n_codes=(4,) * 8):
    """Return (n_columns, n_rows) codes of columns that lean on one hidden factor."""
    factor = rng.normal(size=n_rows)
    return np.array(
        [np.clip(np.floor(factor + rng.normal(size=n_rows) + k / 2), 0, k - 1) for k in n_codes], dtype=np.uint8
    )


def slow_scores(rows, result, reference, order, own_places=None):
    """Return the scores by table differences, cell by cell; a row at a place of the reference is left out of it."""
    scores = []
    for number, row in enumerate(rows.T):
        known = reference if own_places is None else np.delete(reference, own_places[number], axis=1)
        score = 0.0
        for columns in map(list, combinations(range(len(row)), order)):
            in_result, in_known = (
                np.count_nonzero((codes[columns] == row[columns, None]).all(axis=0)) for codes in (result, known)
            )
            if in_result + in_known:
                together = (in_result + in_known) / (result.shape[1] + known.shape[1])
                score += (in_result / result.shape[1] - in_known / known.shape[1]) / together
        scores.append(score)
    return scores


@pytest.mark.parametrize("n_columns", [1, 2, 3, 5])
def test_table_differences_are_those_of_every_cell_counted_by_itself(n_columns):
    rng = np.random.default_rng(n_columns)
    n_codes = np.array([3, 2, 4, 2, 3][:n_columns])
    members, result, reference = (
        rng.integers(0, n_codes[:, None], (n_columns, n)).astype(np.uint8) for n in (7, 9, 11)
    )
    own = np.array([0, 4, 10])
    found = table_differences(members, reference[:, own], result, reference, n_codes, workers=ALONE)
    order = min(3, n_columns)
    assert found[0] == pytest.approx(slow_scores(members, result, reference, order), abs=1e-4)
    assert found[1] == pytest.approx(slow_scores(reference[:, own], result, reference, order, own), abs=1e-4)


def test_the_advantage_is_that_of_all_pairs_of_a_member_and_a_control():
    members, controls = np.array([3.0, 1.0, 2.0, 5.0]), np.array([2.0, 0.0, 1.0])
    found = advantage(members, controls)
    wins = [(m > c) + (m == c) / 2 for m in members for c in controls]
    assert found.auc == pytest.approx(np.mean(wins))
    assert (found.members, found.controls) == (4, 3)


def test_the_standard_error_is_the_spread_of_the_auc_over_samples():
    rng = np.random.default_rng(1)
    found = [advantage(rng.normal(0.5, 1, 300), rng.normal(0, 1, 200)) for _ in range(400)]
    assert np.mean([each.error for each in found]) == pytest.approx(np.std([each.auc for each in found]), rel=0.15)


def test_the_members_found_are_those_above_all_but_one_percent_of_the_controls():
    controls = np.arange(1000.0)
    assert advantage(np.array([995.5, 988.5, 10.0, 2000.0]), controls).found == 0.5
    assert advantage(np.zeros(50), np.zeros(200)).found == pytest.approx(0.01)  # nothing but ties: by lot


def attacked(result, training, others, seed=1, threads=1):
    with open_workers(threads) as workers:
        rng, n_codes = np.random.default_rng(seed), np.full(len(training), 4)
        return attack(result, training, others, n_codes, rng=rng, workers=workers)


@pytest.fixture(scope="module")
def populations():
    rng = np.random.default_rng(3)
    return [rows_of_a_population(n, rng) for n in (600, 900, 600)]


@pytest.mark.parametrize("name", ["tables", "distance"])
def test_a_copy_of_the_training_rows_is_found_out(populations, name):
    training, others, _ = populations
    found = attacked(training, training, others)[name]
    assert found.all_rows.auc > 0.5 + 5 * found.all_rows.error
    assert found.outlying.auc > found.all_rows.auc  # the rows that nobody else resembles are served worst


@pytest.mark.parametrize("name", ["tables", "distance"])
def test_a_fresh_real_sample_gives_nothing_away(populations, name):
    training, others, fresh = populations
    found = attacked(fresh, training, others)[name]
    for figures in (found.all_rows, found.outlying):
        assert abs(figures.auc - 0.5) < 3 * figures.error


def test_the_attacks_do_not_depend_on_the_number_of_threads(populations):
    training, others, _ = populations
    assert attacked(training, training, others) == attacked(training, training, others, threads=3)


def test_the_outlying_tenth_needs_enough_rows_of_either_kind(populations):
    training, others, _ = populations
    found = attacked(training, training[:, :20], others[:, :20])["distance"]
    assert found.outlying is None and found.all_rows.controls == 20
