"""Measures what a result is worth to a model that is trained on synthetic rows and tested on held-out real rows.

python -m benchmarks.usefulness TRAINING RESULT POOL HOLDOUT --target COLUMN [--above NUMBER] [--without COLUMN ...]
    [--seeds N] [--json FILE]

Gradient boosting learns the target from the training rows, from the result and from a random sample of the pool.
Pool and selection must not know the rows of HOLDOUT.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from benchmarks.command import exits, new_file, positive, text_table, write_figures
from postprocess.data.binning import fit_binning, read_typed
from postprocess.data.sources import open_source
from postprocess.runtime.progress import Progress

FILES = {  # in the order of the command line
    "training": "the original rows: .csv, .csv.gz or .parquet",
    "result": "the rows selected for them, or any other synthetic rows",
    "pool": "the rows that the result was selected from",
    "holdout": "original rows that were held out",
}
MAX_CATEGORIES = 250  # of a text column: the boosting takes 255; the rarest values are merged
# a split uses half of the columns, drawn by the seed; without regularization, classes of a few rows can diverge
SETTINGS = {"max_features": 0.5, "l2_regularization": 1.0}


def read_rows(
    paths: dict[str, Path], target: str, *, above: float | None, without: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Read the files as str (texts) and float64 columns, but not the rows whose target is missing.

    If `above` is given, the target becomes 1 or 0: whether it exceeds that number. Raises ValueError if a file or a
    column cannot be used.
    """
    binning = fit_binning(open_source(paths["training"], role="training"), progress=Progress())
    if unknown := {target, *without} - set(binning.names):
        raise ValueError(f"{paths['training']}: has no column {min(unknown)!r}; correct --target or --without")
    found = {}
    for role, path in paths.items():
        rows = read_typed(open_source(path, role=role), binning).dropna(subset=target)
        for name, values in rows.items():
            if pd.api.types.is_datetime64_any_dtype(values.dtype):
                rows[name] = (values - pd.Timestamp(0)) / pd.Timedelta(days=1)
            elif not pd.api.types.is_string_dtype(values.dtype):
                rows[name] = values.astype("float64")
        if above is not None:
            if rows[target].dtype != "float64":
                raise ValueError(f"{path}: column {target!r} is text; leave --above out")
            rows[target] = (rows[target] > above).astype("float64")
        if rows[target].nunique() < 2:
            raise ValueError(f"{path}: column {target!r} has fewer than two values; choose another --target or --above")
        found[role] = rows.drop(columns=set(without) - {target})
    return found


def score(rows: pd.DataFrame, holdout: pd.DataFrame, target: str, *, classes: bool, seed: int) -> float:
    """Train on the rows and return the holdout's AUC if the target has classes, else its R2.

    The AUC is the mean over the holdout's classes, each against all others, weighted by their shares.
    """
    features = rows.drop(columns=target)
    texts = [name for name, values in features.items() if values.dtype != "float64"]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=MAX_CATEGORIES)
    boosting = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    model = make_pipeline(
        make_column_transformer((encoder, texts), remainder="passthrough"),  # puts the texts first
        boosting(categorical_features=range(len(texts)), random_state=seed, **SETTINGS),
    ).fit(features, rows[target])
    if not classes:
        return float(r2_score(holdout[target], model.predict(holdout)))
    shares = holdout[target].value_counts(normalize=True)
    predicted = pd.DataFrame(model.predict_proba(holdout), columns=model.classes_, index=holdout.index)
    predicted = predicted.reindex(columns=shares.index, fill_value=0.0)  # 0: the rows lack this class
    return sum(share * float(roc_auc_score(holdout[target] == name, predicted[name])) for name, share in shares.items())


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.usefulness", description=__doc__.splitlines()[0])
    for name, meaning in FILES.items():
        parser.add_argument(name, type=Path, metavar=name.upper(), help=meaning)
    parser.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    parser.add_argument("--above", type=float, metavar="NUMBER", help="predict whether the target exceeds this number")
    parser.add_argument("--without", action="append", default=[], metavar="COLUMN", help="do not learn from it")
    parser.add_argument("--seeds", type=positive, default=5, metavar="N", help="models of each kind (%(default)s)")
    parser.add_argument("--json", type=new_file, metavar="FILE", help="write all figures")
    given = parser.parse_args(arguments)
    with exits(parser):
        paths = {name: getattr(given, name) for name in FILES}
        rows = read_rows(paths, given.target, above=given.above, without=given.without)
        classes = rows["training"][given.target].dtype != "float64" or rows["training"][given.target].nunique() == 2
        scores: dict[str, list[float]] = {"training rows": [], "result": [], "random sample of the pool": []}
        for seed in range(1, given.seeds + 1):
            sample = rows["pool"].sample(n=len(rows["training"]), random_state=seed)
            for name, each in zip(scores, (rows["training"], rows["result"], sample), strict=True):
                scores[name].append(score(each, rows["holdout"], given.target, classes=classes, seed=seed))
        table = pd.DataFrame(scores).agg(["mean", "std"]).fillna(0.0)
        lines = [[name, f"{mean:.4f}", f"{std:.4f}"] for name, (mean, std) in table.items()]
        print(text_table(["trained on", "AUC" if classes else "R2", "sd"], lines))
        files = {name: str(paths[name]) for name in ("result", "holdout")}
        write_figures(given, **files, target=given.target, above=given.above, without=given.without, scores=scores)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
