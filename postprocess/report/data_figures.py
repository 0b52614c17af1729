"""What the page shows of the data itself: the values of each column, how columns depend on each other, some rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from postprocess.data.binning import Binning
from postprocess.data.sources import Source
from postprocess.report.associations import associations
from postprocess.report.column_profiles import column_profiles
from postprocess.report.summary import first_rows
from postprocess.runtime.threads import Workers


def data_figures(
    result: Source,
    frames: Mapping[str, pd.DataFrame],
    codes: Mapping[str, np.ndarray],
    binning: Binning,
    *,
    weights: np.ndarray | None = None,
    workers: Workers,
) -> dict[str, Any]:
    """Return the figures for the summary.

    frames, weights: as `column_profiles` takes them. codes: as `associations` takes them.
    """
    return {
        "profiles": column_profiles(frames, codes, binning, weights),
        "associations": associations(codes, binning.names, binning.n_codes, weights=weights, workers=workers),
        "first_rows": first_rows(result, binning.names),
    }
