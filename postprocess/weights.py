"""How the weights are spread over the pool: how many of its rows carry the result."""

from __future__ import annotations

import numpy as np

BINS_A_DECADE = 2
DECADES = 6  # below 1; smaller weights share a bin
MOST_OF_THE_WEIGHT = 0.99


def weight_summary(weights: np.ndarray) -> dict[str, object]:
    """What a page tells of the weights (n_rows,), as plain values.

    histogram: bins of weight on a logarithmic scale up to 1, each with its bounds, its number of rows and its share of
    the weight. effective_rows: (sum w)^2 / sum w^2, the rows of equal weight that would vary as much (Kish).
    carrying_rows: the fewest rows that hold MOST_OF_THE_WEIGHT. full_rows: those of weight 1.
    """
    total = float(weights.sum())
    descending = np.sort(weights)[::-1]
    carrying = int(np.searchsorted(np.cumsum(descending), MOST_OF_THE_WEIGHT * total)) + 1
    lowest = -DECADES * BINS_A_DECADE
    smallest = 10.0 ** (lowest / BINS_A_DECADE)
    bins = np.ceil(np.log10(np.maximum(weights, smallest)) * BINS_A_DECADE).astype(np.int64) - lowest
    rows = np.bincount(bins, minlength=1 - lowest)
    shares = np.bincount(bins, weights, minlength=1 - lowest) / total
    return {
        "rows": len(weights),
        "effective_rows": round(total**2 / float(np.square(weights).sum()), 1),
        "carrying_rows": min(carrying, len(weights)),
        "full_rows": int(np.count_nonzero(weights >= 1)),
        "histogram": [
            {
                "above": 10 ** ((lowest + place - 1) / BINS_A_DECADE) if place else 0.0,
                "to": 10 ** ((lowest + place) / BINS_A_DECADE),
                "rows": int(count),
                "weight_share": round(float(share), 6),
            }
            for place, (count, share) in enumerate(zip(rows, shares, strict=True))
        ],
    }
