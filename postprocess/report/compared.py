"""Another result beside the one that the page is about: the accuracy of both, overall and column by column."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from postprocess.data.sources import Source
from postprocess.report.column_profiles import accuracy
from postprocess.report.findings import DECIMALS
from postprocess.report.summary import file_facts
from postprocess.tables.cells import count_table


def compared_figures(
    source: Source,
    overall: Mapping[str, float | None],
    training: np.ndarray,
    codes: np.ndarray,
    n_codes: np.ndarray,
    weights: np.ndarray | None = None,
) -> dict[str, Any]:
    """Return the file of the other result, its accuracy, and that of each column, as plain values.

    overall: its accuracy. training, codes: (n_columns, n_rows) uint8 of the training data and of the other result.
    weights: (n_rows,) of the training rows; None: each counts once.
    """
    columns = [
        accuracy(count_table(training, n_codes, (column,), weights), count_table(codes, n_codes, (column,)))
        for column in range(len(n_codes))
    ]
    return file_facts(source, codes.shape[1]) | {
        "accuracy": overall,
        "column_accuracy": [round(each, DECIMALS) for each in columns],
    }


def compared_columns(summary: Mapping) -> list[tuple[str, float, float]]:
    """Return the accuracies of each column of the result and of the other one; first those that the other has best."""
    if "compared" not in summary:
        return []
    pairs = summary["pair_accuracy"]
    own = [row[-1] for row in pairs["values"]]
    rows = zip(pairs["columns"], own, summary["compared"]["column_accuracy"], strict=True)
    return sorted(rows, key=lambda row: row[1] - row[2])
