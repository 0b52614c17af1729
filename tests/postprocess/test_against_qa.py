"""Tests that the accuracies and the sampling limits of whole files equal those of mostlyai-qa, on random mixed data."""

from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postprocess.data.binning import fit_binning
from postprocess.data.encoding import read_codes
from postprocess.data.sources import open_source
from postprocess.runtime.progress import Progress
from postprocess.tables.comparison import compare
from tests.postprocess.oracles import ALONE

pytestmark = pytest.mark.slow

joblib = pytest.importorskip("joblib")
qa = pytest.importorskip("mostlyai.qa._accuracy")
sampling = pytest.importorskip("mostlyai.qa._sampling")

KINDS = {
    "whole": lambda draw, n: draw.integers(-20, 60, n),
    "decimal": lambda draw, n: np.round(draw.lognormal(2, 1, n), 2),
    "few": lambda draw, n: draw.integers(0, 3, n),
    "word": lambda draw, n: draw.choice(["ü", "a, b", "x", "(other)", "lang " * 6], n, p=[0.4, 0.3, 0.2, 0.05, 0.05]),
    "many": lambda draw, n: np.array([f"name {number}" for number in draw.zipf(1.8, n) % 25]),
    "day": lambda draw, n: (pd.Timestamp(2024, 1, 1) + pd.to_timedelta(draw.integers(0, 300, n), "D")).strftime(
        "%Y-%m-%d"
    ),
    "flag": lambda draw, n: draw.choice(["true", "false"], n),
    "constant": lambda draw, n: np.full(n, "same"),
}


def mixed(kinds, missing, n_rows, seed):
    """Return a frame of these kinds of columns, with this share of missing values."""
    draw = np.random.default_rng(seed)
    columns = {
        f"{kind} {place}": pd.Series(KINDS[kind](draw, n_rows), dtype=object) for place, kind in enumerate(kinds)
    }
    return pd.DataFrame({name: values.mask(draw.random(n_rows) < missing) for name, values in columns.items()})


def as_qa_reads(frame, dates):
    """Return the frame as a user reads the CSV for mostlyai-qa: with pandas' types, and dates as dates."""
    frame = frame.apply(lambda column: pd.to_datetime(column) if column.name in dates else column.infer_objects())
    booleans = {"true": True, "false": False}
    return frame.apply(lambda column: column.map(booleans).astype("boolean") if "flag" in column.name else column)


def qa_accuracies(training, result):
    """Return qa's accuracies of all columns, pairs and triples. Free text is not cut into random words here."""
    dates = [name for name in training if name.startswith("day")]
    with mock.patch.object(sampling, "is_text_heuristic", return_value=False), joblib.parallel_config(n_jobs=1):
        original = sampling.prepare_data_for_accuracy(df_tgt=as_qa_reads(training, dates), setup="1:1")
        types = original.dtypes.to_dict()
        synthetic = sampling.prepare_data_for_accuracy(df_tgt=as_qa_reads(result, dates), setup="1:1", ori_dtypes=types)
        original, bins = qa.bin_data(original, 10)
        synthetic, _ = qa.bin_data(synthetic, bins)
        calculate = (qa.calculate_univariates, qa.calculate_bivariates, qa.calculate_trivariates)
        return [of_order(original, synthetic) for of_order in calculate]


@pytest.mark.filterwarnings("ignore")  # the warnings of qa
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=5),
    missing=st.sampled_from([0.0, 0.1, 0.6]),
    n_rows=st.sampled_from([(100, 100), (150, 90), (110, 400)]),
    seed=st.integers(0, 2**31),
)
def test_accuracies_and_limits_equal_those_of_mostlyai_qa(tmp_path, kinds, missing, n_rows, seed):
    frames = [mixed(kinds, missing, n, seed + k) for k, n in enumerate(n_rows)]
    paths = [tmp_path / "training.csv", tmp_path / "result.csv"]
    for frame, path in zip(frames, paths, strict=True):
        frame.to_csv(path, index=False)
    binning = fit_binning(open_source(paths[0], role="training"), progress=Progress())
    codes = [
        read_codes(open_source(path, role=role), binning, progress=Progress()).codes
        for path, role in zip(paths, ("training", "result"), strict=True)
    ]
    ours = compare(*codes, binning.n_codes, workers=ALONE)

    for theirs, accuracy, limit in zip(
        qa_accuracies(*frames), ours.accuracy.orders(), ours.limit.orders(), strict=True
    ):
        if accuracy is None:
            assert theirs.empty
        else:
            assert accuracy == pytest.approx(theirs["accuracy"].astype(float).mean(), abs=1e-5)
            assert limit == pytest.approx(theirs["accuracy_max"].astype(float).mean(), abs=1e-5)
