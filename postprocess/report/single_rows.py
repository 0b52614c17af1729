"""What of single training rows stands in the result: values of identifying columns, and combinations of columns."""

from typing import Any

import numpy as np
import pandas as pd

from postprocess.data.binning import Binning
from postprocess.data.codes import Codes
from postprocess.data.column_bins import Column
from postprocess.data.sources import Source
from postprocess.privacy.combinations import single_row_combinations
from postprocess.runtime.stages import Journal

MAX_EXAMPLES = 20  # values of a column that are shown


def shared_values(training: Source, result: Source, binning: Binning, journal: Journal) -> list[dict[str, Any]]:
    """Return, for each column that may identify people, which values of single training rows the result has.

    A column may identify people if its values hardly ever occur twice, see `Binning.warnings`. single_values: number of
    values that one training row alone has. shared: how many of them stand in the result. result_rows: the result's rows
    with one of them. values: the first of them, sorted as text.
    """
    columns = [column for column in binning.columns if column.identifying]
    rows_of = [_rows_of_values(source, columns) for source in (training, result)]
    found = []
    for column, in_training, in_result in zip(columns, *rows_of, strict=True):
        single = in_training.index[in_training == 1]
        shared = in_result[in_result.index.isin(single)]
        found.append(
            {
                "column": column.name,
                "single_values": len(single),
                "shared": len(shared),
                "result_rows": int(shared.sum()),
                "values": sorted(shared.index)[:MAX_EXAMPLES],
            }
        )
    if names := [f"{each['column']!r} in {each['result_rows']:,}" for each in found if each["shared"]]:
        journal.warn(f"result rows with a value that one training row alone has: of {', of '.join(names)}")
    return found


def _rows_of_values(source: Source, columns: list[Column]) -> list[pd.Series]:
    """Return the number of rows of each value, one series a column, with the values as text. Missing ones are left
    out."""
    if not columns:
        return []
    tallies = [pd.Series(dtype="int64") for _ in columns]
    for batch in source.batches([column.name for column in columns]):
        for place, column in enumerate(columns):
            texts = column.format.write(column.format.parse(batch.column(place))).to_pandas()
            tallies[place] = tallies[place].add(texts.value_counts(), fill_value=0).astype("int64")
    return tallies


def combination_figures(
    training: Codes, result: Codes, sample: np.ndarray, pool: Codes, columns: tuple[str, ...], journal: Journal
) -> dict[str, Any]:
    """Return how many rows have a combination of quasi-identifiers that one training row alone has, as plain values.

    The rows are those of the training data, of the result, and of a random sample of the pool (its row numbers). The
    log gets them too. Nothing is returned if there are no quasi-identifiers.
    """
    if not columns:
        return {}
    in_training, in_result, in_sample = (
        int(np.count_nonzero(rows))
        for rows in (
            single_row_combinations(training, training),
            single_row_combinations(training, result),
            single_row_combinations(training, pool)[sample],
        )
    )
    journal.progress.log(
        f"{in_training:,} training rows have a combination of {', '.join(columns)} of their own; {in_result:,} rows of "
        f"the result have one of these, and {in_sample:,} of a random sample of the pool"
    )
    names = ("training_rows", "result_rows", "pool_sample_rows")
    figures = dict(zip(names, (in_training, in_result, in_sample), strict=True))
    return {"quasi_identifiers": {"columns": list(columns)} | figures}
