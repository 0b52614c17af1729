"""Decides which tables trimming and refinement match: all of them, if the parameters and the memory allow."""

from collections.abc import Callable
from math import comb

import numpy as np

from postprocess.selection.parameters import SelectionParameters
from postprocess.tables.counts import CELL
from postprocess.tables.layout import Layout
from postprocess.tables.mutual_information import columns_by_information

GIB = 1 << 30


def layout_within(
    training: np.ndarray, n_codes: np.ndarray, parameters: SelectionParameters, *, warn: Callable[[str], None]
) -> tuple[Layout, np.ndarray]:
    """Return the tables to match within `refinement_top_pairs`, `refinement_top_triples` and `max_memory`.

    training: (n_columns, n_rows) uint8; n_codes: (n_columns,). Returns the layout and the sequence of the columns that
    it is made for. If not all tables are matched, the most informative columns come first; otherwise the columns keep
    their places.
    """
    n_columns = len(n_codes)
    pair_columns = _max_columns(2, n_columns, parameters.refinement_top_pairs)
    triple_columns = min(pair_columns, _max_columns(3, n_columns, parameters.refinement_top_triples))
    max_cells = parameters.max_memory * GIB / np.dtype(CELL).itemsize
    layout = Layout(n_codes, pair_columns, triple_columns)
    if layout.complete and layout.order_start[-1] <= max_cells:
        return layout, np.arange(n_columns)
    sequence = columns_by_information(training, n_codes)
    layout = Layout(n_codes[sequence], pair_columns, triple_columns)
    while layout.triple_columns and layout.order_start[-1] > max_cells:
        layout = Layout(n_codes[sequence], pair_columns, layout.triple_columns - 1)
    warn(
        f"trimming and refinement match {layout.n_tables[1]:,} of {comb(n_columns, 2):,} pairs and "
        f"{layout.n_tables[2]:,} of {comb(n_columns, 3):,} triples, those of the most informative columns "
        "(refinement_top_pairs, refinement_top_triples, max_memory)"
    )
    return layout, sequence


def _max_columns(order: int, n_columns: int, max_tables: int | None) -> int:
    """Return the largest number of columns that have at most `max_tables` tables of that order. None: all columns."""
    if max_tables is None:
        return n_columns
    return max((columns for columns in range(n_columns + 1) if comb(columns, order) <= max_tables), default=0)
