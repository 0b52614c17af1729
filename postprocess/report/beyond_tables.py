"""What a report says of single rows and values: how real they look, and how well models learn from them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from postprocess.data.binning import Binning, read_typed
from postprocess.data.sources import Source
from postprocess.report.realism import realism
from postprocess.report.usefulness import usefulness
from postprocess.runtime.stages import Journal
from postprocess.selection.parameters import SelectionParameters


def beyond_tables(
    frames: Mapping[str, pd.DataFrame],
    holdout: Source | None,
    pool: Source,
    sample: np.ndarray,
    binning: Binning,
    parameters: SelectionParameters,
    journal: Journal,
) -> dict[str, Any]:
    """Return the figures on rows and values for the summary: of the result, and beside it of a sample of the pool.

    frames: as `read_typed` returns them, of "training" and "result". sample: sorted numbers of pool rows. The
    parameters say which of the figures are wanted.
    """
    if not (parameters.realism or parameters.usefulness):
        return {}
    found: dict[str, Any] = {}
    with journal.stage("beyond the tables") as stage:
        training = frames["training"]
        others = {"result": frames["result"], "pool_sample": read_typed(pool, binning, sample)}
        stage.rows = len(others["result"])
        if parameters.realism:
            with journal.progress.task("Looking at the rows beyond the tables", unit=""):
                found["realism"] = realism(training, others, seed=parameters.seed)
        if parameters.usefulness:
            with journal.progress.task("Training models on the result", unit=""):
                unseen = None if holdout is None else read_typed(holdout, binning)
                found["usefulness"] = usefulness(
                    training, others, unseen, target=parameters.target_column, seed=parameters.seed
                )
    return found
