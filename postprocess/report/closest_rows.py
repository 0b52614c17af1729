"""How close the rows of a result, and of a random sample of its pool, come to single training rows."""

from collections.abc import Mapping

import numpy as np

from postprocess.privacy.nearest import dcr_to_training
from postprocess.runtime.random_streams import random_stream
from postprocess.runtime.threads import Workers

DCR_SAMPLE_ROWS = 5_000  # of each data set whose distances to the training rows are measured
CLOSEST = 0.01  # share of the training rows that are called close to each other


def closest_training_rows(
    training: np.ndarray,
    samples: Mapping[str, np.ndarray],
    training_dcr: np.ndarray | None,
    *,
    seed: int,
    workers: Workers,
) -> dict[str, dict[str, float]]:
    """Return the distances of each sample to the closest training row, in figures, and of `training` rows to others.

    training, samples: (n_columns, n_rows) uint8 codes; at most DCR_SAMPLE_ROWS rows of each are compared, drawn at
    random. training_dcr: (n_training,) distance of each training row to the nearest other one, or None if it is not
    known yet.

    The figures are those of `summarise`, and close: how many rows are as close as the closest CLOSEST of the training
    rows are to each other.
    """

    def drawn(name: str, n_rows: int) -> np.ndarray:
        rng = random_stream(seed, f"closest training rows of {name}")
        return np.sort(rng.permutation(n_rows)[:DCR_SAMPLE_ROWS])

    def dcr(name: str, codes: np.ndarray, own_number: np.ndarray | None = None) -> np.ndarray:
        label = f"Comparing {name.replace('_', ' ')} with the training rows"
        return dcr_to_training(codes, training, own_number=own_number, workers=workers, label=label)

    distances = {name: dcr(name, codes.take(drawn(name, codes.shape[1]), axis=1)) for name, codes in samples.items()}
    own = drawn("training", training.shape[1])
    distances["training"] = (
        dcr("training", training.take(own, axis=1), own) if training_dcr is None else training_dcr[own]
    )
    limit = np.quantile(distances["training"], CLOSEST, method="lower")
    close = {name: int(np.count_nonzero(values <= limit)) for name, values in distances.items()}
    return {name: summarise(values) | {"close": close[name]} for name, values in distances.items()}


def summarise(dcr: np.ndarray) -> dict[str, float]:
    """Return distances in figures: rows, how many of distance 0, minimum, 1 % quantile, median."""
    lowest, median = np.quantile(dcr, [CLOSEST, 0.5], method="lower")
    return {
        "rows": len(dcr),
        "identical": int(np.count_nonzero(dcr == 0)),
        "minimum": int(dcr.min()),
        "percentile_1": int(lowest),
        "median": int(median),
    }
