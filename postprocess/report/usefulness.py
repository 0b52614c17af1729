"""How good a model is that learns from a result, compared with models that learn from real rows and from pool rows."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor
from threadpoolctl import threadpool_limits

from postprocess.report.model_scores import score_of
from postprocess.report.recurring_numbers import DECIMALS
from postprocess.runtime.random_streams import random_stream

MAX_ROWS = 10_000  # of each frame that the models see
MAX_TARGETS = 3  # that are found if none is given
REPEATS = 3  # models of each kind
MIN_ROWS = 50  # of each frame that have a value of the target
MAX_CLASSES, MIN_CLASS_ROWS = 10, 20  # a column of more distinct numbers has no classes
MIN_COVERED = 0.5  # share of the rows that the classes have; another text column is free text
MAX_CATEGORIES = 250  # of a feature: the boosting takes 255; the rarest are merged
LARGEST = 1e30  # of all numbers: the models compute in single precision
ITERATIONS, MIN_ITERATIONS = 30, 5  # of the boosting; fewer if each class has trees of its own, to save time
# without early stopping, all rows are learned from; without regularization, classes of a few rows can diverge; a split
# uses half of the features, drawn by the random state
SETTINGS = {"early_stopping": False, "learning_rate": 0.3, "max_leaf_nodes": 15, "l2_regularization": 1.0}
SETTINGS["max_features"] = 0.5
LOOK_ROWS = 2_000  # of the training data, which tell whether a column can be predicted
LOOK_SETTINGS = {"min_samples_leaf": 5, "max_leaf_nodes": 64, "random_state": 0}
MIN_SKILL, MAX_SKILL = 0.2, 0.99  # of a target that is found; above, other columns determine it
BEST_SKILL = 0.7  # the targets nearest to it come first: the models are good, but can differ
SIGMAS = 3  # standard errors by which the skill exceeds guessing

_Rows = tuple[np.ndarray, np.ndarray]  # (n, n_columns) float64 features and (n,) float64 truth of a target


class _UnusableError(Exception):
    """A column cannot be a target; the message says why."""


class _Data:
    """Frames as `read_typed` returns them, by role, and what models learn from.

    A target's classes are its values, the most frequent first; there are none if it is a number.
    """

    def __init__(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self.frames, self.training = frames, frames["training"]
        self.features = {role: _features(self.training, frame) for role, frame in frames.items()}
        self.is_text = np.array([pd.api.types.is_string_dtype(dtype) for dtype in self.training.dtypes])

    def truth(self, role: str, name: str, classes: pd.Index) -> np.ndarray:
        """Return the numbers of a target, or the places of its classes: (n,) float64, NaN if a value is neither."""
        plain = _plain(self.frames[role][name])
        if not len(classes):
            return plain.to_numpy()
        places = classes.get_indexer(plain)
        return np.where(places < 0, np.nan, places)

    def rows(self, role: str, name: str, classes: pd.Index) -> _Rows:
        """Return the rows of a frame that have a value of the target, which is not among the features."""
        truth = self.truth(role, name, classes)
        usable = np.flatnonzero(~np.isnan(truth))
        return self.features[role][np.ix_(usable, self.training.columns != name)], truth[usable]

    def classes(self, name: str) -> pd.Index:
        """Return the classes of a column as a target. Raises _UnusableError if it cannot be one."""
        classes = _classes(self.training[name])
        for role in self.frames.keys() - {"holdout"}:
            if np.count_nonzero(~np.isnan(self.truth(role, name, classes))) < MIN_ROWS:
                raise _UnusableError(f"Too few rows have a value of the column {name!r}: a model needs {MIN_ROWS}.")
        return classes


def usefulness(
    training: pd.DataFrame,
    others: Mapping[str, pd.DataFrame],
    holdout: pd.DataFrame | None,
    *,
    target: str | None,
    seed: int,
) -> dict[str, Any]:
    """Return how well models predict real rows if they learn from training rows or from another frame, as plain values.

    training, others, holdout: frames as `read_typed` returns them, with the same columns. others: "result" and, if
    there is one, "pool_sample". target: the column to predict; None: up to MAX_TARGETS columns that can be predicted.

    targets: the figures of each target, see `_figures`. reason: why there are none, only if there are none.

    The models are tested on the holdout. If it is None or too small, they are tested on training rows that the model of
    the training rows has not seen. The result was selected with these rows in view, so its score may be flattered a
    little. At most MAX_ROWS rows of each frame are used, drawn at random.
    """
    rng = random_stream(seed, "usefulness")
    frames = {"training": training, **others} | ({} if holdout is None else {"holdout": holdout})
    try:
        if training.shape[1] < 2:
            raise _UnusableError("The training data has no other column to learn from.")
        data = _Data({role: each.take(np.sort(rng.permutation(len(each))[:MAX_ROWS])) for role, each in frames.items()})
        with threadpool_limits(1, user_api="openmp"):  # sums of several threads differ in their last bits
            if target is not None:
                return {"targets": [_figures(data, target, data.classes(target), rng)]}
            found = [_figures(data, name, classes, rng) for name, classes in _found(data, rng)]
        # the boosting may see what the quick tree does not: that other columns determine the target
        found = [each for each in found if _skill(each["measure"] == "AUC", each["training"]["score"]) <= MAX_SKILL]
        if not found:
            raise _UnusableError("No column can be predicted well, but not perfectly, from the others.")
    except _UnusableError as error:
        return {"targets": [], "reason": str(error)}
    return {"targets": found}


def _plain(values: pd.Series) -> pd.Series:
    """Return text as it is, and anything else as float64: dates in days, booleans as 0 and 1, NaN if not finite."""
    if pd.api.types.is_string_dtype(values.dtype):
        return values
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        numbers = (values.to_numpy("M8[us]") - np.datetime64(0, "us")) / np.timedelta64(1, "D")
    else:
        numbers = values.to_numpy(np.float64, na_value=np.nan)
    return pd.Series(np.where(np.isfinite(numbers), numbers.clip(-LARGEST, LARGEST), np.nan), values.index)


def _features(training: pd.DataFrame, frame: pd.DataFrame) -> np.ndarray:
    """Return what models learn from: (n, n_columns) float64.

    A text is its place among the most frequent texts of the training data. All others share the next place.
    """
    features = np.empty((len(frame), training.shape[1]))
    for column, name in enumerate(training):
        plain = _plain(frame[name])
        if plain.dtype != np.float64:
            places = training[name].value_counts().index[:MAX_CATEGORIES].get_indexer(plain)
            plain = plain.isna().map({True: np.nan, False: MAX_CATEGORIES}).where(places < 0, places)
        features[:, column] = plain
    return features


def _classes(values: pd.Series) -> pd.Index:
    """Return the classes of a column of the training data. Raises _UnusableError if it cannot be a target."""
    counts = _plain(values).value_counts()
    if len(counts) < 2:
        raise _UnusableError(f"The column {values.name!r} has {'one value only' if len(counts) else 'no value'}.")
    if counts.index.dtype == np.float64 and len(counts) > MAX_CLASSES:
        return pd.Index([])
    classes = counts[counts >= MIN_CLASS_ROWS][:MAX_CLASSES]
    if len(classes) < 2:
        raise _UnusableError(f"The column {values.name!r} has no two values of {MIN_CLASS_ROWS} rows or more.")
    if classes.sum() < MIN_COVERED * counts.sum():
        raise _UnusableError(f"The column {values.name!r} has too many different values.")
    return classes.index


def _found(data: _Data, rng: np.random.Generator) -> list[tuple[str, pd.Index]]:
    """Return up to MAX_TARGETS targets that others predict, but not perfectly, with their classes.

    Both classes and a number are among them, if possible.
    """
    found = []
    for name, values in data.training.items():
        is_whole = pd.api.types.is_integer_dtype(values.dtype)
        if pd.api.types.is_datetime64_any_dtype(values.dtype) or (is_whole and values.is_unique):
            continue  # nobody wants to predict the date or the number of a row
        with suppress(_UnusableError):
            classes = data.classes(name)
            skill = _tree_skill(*data.rows("training", name, classes), len(classes), rng)
            if MIN_SKILL <= skill <= MAX_SKILL:
                found.append((abs(skill - BEST_SKILL), name, classes))
    found.sort(key=lambda each: each[0])
    best = {len(classes) > 0: name for _, name, classes in reversed(found)}.values()
    found.sort(key=lambda each: each[1] not in best)
    return [(name, classes) for _, name, classes in found[:MAX_TARGETS]]


def _skill(is_auc: bool, score: float) -> float:
    """Return AUC or R2 on the scale of R2, on which 0 is guessing."""
    return 2 * score - 1 if is_auc else score


def _tree_skill(features: np.ndarray, truth: np.ndarray, n_classes: int, rng: np.random.Generator) -> float:
    """Return the skill of a tree that predicts the target; 0 if it may be chance."""
    drawn = rng.permutation(len(truth))[:LOOK_ROWS]
    features, truth = features[drawn], truth[drawn]
    kept = _folds(truth, n_classes, rng) == 0
    known = truth[:, None] == np.arange(n_classes) if n_classes else truth[:, None]
    tree = DecisionTreeRegressor(**LOOK_SETTINGS).fit(features[~kept], known[~kept])
    score, error = score_of(truth[kept], tree.predict(features[kept]).reshape(-1, known.shape[1]))
    is_auc = n_classes > 0
    return _skill(is_auc, score) if _skill(is_auc, score - SIGMAS * error) > 0 else 0.0


def _folds(truth: np.ndarray, n_classes: int, rng: np.random.Generator) -> np.ndarray:
    """Return the part, of REPEATS, to which each row belongs, with equal shares of all classes in each part."""
    order = rng.permutation(len(truth))
    if n_classes:
        order = order[np.argsort(truth[order], kind="stable")]
    folds = np.empty(len(truth), np.int64)
    folds[order] = np.arange(len(truth)) % REPEATS
    return folds


def _figures(data: _Data, name: str, classes: pd.Index, rng: np.random.Generator) -> dict[str, Any]:
    """Return the scores of models that learn from as many rows of each frame, as plain values.

    measure: R2, or AUC, the mean over the classes, each against all others. class: of two, the rarer one, which the AUC
    is about; else None. classes: how many are told apart; None: a number is predicted. Rows of other values are left
    out. tested_rows: of all tests. score: the mean over REPEATS models. error: the standard error over the models, but
    at least that of so many tested rows.
    """
    rows = {role: data.rows(role, name, classes) for role in data.frames}
    holdout = rows.pop("holdout", None)
    if holdout and (len(holdout[1]) < MIN_ROWS or np.ptp(holdout[1]) == 0):
        holdout = None
    categories = data.is_text[data.training.columns != name]
    scores = _scores(rows, holdout, len(classes), categories, rng)
    shown = data.training[name][data.truth("training", name, classes) == 1]
    return {
        "target": name,
        "measure": "AUC" if len(classes) else "R2",
        "class": str(shown.iloc[0]) if len(classes) == 2 else None,
        "classes": len(classes) or None,
        "tested_on": "holdout" if holdout else "training rows kept out",
        "tested_rows": len((holdout or rows["training"])[1]),
    } | {role: _mean(own, apart=not holdout) for role, own in scores.items()}


def _scores(
    rows: Mapping[str, _Rows], holdout: _Rows | None, n_classes: int, categories: np.ndarray, rng: np.random.Generator
) -> dict[str, list[tuple[float, float]]]:
    """Return the scores and errors, see `score_of`, of REPEATS models of each frame.

    The models learn from bootstrap samples if there is a holdout. If there is none, each is tested on its own third of
    the training rows. categories: (n_columns,) bool, which features they are.
    """
    folds = _folds(rows["training"][1], n_classes, rng)
    scores: dict[str, list[tuple[float, float]]] = {role: [] for role in rows}
    for repeat in range(REPEATS):
        able = {role: np.arange(len(truth)) for role, (_, truth) in rows.items()}
        if not holdout:
            able["training"] = np.flatnonzero(folds != repeat)
        features, truth = holdout or [each[folds == repeat] for each in rows["training"]]
        fewest, state = min(map(len, able.values())), int(rng.integers(2**31))
        for role, fit in rows.items():
            drawn = rng.permutation(able[role])[:fewest]
            drawn = rng.choice(drawn, fewest) if holdout else drawn
            learn = (fit[0][drawn], fit[1][drawn], features)
            predicted = _predicted(*learn, n_classes=n_classes, categories=categories, state=state)
            scores[role].append(score_of(truth, predicted))
    return scores


def _mean(scores: list[tuple[float, float]], *, apart: bool) -> dict[str, float]:
    """Return the mean of scores and its error; apart: whether each was tested on rows of its own."""
    each, errors = np.array(scores).T
    tested = np.sqrt(np.mean(errors**2) / (REPEATS if apart else 1))
    error = max(np.std(each, ddof=1) / np.sqrt(REPEATS), tested)
    return {"score": round(float(each.mean()), DECIMALS), "error": round(float(error), DECIMALS)}


def _predicted(
    features: np.ndarray, truth: np.ndarray, tested: np.ndarray, *, n_classes: int, categories: np.ndarray, state: int
) -> np.ndarray:
    """Learn, and return the tested rows' probabilities of the classes, (n, n_classes), or their numbers, (n, 1)."""
    features = np.where(np.isnan(features).all(axis=0), 0.0, features)  # the boosting needs a value to make bins
    iterations = max(MIN_ITERATIONS, ITERATIONS // n_classes) if n_classes > 2 else ITERATIONS
    boosting = HistGradientBoostingClassifier if n_classes else HistGradientBoostingRegressor
    model = boosting(max_iter=iterations, categorical_features=categories, random_state=state, **SETTINGS)
    if not n_classes:
        return model.fit(features, truth).predict(tested)[:, None]
    probabilities = np.zeros((len(tested), n_classes))
    known = np.unique(truth).astype(np.int64)
    if len(known) > 1:
        probabilities[:, known] = model.fit(features, truth).predict_proba(tested)
    return probabilities
