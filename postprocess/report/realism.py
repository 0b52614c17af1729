"""How real the rows of a result look beyond the bins, and those of a random sample of its pool."""

from collections.abc import Mapping
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from postprocess.report.recurring_numbers import DECIMALS, FEW_VALUES, decimals_of, in_units, recurring
from postprocess.rules.numbers import is_number
from postprocess.runtime.random_streams import random_stream

MAX_ROWS = 10_000  # of each frame that the classifier sees
FOLDS = 3
ITERATIONS, COLUMN_ITERATIONS = 30, 10  # trees of the classifier that sees all columns, and one
# without early stopping, all rows are learned from; a split uses half of the features, drawn by the random state
SETTINGS = {
    "early_stopping": False,
    "learning_rate": 0.2,
    "l2_regularization": 1.0,
    "max_features": 0.5,
    "random_state": 0,
}
SIGMAS = 3  # standard deviations of guessing by which a listed column exceeds 0.5
MAX_CATEGORIES = 250  # of a feature: the boosting takes 255; the rarest are merged
TELLING_COLUMNS = 5  # that are listed
MAX_ZEROS = 6  # that are counted at the end of a number
MISSING, INEXACT = -2, -1  # in place of a missing value's features, and of a number's that needs more decimals
SHAPES = {r"\p{Lu}+": "A", r"[\p{Ll}\p{Lt}\p{Lm}\p{Lo}\p{M}]+": "a", r"\p{Nd}+": "9"}
ODD = ("out_of_range", "new_values", "new_shapes")

Feature = tuple[np.ndarray, bool]  # (n_rows,) numbers, and whether they are categories


def realism(training: pd.DataFrame, others: Mapping[str, pd.DataFrame], *, seed: int) -> dict[str, Any]:
    """Return how well the rows of each other frame pass for training rows, as plain values.

    training, others: frames as `read_typed` returns them, with the same columns. others: "result" and, if there is one,
    "pool_sample".

    classifier: AUC of a classifier that tells a frame's rows from training rows, and the columns by which it tells the
        result's, see `tell_apart`.
    cells: values outside the training data's, see `odd_cells`.
    recurring: the shares of the training data's recurring numbers and endings, see `recurring`.
    """
    return {
        "classifier": tell_apart(training, others, seed=seed),
        "cells": odd_cells(training, others),
        "recurring": recurring(training, others),
    }


