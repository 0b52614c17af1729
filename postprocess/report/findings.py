"""What a close look at a result finds, as plain values for the summary: all but the figures that a run collects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from postprocess.data.binning import Binning
from postprocess.data.column_bins import MISSING
from postprocess.report.comparison import TableError, compare
from postprocess.report.diagnostics import missing_patterns
from postprocess.runtime.progress import Progress
from postprocess.runtime.threads import Workers
from postprocess.tables.accuracy import number_of_tables
from postprocess.tables.counts import count_table

LEVELS = ("columns", "pairs", "triples")
DECIMALS = 6  # of shares: more would only make the files larger
READABLE = {MISSING: "(missing)"}


def look_closely(
    training: np.ndarray, result: np.ndarray, binning: Binning, *, workers: Workers, progress: Progress
) -> dict[str, Any]:
    """Accuracy and sampling limit, the weakest tables, all pairs, and missing cells: codes (n_columns, n_rows) uint8.

    result_accuracy: of the given codes. sampling_limit: of a fresh sample, on average. tables: how many
    there are, and how many fall short of their own limit. weakest: the worst tables of each level, cells flat with the
    last column running fastest. pair_accuracy: a triangle, row i with the columns 0 to i, the column itself last.
    """
    comparison = compare(training, result, binning.sizes, workers=workers, progress=progress)
    names, labels = binning.names, [_readable(column.labels) for column in binning.columns]

    def told(table: TableError) -> dict[str, object]:
        columns = table.columns
        return {
            "columns": [names[column] for column in columns],
            "accuracy": round(1 - table.error, DECIMALS),
            "sampling_limit": round(1 - table.limit, DECIMALS),
            "bins": [labels[column] for column in columns],
            "original": count_table(training, binning.sizes, columns).tolist(),
            "synthetic": count_table(result, binning.sizes, columns).tolist(),
        }

    patterns = missing_patterns(training, result, [column.labels for column in binning.columns])
    for pattern in patterns["most_frequent"]:
        pattern["columns"] = [names[column] for column in pattern["columns"]]
    accurate = np.round(1 - comparison.pairs, DECIMALS)
    return {
        "result_accuracy": comparison.accuracy.as_dict(),
        "sampling_limit": comparison.limit.as_dict(),
        "tables": {
            level: {"number": int(number), "below_limit": int(below)}
            for level, number, below in zip(LEVELS, number_of_tables(len(names)), comparison.below_limit, strict=True)
        },
        "weakest": {
            level: [told(table) for table in tables] for level, tables in zip(LEVELS, comparison.weakest, strict=True)
        },
        "pair_accuracy": {
            "columns": list(names),
            "values": [accurate[place, : place + 1].tolist() for place in range(len(names))],
        },
        "missing": patterns,
    }


def _readable(labels: Sequence[str]) -> list[str]:
    return [READABLE.get(label, label.replace("⪰ ", "≥ ", 1)) for label in labels]
