"""What a comparison of a result with the training data has found, as plain values for the summary."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from postprocess.data.binning import Binning
from postprocess.data.column_bins import MISSING
from postprocess.report.missing_patterns import missing_patterns
from postprocess.tables.cells import count_table
from postprocess.tables.comparison import Comparison, TableError
from postprocess.tables.table_pass import number_of_tables

ORDERS = ("columns", "pairs", "triples")
COUNT_DECIMALS = 3  # of counts of weighted rows
DECIMALS = 6  # of shares: more would only make the files larger
READABLE = {MISSING: "(missing)"}


def findings_of(
    comparison: Comparison,
    training: np.ndarray,
    result: np.ndarray,
    binning: Binning,
    weights: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return accuracy and sampling limit, the weakest tables, all pairs, and missing values as plain values.

    training, result: (n_columns, n_rows) uint8 codes, the ones that were compared. weights: (n_rows,) of the training
    rows; None: each counts once.

    result_accuracy: of the result. sampling_limit: of a fresh sample, on average. tables: how many there are, and how
    many fall short of their own limit. weakest: the worst tables of each order, their cells flat, the last column
    running fastest. pair_accuracy: a triangle; row i has the columns 0 to i, the column itself last. missing: the
    patterns of missing values.
    """
    names, labels = binning.names, [readable(column.labels) for column in binning.columns]

    def described(table: TableError) -> dict[str, object]:
        columns = table.columns
        return {
            "columns": [names[column] for column in columns],
            "accuracy": round(1 - table.error, DECIMALS),
            "sampling_limit": round(1 - table.limit, DECIMALS),
            "bins": [labels[column] for column in columns],
            "original": np.round(count_table(training, binning.n_codes, columns, weights), COUNT_DECIMALS).tolist(),
            "synthetic": count_table(result, binning.n_codes, columns).tolist(),
        }

    patterns = missing_patterns(training, result, [column.labels for column in binning.columns], weights)
    for pattern in patterns["most_frequent"]:
        pattern["columns"] = [names[column] for column in pattern["columns"]]
    accurate = np.round(1 - comparison.pairs, DECIMALS)
    return {
        "result_accuracy": comparison.accuracy.as_dict(),
        "sampling_limit": comparison.limit.as_dict(),
        "tables": {
            order: {"number": int(number), "below_limit": int(below)}
            for order, number, below in zip(ORDERS, number_of_tables(len(names)), comparison.below_limit, strict=True)
        },
        "weakest": {
            order: [described(table) for table in tables]
            for order, tables in zip(ORDERS, comparison.weakest, strict=True)
        },
        "pair_accuracy": {
            "columns": list(names),
            "values": [accurate[place, : place + 1].tolist() for place in range(len(names))],
        },
        "missing": patterns,
    }


def readable(labels: Sequence[str]) -> list[str]:
    """Return the names of a column's bins as readers see them."""
    return [READABLE.get(label, label.replace("⪰ ", "≥ ", 1)) for label in labels]
