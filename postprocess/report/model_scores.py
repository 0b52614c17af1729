"""How well a model predicts: AUC of classes or R2 of numbers, with the standard error of the tested rows."""

import numpy as np
from scipy.stats import rankdata


def score_of(truth: np.ndarray, predicted: np.ndarray) -> tuple[float, float]:
    """Return AUC or R2, at least -1, and the standard error that the number of tested rows gives it.

    truth: (n,) numbers of classes, or numbers. predicted: probabilities of the classes, (n, n_classes), or numbers,
    (n, 1). Of two classes, the AUC is the second one's.
    """
    n_classes = predicted.shape[1]
    if n_classes == 1:
        parts = [_r2(truth, predicted[:, 0])]
    else:
        tested = [place for place in range(n_classes == 2, n_classes) if (truth == place).any()]
        parts = [_auc(truth == place, predicted[:, place]) for place in tested]
    scores, influences = zip(*parts, strict=True)
    error = np.linalg.norm(np.mean(influences, axis=0))
    return max(float(np.mean(scores)), -1.0), min(float(error), 1.0)


def _r2(truth: np.ndarray, predicted: np.ndarray) -> tuple[float, np.ndarray]:
    """Return R2 and the influence of each row on it: (n,) float64."""
    off, spread = (truth - predicted) ** 2, (truth - truth.mean()) ** 2
    total = spread.sum()
    r2 = 1 - off.sum() / total if total else 0.0
    return r2, ((1 - r2) * spread - off) / (total or 1.0)


def _auc(is_class: np.ndarray, predicted: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the AUC of a class and the influence of each row on it, which is DeLong's: (n,) float64."""
    n_class, n_other = np.count_nonzero(is_class), np.count_nonzero(~is_class)
    below = rankdata(predicted)
    for rows in (is_class, ~is_class):
        below[rows] -= rankdata(predicted[rows])
    right = np.where(is_class, below / n_other, 1 - below / n_class)
    auc = right[is_class].mean()
    return auc, (right - auc) / np.where(is_class, n_class, n_other)
