"""Which tables tell most: pairs of columns by mutual information, columns by what they share with all others."""

from __future__ import annotations

import itertools

import numpy as np


def mutual_information(codes: np.ndarray, sizes: np.ndarray) -> tuple[list[tuple[int, int]], np.ndarray]:
    """All pairs of columns, and the mutual information (nats) of each; codes (n_columns, n_rows) uint8."""
    pairs = list(itertools.combinations(range(len(codes)), 2))
    wide = codes.astype(np.intp)
    information = np.empty(len(pairs))
    for number, (i, j) in enumerate(pairs):
        shares = np.bincount(wide[i] * sizes[j] + wide[j], minlength=sizes[i] * sizes[j]) / codes.shape[1]
        shares = shares.reshape(sizes[i], sizes[j])
        independent = np.outer(shares.sum(axis=1), shares.sum(axis=0))
        seen = shares > 0
        information[number] = (shares[seen] * np.log(shares[seen] / independent[seen])).sum()
    return pairs, information


def top_pairs(codes: np.ndarray, sizes: np.ndarray, number: int | None) -> list[tuple[int, int]]:
    """The `number` most informative pairs, best first; None, or as many as there are: all, unordered."""
    n_pairs = len(codes) * (len(codes) - 1) // 2
    if number is None or number >= n_pairs:
        return list(itertools.combinations(range(len(codes)), 2))
    pairs, information = mutual_information(codes, sizes)
    return [pairs[number] for number in np.argsort(-information, kind="stable")[:number]]


def column_order(codes: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(n_columns,) columns by the mutual information they share with all others, most informative first."""
    shared = np.zeros(len(codes))
    pairs, information = mutual_information(codes, sizes)
    for (i, j), value in zip(pairs, information, strict=True):
        shared[i] += value
        shared[j] += value
    return np.argsort(-shared, kind="stable")
