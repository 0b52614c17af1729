"""The summary of a small run, with names and values from outside that try to break the page."""

import json
import warnings
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from postprocess.data.binning import fit_binning, read_typed
from postprocess.data.encoding import read_codes
from postprocess.data.sources import open_source
from postprocess.report.data_figures import data_figures
from postprocess.report.findings import findings_of
from postprocess.report.mostlyai_qa import QaReport
from postprocess.report.pool_usage import pool_usage, weight_summary
from postprocess.report.summary import versions
from postprocess.runtime.progress import Progress
from postprocess.tables.accuracy import Accuracy
from postprocess.tables.comparison import compare
from tests.parameters import pool_parameters, selection_parameters
from tests.postprocess.oracles import ALONE

HOSTILE = "</script><script>alert(1)</script>"


def frame(n_rows, seed):
    """Return columns of all kinds. One has script tags in its name and in its values."""
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            HOSTILE: draw.choice(["<b>x</b>", "y & z", HOSTILE], n_rows),
            "größe {{ 7*7 }}": np.where(draw.random(n_rows) < 0.2, "", draw.integers(0, 90, n_rows).astype(str)),
            "day": (pd.Timestamp(2024, 1, 1) + pd.to_timedelta(draw.integers(0, 60, n_rows), "D")).strftime("%Y-%m-%d"),
        }
    )


def looks():
    """Return what a run finds out about columns, rules and the reality of the rows, as plain values."""
    shares = {"training": 0.25, "result": 0.125, "pool_sample": 0.375}
    cells = {role: {"cells": 12, "of": 1000, "share": 0.012} for role in shares}
    cells["result"] |= {"worst_column": HOSTILE, "worst_share": 0.034}
    classifier = {"training_rows": 120, "rows": 120, "standard_error": 0.0125}
    columns = [
        {"name": HOSTILE, "kind": "category", "format": "text", "distinct": 3, "missing": 0, "note": "<i>look</i>"},
        {"name": "day", "kind": "date", "format": "2024-01-31", "distinct": 1060, "missing": 30, "note": ""},
    ]
    rule = {"rule": f"{HOSTILE} <= day", "enforced": True, "pool_repaired": 17}
    return {
        "columns": columns,
        "rules": [
            rule | {"pool_broken": 1234, "result_broken": 0},
            rule | {"rule": "day missing together", "pool_repaired": None, "pool_broken": 0, "result_broken": 3},
        ],
        "realism": {
            "classifier": {
                "result": classifier | {"auc": 0.604, "columns": [{"column": HOSTILE, "auc": 0.58}]},
                "pool_sample": classifier | {"auc": 0.7},
            },
            "cells": dict.fromkeys(("out_of_range", "new_values", "new_shapes"), cells),
            "recurring": {
                "largest_difference": 0.125,
                "columns": [{"column": HOSTILE, "description": "ends in 99"} | shares],
            },
        },
    }


def read_back(training, result, folder):
    """Write two frames as CSV files; returns the source of the result, and typed frames, codes and binning of both."""
    frames, codes = {}, {}
    for role, data in (("training", training), ("result", result)):
        data.to_csv(folder / f"{role}.csv", index=False)
        source = open_source(folder / f"{role}.csv", role=role)
        if role == "training":
            binning = fit_binning(source, progress=Progress())
        codes[role] = read_codes(source, binning, progress=Progress()).codes
        frames[role] = read_typed(source, binning)
    return source, frames, codes, binning


def findings_between(training, result, folder):
    """Write two frames as CSV files and return the figures on their tables and on the data itself."""
    source, frames, codes, binning = read_back(training, result, folder)
    comparison = compare(*codes.values(), binning.n_codes, workers=ALONE)
    return findings_of(comparison, *codes.values(), binning) | data_figures(
        source, frames, codes, binning, workers=ALONE
    )


@pytest.fixture
def run_summary(tmp_path):
    """Return the summary of a run as it is read back from its file."""
    findings = findings_between(frame(120, 1), frame(120, 2), tmp_path)
    accuracy = {
        "pool_sample": Accuracy(0.9, 0.8, 0.7),
        "ipf": Accuracy(0.95, 0.9, 0.85),
        "trimmed": Accuracy(0.97, 0.92, 0.87),
        "refined": Accuracy(0.99, 0.96, None),
    }
    seconds = {"reading": 1.23456, "ipf": 2.0, "oversized subset": 1.0, "trimming": 61.0}
    ended = {
        "ipf": {"status": "stalled", "sweeps": 3, "largest_error": 0.02, "mean_error": 1 / 300},
        "trimming": {"status": "finished", "removed_greedily": 120},
    }
    rows = {"oversized subset": 240}
    stages = [{"name": name, "seconds": time, "rows": rows.get(name, 120)} for name, time in seconds.items()]
    stages = [stage | ended.get(stage["name"], {}) for stage in stages]
    refinement = {"status": "out of time", "rounds": 9, "swaps": 1234}
    fit = [[20.0, 0.97], [30.0, 0.974], [40.0, 0.975]]
    stages.append({"name": "refinement", "seconds": 40.0, "rows": 120} | refinement | {"fit": fit})
    file = {"path": "data/<i>ünï</i>.csv", "rows": 120, "columns": 3, "sha256": "0" * 64}
    content = {
        "training": file,
        "pool": {"path": "pool.csv", "rows": 1200, "columns": 3, "sha256": "1" * 64, "made_by": None},
        "result": file,
        "parameters": {"pool": asdict(pool_parameters()), "selection": asdict(selection_parameters(seed=7))},
        "seed": 7,
        "versions": versions(),
        "stages": stages,
        "accuracy": {step: figures.as_dict() for step, figures in accuracy.items()},
        "curve": [[4.0, 0.93], [65.0, 0.95], [85.0, 0.97], [95.0, 0.974], [105.0, 0.975]],
        "excluded": {"training_copies": 1234, "rare": 0, "near_copies": 1},
        "warnings": [f"column {HOSTILE!r} is {{odd}} & constant"],
        "peak_memory_bytes": 10**9,
        "seconds": 90.0,
        "weights": weight_summary(np.geomspace(1e-8, 1, 1200)),
        "origin": pool_usage(np.arange(0, 1200, 10), tmp_path / "pool.csv", 1200)[0],
        "trainings": [],
        "draft": False,
        "closest_training_row": {},
        **looks(),
        **findings,
    }
    return json.loads(json.dumps(content))


@pytest.fixture
def qa_report():
    """Return figures of mostlyai-qa as `evaluate` returns them."""
    seed = {"rows": 50, "ims_training": 0.0, "ims_holdout": 0.01, "ims_trn_hol": 0.02}
    share = {"dcr_share": 0.51, "nndr_ratio": 0.9, "ims_training": 0.0, "ims_holdout": None}
    return QaReport(
        accuracy={"overall": 0.91, "univariate": 0.97, "bivariate": 0.9, "trivariate": 0.86, "coherence": None},
        privacy=share,
        privacy_by_seed=tuple(
            {"seed": number, "dcr_share": 0.5 + number / 100, "nndr_ratio": 0.3 * number} | seed for number in (1, 2, 3)
        ),
        together={
            "result": Accuracy(0.97, 0.9, 0.86).as_dict(),
            "copy_of_training": Accuracy(0.99, 0.98, 0.97).as_dict(),
        },
    )


@pytest.fixture
def no_warnings():
    """Make every warning an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
