"""How strongly each two columns depend on each other, in the training data and in the result, as plain values."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from postprocess.report.findings import DECIMALS
from postprocess.runtime.threads import Workers
from postprocess.tables.counts import count_tables_starting_at
from postprocess.tables.crossing import KeyedRows
from postprocess.tables.layout import Layout

DEPENDENT = 0.1  # Cramér's V in the training data, from which on two columns depend on each other
MAX_COLUMNS = 100  # whose pairs are listed: those that depend most on others
LISTED = 5  # pairs whose V differs most
V_DECIMALS = 3


def associations(
    codes: Mapping[str, np.ndarray],
    names: Sequence[str],
    n_codes: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    workers: Workers,
) -> dict[str, Any]:
    """Return Cramér's V of all pairs of columns, and how accurate the tables of dependent pairs are, as plain values.

    codes: (n_columns, n_rows) uint8 of "training", "result" and perhaps other rows, whose accuracy alone is returned.
    weights: (n_rows,) of the training rows, with a sum of n_rows; None: each counts once. Returns nothing if there is
    one column only.

    columns: those that are listed. training, result: V, which is 0 for independent columns and 1 if one column decides
    the other, as a triangle; row i has the columns before i. largest: the pairs whose V differs most. dependent: the
    number of pairs whose V in the training data is at least `least`, and the mean accuracy of their tables.
    """
    if len(names) < 2:
        return {}
    by_column = _by_first_column(list(codes.values()), n_codes, weights, workers)
    first, second = np.triu_indices(len(names), 1)
    training, result, *errors = np.concatenate(by_column, axis=1)
    dependent = training >= DEPENDENT
    accuracies = {}
    if dependent.any():
        means = [round(float(1 - each[dependent].mean()), DECIMALS) for each in errors]
        accuracies = dict(zip(list(codes)[1:], means, strict=True))
    worst = np.argsort(-np.abs(result - training), kind="stable")[:LISTED].tolist()
    shared = np.bincount(first, training, len(names)) + np.bincount(second, training, len(names))
    listed = np.sort(np.argsort(-shared, kind="stable")[:MAX_COLUMNS])
    return {
        "columns": [names[column] for column in listed],
        "training": _triangle(training, first, second, listed),
        "result": _triangle(result, first, second, listed),
        "largest": [
            {
                "columns": [names[first[pair]], names[second[pair]]],
                "training": round(float(training[pair]), V_DECIMALS),
                "result": round(float(result[pair]), V_DECIMALS),
            }
            for pair in worst
        ],
        "dependent": {
            "least": DEPENDENT,
            "pairs": int(np.count_nonzero(dependent)),
            "of": len(training),
            "accuracy": accuracies,
        },
    }


def _by_first_column(
    data: Sequence[np.ndarray], n_codes: np.ndarray, weights: np.ndarray | None, workers: Workers
) -> list[np.ndarray]:
    """Return, for each first column, (n_data + 1, n_pairs): V of the first two data sets, then the errors of all but
    the first data set."""
    layout = Layout(n_codes, len(n_codes), 0)
    keyed = [KeyedRows(codes, layout) for codes in data]
    row_weights = [weights, *[None] * (len(data) - 1)]

    def pairs_of(column: int) -> np.ndarray:
        tables = count_tables_starting_at(layout, column, keyed, row_weights)
        counted = next((counts for order, _, counts in tables if order == 2), None)
        if counted is None:
            return np.empty((len(data) + 1, 0))
        offsets = layout.block_offsets(2, column)
        shares = [counts / codes.shape[1] for counts, codes in zip(counted, data, strict=True)]
        levels = _levels(shares[0], offsets)
        associated = [
            _cramers_v(each, levels, offsets, codes.shape[1]) for each, codes in zip(shares[:2], data[:2], strict=True)
        ]
        errors = [np.add.reduceat(np.abs(each - shares[0]).sum(axis=0), offsets) / 2 for each in shares[1:]]
        return np.stack([*associated, *errors])

    return workers.map(pairs_of, range(len(n_codes)))


def _levels(shares: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return (2, n_pairs): the number of codes that the first and the second column of each pair have.

    shares: (codes of the first column, width), see `count_tables_starting_at`. offsets: where each pair begins along
    the width.
    """
    second = np.add.reduceat((shares.sum(axis=0) > 0).astype(np.int64), offsets)
    first = np.count_nonzero(_first(shares, offsets))
    return np.stack([np.full_like(second, first), second])


def _first(shares: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return the shares of the first column's codes."""
    return np.add.reduceat(shares, offsets, axis=1)[:, 0]


def _cramers_v(shares: np.ndarray, levels: np.ndarray, offsets: np.ndarray, n_rows: int) -> np.ndarray:
    """Return (n_pairs,) Cramér's V, corrected for what chance adds.

    Bergsma, 2013, "A bias-correction for Cramér's V and Tschuprow's T". levels: of the training data, so that V of
    different data is comparable.
    """
    expected = np.outer(_first(shares, offsets), shares.sum(axis=0))
    ratios = np.divide(shares**2, expected, out=np.zeros_like(expected), where=expected > 0)
    free = levels - 1
    chance = free.prod(axis=0) / max(n_rows - 1, 1)
    phi2 = np.maximum(np.add.reduceat(ratios.sum(axis=0), offsets) - 1 - chance, 0)
    largest = (free - free**2 / max(n_rows - 1, 1)).min(axis=0)
    return np.sqrt(np.clip(np.divide(phi2, largest, out=np.zeros_like(phi2), where=largest > 0), 0, 1))


def _triangle(values: np.ndarray, first: np.ndarray, second: np.ndarray, listed: np.ndarray) -> list[list[float]]:
    """Return the values of the pairs of the listed columns; row i has the columns before i."""
    square = np.zeros((second[-1] + 1, second[-1] + 1))
    square[second, first] = values
    square = np.round(square[np.ix_(listed, listed)], V_DECIMALS)
    return [square[place, :place].tolist() for place in range(len(listed))]
