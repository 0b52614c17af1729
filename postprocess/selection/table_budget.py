"""Decides which tables trimming and refinement match, within the parameters and the memory."""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np

from postprocess.selection.parameters import SelectionParameters
from postprocess.tables.counts import CELL
from postprocess.tables.layout import Layout
from postprocess.tables.mutual_information import column_order

GIB = 1 << 30


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