def tell_apart(training: pd.DataFrame, others: Mapping[str, pd.DataFrame], *, seed: int) -> dict[str, Any]:
    """Return, for each other frame, how well gradient boosting tells its rows from training rows, as plain values.

    auc: mean over the folds of a cross-validation. 0.5: not at all; below 0.5: the rows are closer to each other than
    two samples are. None: a frame has fewer rows than folds. standard_error: over the folds, but at least that of
    guessing, because a few folds may agree by chance. columns, of the result only: those that tell most if the
    classifier sees no other, and more than chance. At most MAX_ROWS rows of each frame are compared, drawn at random.
    """
    rng = random_stream(seed, "realism")

    def drawn(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.take(np.sort(rng.permutation(len(frame))[:MAX_ROWS]))

    real, found = drawn(training), {}
    decimals = {name: decimals_of(values) if is_number(values) else 0 for name, values in training.items()}
    for role, frame in others.items():
        rows = drawn(frame)
        figures: dict[str, Any] = {"training_rows": len(real), "rows": len(rows), "auc": None, "standard_error": None}
        if min(len(real), len(rows)) >= FOLDS:
            made = np.repeat([False, True], [len(real), len(rows)])
            features = {
                name: _features(pd.concat([real[name], rows[name]], ignore_index=True), decimals[name]) for name in real
            }
            aucs = _aucs([feature for own in features.values() for feature in own], made, iterations=ITERATIONS)
            figures["auc"] = round(float(np.mean(aucs)), DECIMALS)
            error = max(np.std(aucs, ddof=1) / np.sqrt(FOLDS), _guessing_error(len(real), len(rows)))
            figures["standard_error"] = round(float(error), DECIMALS)
            if role == "result":
                limit = 0.5 + SIGMAS * _guessing_error(len(real) / FOLDS, len(rows) / FOLDS)
                figures["columns"] = _telling(features, made, limit)
        found[role] = figures
    return found


def _aucs(features: list[Feature], made: np.ndarray, *, iterations: int, folds: int = FOLDS) -> list[float]:
    """Return the AUC of each of the first folds; made: (n_rows,) bool, which rows are synthetic."""
    table = np.column_stack([values for values, _ in features])
    model = HistGradientBoostingClassifier(
        max_iter=iterations,
        categorical_features=[is_category for _, is_category in features],
        **SETTINGS,
    )
    splits = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(table, made)
    with threadpool_limits(1, user_api="openmp"):  # sums of several threads differ in their last bits
        return [
            float(roc_auc_score(made[test], model.fit(table[fit], made[fit]).predict_proba(table[test])[:, 1]))
            for fit, test in islice(splits, folds)
        ]


def _guessing_error(n_real: float, n_made: float) -> float:
    """Return the standard deviation of the AUC of a classifier that guesses: that of the Mann-Whitney statistic."""
    return float(np.sqrt((n_real + n_made + 1) / (12 * n_real * n_made)))


def _telling(features: Mapping[str, list[Feature]], made: np.ndarray, limit: float) -> list[dict[str, Any]]:
    """Return the columns whose AUC on their own, on one fold, is the largest and above the limit."""
    aucs = {name: _aucs(own, made, iterations=COLUMN_ITERATIONS, folds=1)[0] for name, own in features.items()}
    telling = sorted((name for name in aucs if aucs[name] > limit), key=lambda name: -aucs[name])
    return [{"column": name, "auc": round(aucs[name], DECIMALS)} for name in telling[:TELLING_COLUMNS]]


def _features(values: pd.Series, decimals: int) -> list[Feature]:
    """Return what the classifier sees of a column: the values, and what a person would look at.

    Of a column of many values, it also sees how often a value occurs in the compared rows; of numbers, the zeros at the
    end and the last two digits, both if written with so many decimals; of dates, weekday and time of day; of text,
    length and shape. All are computed once for each distinct value.
    """
    codes, found = pd.factorize(values, sort=True)
    distinct = pd.Series(found, dtype=values.dtype)
    counts = np.bincount(codes[codes >= 0], minlength=len(distinct)).astype(np.float64)
    is_text = pd.api.types.is_string_dtype(values.dtype)
    each = [(_categories(counts), True) if is_text else (np.arange(len(distinct)), False)]
    if len(distinct) > MAX_CATEGORIES:
        each.append((counts, False))
    if len(distinct) > FEW_VALUES:
        if is_text:
            shapes, _ = pd.factorize(_shapes(distinct))
            each += [(distinct.str.len(), False), (_categories(np.bincount(shapes, counts))[shapes], True)]
        elif is_number(values):
            units, exact = in_units(distinct, decimals)
            zeros = sum(units % 10**power == 0 for power in range(1, MAX_ZEROS + 1))
            each += [(np.where(exact, zeros, INEXACT), False), (np.where(exact, units % 100, INEXACT), False)]
        else:
            each += [(distinct.dt.day_of_week, False), ((distinct - distinct.dt.normalize()).dt.total_seconds(), False)]
    # the code of a missing value is -1, which takes the last item; only the values themselves may be constant
    return [
        (np.append(feature, 0 if is_category else MISSING)[codes], is_category)
        for place, (feature, is_category) in enumerate(each)
        if place == 0 or np.ptp(feature) > 0
    ]


def _categories(counts: np.ndarray) -> np.ndarray:
    """Return numbers of categories from 1 on, the most frequent first; the rarest have one number."""
    ranks = np.empty(len(counts))
    ranks[np.argsort(-counts, kind="stable")] = np.arange(1, len(counts) + 1)
    return np.minimum(ranks, MAX_CATEGORIES)


def _shapes(texts: pd.Series) -> pd.Series:
    """Return the shapes of texts: capital letters become A, others a, digits 9, each run only one of them."""
    shapes = pa.array(texts.to_numpy(object), pa.string())
    for characters, sign in SHAPES.items():
        shapes = pc.replace_substring_regex(shapes, characters, sign)
    return shapes.to_pandas().set_axis(texts.index)


def odd_cells(training: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Return how many cells hold what the training data does not have, for each frame, as plain values.

    out_of_range: numbers and dates outside the training data's. new_values: texts that it never has. new_shapes: texts
    whose shape, see `_shapes`, it never has. "training" is what new real rows would have: each of its cells compared
    with all others. of: the cells of such columns that are not missing. worst_column: the one with the most cells
    beyond the training data's share, or None.
    """
    worst = {"worst_column": None, "worst_share": 0.0}
    found: dict[str, Any] = {
        kind: {role: {"cells": 0, "of": 0} | (worst if role in others else {}) for role in ("training", *others)}
        for kind in ODD
    }
    excess = {(kind, role): 0.0 for kind in ODD for role in others}
    for name, real in training.items():
        known, shares, of = _known(real.dropna()), {}, int(real.count())
        for kind, values in known.items():
            figures = found[kind]["training"]
            cells = _alone(kind, values)
            figures["cells"] += cells
            figures["of"] += of
            shares[kind] = cells / max(of, 1)
        for role, frame in others.items():
            of = int(frame[name].count())
            for kind, values in _known(frame[name].dropna()).items():
                figures = found[kind][role]
                cells = _outside(kind, known[kind], values)
                figures["cells"] += cells
                figures["of"] += of
                beyond = cells - shares[kind] * of
                if beyond > excess[kind, role]:
                    excess[kind, role] = beyond
                    figures |= {"worst_column": name, "worst_share": round(cells / of, DECIMALS)}
    for roles in found.values():
        for figures in roles.values():
            figures["share"] = round(figures["cells"] / max(figures["of"], 1), DECIMALS)
    return found


def _known(cells: pd.Series) -> dict[str, pd.Series]:
    """Return, for each kind of odd cells that a column may have, the numbers or dates, or the counts of the texts."""
    if pd.api.types.is_string_dtype(cells.dtype):
        counts = cells.value_counts()
        return {"new_values": counts, "new_shapes": counts.groupby(_shapes(counts.index.to_series())).sum()}
    return {} if pd.api.types.is_bool_dtype(cells.dtype) else {"out_of_range": cells}


def _alone(kind: str, known: pd.Series) -> int:
    """Return how many cells of the training data are odd if each is compared with all others."""
    if kind == "out_of_range":
        return sum(int((known == end).sum() == 1) for end in {known.min(), known.max()}) if len(known) else 0
    return int((known == 1).sum())


def _outside(kind: str, known: pd.Series, cells: pd.Series) -> int:
    """Return how many cells of another frame are odd."""
    if kind == "out_of_range":
        return len(cells) - int(cells.between(known.min(), known.max()).sum()) if len(known) else len(cells)
    return int(cells[~cells.index.isin(known.index)].sum())
