"""Tests Cramér's V and the accuracy of dependent pairs against slow computations."""

from itertools import combinations

import numpy as np
import pytest

from postprocess.report import associations as module
from postprocess.report.associations import DEPENDENT, associations
from postprocess.tables.comparison import compare
from tests.postprocess.oracles import ALONE, draw_codes, noisy_copies

SIZES = np.array([3, 2, 5, 4])
NAMES = list("abcd")


def found_in(codes, sizes=SIZES, names=NAMES, **more):
    return associations(codes, names, np.array(sizes), workers=ALONE, **more)


def slow_v(first, second):
    """Return Bergsma's V of two columns of codes."""
    n, table = len(first), np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1)
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    r, k = table.shape
    phi2 = max(0, ((table - expected) ** 2 / expected).sum() / n - (r - 1) * (k - 1) / (n - 1))
    least = min(r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)) - 1
    return np.sqrt(phi2 / least) if least > 0 else 0


def test_v_and_accuracies_are_those_of_a_slow_computation():
    training = draw_codes(SIZES, 400, 1)
    codes = {
        "training": training,
        "result": noisy_copies(training, SIZES, 300, 2),
        "pool_sample": noisy_copies(training, SIZES, 300, 3, noise=0.9),
    }
    found = found_in(codes)
    for role in ("training", "result"):
        for row, column in combinations(range(4), 2):
            expected = slow_v(codes[role][row].astype(int), codes[role][column].astype(int))
            assert found[role][column][row] == pytest.approx(expected, abs=0.001)
    dependent = [
        (column, row) for row, column in combinations(range(4), 2) if found["training"][column][row] >= DEPENDENT
    ]
    assert found["dependent"]["pairs"] == len(dependent) > 2 and found["dependent"]["of"] == 6
    for role in ("result", "pool_sample"):
        errors = compare(training, codes[role], SIZES, workers=ALONE).pairs
        mean = np.mean([1 - errors[pair] for pair in dependent])
        assert found["dependent"]["accuracy"][role] == pytest.approx(mean, abs=1e-6)
    largest = found["largest"][0]
    both = [NAMES.index(name) for name in largest["columns"]]
    assert largest["training"] == found["training"][both[1]][both[0]]
    differences = [abs(pair["training"] - pair["result"]) for pair in found["largest"]]
    assert differences == sorted(differences, reverse=True) and len(differences) == 5


def test_v_is_1_if_a_column_decides_another_and_0_of_a_constant():
    column = (np.arange(300) % 3).astype(np.uint8)
    training = np.stack([column, 2 - column, np.zeros_like(column)])
    found = found_in({"training": training, "result": training}, (3, 3, 1), "abc")
    assert found["training"] == found["result"] == [[], [1.0], [0.0, 0.0]]
    assert found["dependent"]["pairs"] == 1 and found["dependent"]["accuracy"] == {"result": 1.0}


def test_weights_count_as_repeated_rows():
    training = draw_codes(SIZES, 200, 1)
    times = 1 + np.arange(200) % 3
    repeated = training.repeat(times, axis=1)
    found = found_in({"training": training, "result": training}, weights=times / times.mean())
    expected = found_in({"training": repeated, "result": training})
    assert found["dependent"]["accuracy"] == expected["dependent"]["accuracy"]


def test_the_columns_that_depend_most_are_listed(monkeypatch):
    monkeypatch.setattr(module, "MAX_COLUMNS", 2)
    column = (np.arange(300) % 3).astype(np.uint8)
    noise = np.random.default_rng(1).integers(3, size=300).astype(np.uint8)
    codes = np.stack([column, noise, column])
    found = found_in({"training": codes, "result": codes}, (3, 3, 3), "abc")
    assert found["columns"] == ["a", "c"] and found["training"] == [[], [1.0]] and found["dependent"]["of"] == 3


def test_one_column_has_no_pairs():
    codes = np.zeros((1, 10), np.uint8)
    assert found_in({"training": codes, "result": codes}, (1,), "a") == {}
