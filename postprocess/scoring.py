"""How accurate the sample of a cycle is, while the pool is still being built."""

from dataclasses import dataclass

import pandas as pd

from postprocess.data.binning import Binning
from postprocess.data.codes import Codes
from postprocess.data.encoding import encode_frame
from postprocess.runtime.threads import open_workers
from postprocess.tables.accuracy import measure


@dataclass(frozen=True)
class CycleScorer:
    """Scores a typed sample by its overall accuracy against the training data, 0..1."""

    training: Codes
    binning: Binning
    threads: int | None

    def __call__(self, sample: pd.DataFrame) -> float:
        codes = encode_frame(sample, self.binning)
        with open_workers(self.threads) as workers:
            (accuracy,) = measure(self.training.codes, [codes], self.binning.n_codes, workers=workers, label="")
        return accuracy.overall
