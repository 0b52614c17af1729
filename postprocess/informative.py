"""Which tables tell most: pairs of columns by mutual information, columns by what they share with all others."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from math import comb

import numpy as np

from postprocess.layout import Layout
from postprocess.parameters import SelectionParameters
from postprocess.tables import CELL

GIB = 1 << 30


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


def layout_within(
    training: np.ndarray,
    sizes: np.ndarray,
    parameters: SelectionParameters,
    *,
    warn: Callable[[str], None],
) -> tuple[Layout, np.ndarray]:
    """The tables to match within `refinement_top_pairs`, `refinement_top_triples` and `max_memory`.

    training: (n_columns, n_rows) uint8; sizes: (n_columns,). Returns the layout, and the order of the columns that it
    is made for: their own where all tables are matched, else the most informative ones first.
    """
    n_columns = len(sizes)
    pair_columns = _most_columns(2, n_columns, parameters.refinement_top_pairs)
    triple_columns = min(pair_columns, _most_columns(3, n_columns, parameters.refinement_top_triples))
    room = parameters.max_memory * GIB / np.dtype(CELL).itemsize
    layout = Layout(sizes, pair_columns, triple_columns)
    if layout.complete and layout.level_start[-1] <= room:
        return layout, np.arange(n_columns)
    order = column_order(training, sizes)
    layout = Layout(sizes[order], pair_columns, triple_columns)
    while layout.triple_columns and layout.level_start[-1] > room:
        layout = Layout(sizes[order], pair_columns, layout.triple_columns - 1)
    warn(
        f"trimming and refinement match {layout.n_tables[1]:,} of {comb(n_columns, 2):,} pairs and "
        f"{layout.n_tables[2]:,} of {comb(n_columns, 3):,} triples, those of the most informative columns "
        "(refinement_top_pairs, refinement_top_triples, max_memory)"
    )
    return layout, order


def _most_columns(together: int, n_columns: int, most_tables: int | None) -> int:
    """How many columns have at most so many tables of `together` columns; None: all columns."""
    if most_tables is None:
        return n_columns
    return max((columns for columns in range(n_columns + 1) if comb(columns, together) <= most_tables), default=0)
