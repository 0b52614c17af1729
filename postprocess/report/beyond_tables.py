"""What a report says of single rows and values: how real they look, and how well models learn from them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from postprocess.data.binning import Binning, read_typed
from postprocess.data.sources import Source
from postprocess.report.realism import realism
from postprocess.report.usefulness import usefulness
from postprocess.runtime.stages import Journal
from postprocess.runtime.threads import open_workers
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
    seed, wanted = parameters.seed, dict[str, Callable[[], dict[str, Any]]]()
    with journal.stage("beyond the tables") as stage, open_workers(parameters.threads) as workers:
        training = frames["training"]
        others = {"result": frames["result"], "pool_sample": read_typed(pool, binning, sample)}
        stage.rows = len(others["result"])
        if parameters.realism:
            wanted["realism"] = partial(realism, training, others, seed=seed)
        if parameters.usefulness:
            unseen = None if holdout is None else read_typed(holdout, binning)
            target = parameters.target_column
            wanted["usefulness"] = partial(usefulness, training, others, unseen, target=target, seed=seed)
        with journal.progress.task("Looking beyond the tables, and training models", unit=""):
            found = workers.apart(lambda figures: figures(), [*wanted.values()])
            return dict(zip(wanted, found, strict=True))
