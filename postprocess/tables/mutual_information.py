"""Mutual information: which pairs of columns, and which columns, tell most about each other."""

import itertools

import numpy as np


def mutual_information(codes: np.ndarray, n_codes: np.ndarray) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Return all pairs of columns and (n_pairs,) their mutual information in nats; codes (n_columns, n_rows) uint8."""
    pairs = list(itertools.combinations(range(len(codes)), 2))
    wide = codes.astype(np.intp)
    information = np.empty(len(pairs))
    for number, (i, j) in enumerate(pairs):
        shares = np.bincount(wide[i] * n_codes[j] + wide[j], minlength=n_codes[i] * n_codes[j]) / codes.shape[1]
        shares = shares.reshape(n_codes[i], n_codes[j])
        independent = np.outer(shares.sum(axis=1), shares.sum(axis=0))
        seen = shares > 0
        information[number] = (shares[seen] * np.log(shares[seen] / independent[seen])).sum()
    return pairs, information


def top_pairs(codes: np.ndarray, n_codes: np.ndarray, number: int | None) -> list[tuple[int, int]]:
    """Return the `number` most informative pairs, the best first. None, or more than there are: all, unsorted."""
    n_pairs = len(codes) * (len(codes) - 1) // 2
    if number is None or number >= n_pairs:
        return list(itertools.combinations(range(len(codes)), 2))
    pairs, information = mutual_information(codes, n_codes)
    return [pairs[place] for place in np.argsort(-information, kind="stable")[:number]]


def columns_by_information(codes: np.ndarray, n_codes: np.ndarray) -> np.ndarray:
    """Return (n_columns,): the columns by the information that they share with all others, the most first."""
    shared = np.zeros(len(codes))
    pairs, information = mutual_information(codes, n_codes)
    for (i, j), value in zip(pairs, information, strict=True):
        shared[i] += value
        shared[j] += value
    return np.argsort(-shared, kind="stable")
