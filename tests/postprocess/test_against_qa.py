"""Accuracies and the sampling limit of whole files against mostlyai-qa's own functions, on random mixed tables."""

from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from postprocess.data.binning import fit
from postprocess.data.encoding import read_codes
from postprocess.data.sources import open_source
from postprocess.report.comparison import compare
from postprocess.runtime.progress import Silent
from tests.postprocess.oracles import ALONE

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
    """A frame of these kinds of columns, of whose cells this share is missing."""
    draw = np.random.default_rng(seed)
    columns = {
        f"{kind} {place}": pd.Series(KINDS[kind](draw, n_rows), dtype=object) for place, kind in enumerate(kinds)
    }
    return pd.DataFrame({name: cells.mask(draw.random(n_rows) < missing) for name, cells in columns.items()})


def as_qa_reads(frame, dates):
    """As a user reads the CSV for mostlyai-qa: pandas' types, and dates as such."""
    frame = frame.apply(lambda cells: pd.to_datetime(cells) if cells.name in dates else cells.infer_objects())
    return frame.apply(
        lambda cells: cells.map({"true": True, "false": False}).astype("boolean") if "flag" in cells.name else cells
    )


def qa_levels(training, result):
    """qa's accuracies of all columns, pairs and triples of columns; free text is not cut into random words here."""
    dates = [name for name in training if name.startswith("day")]
    with mock.patch.object(sampling, "is_text_heuristic", return_value=False), joblib.parallel_config(n_jobs=1):
        original = sampling.prepare_data_for_accuracy(df_tgt=as_qa_reads(training, dates), setup="1:1")
        types = original.dtypes.to_dict()
        synthetic = sampling.prepare_data_for_accuracy(df_tgt=as_qa_reads(result, dates), setup="1:1", ori_dtypes=types)
        original, bins = qa.bin_data(original, 10)
        synthetic, _ = qa.bin_data(synthetic, bins)
        calculate = (qa.calculate_univariates, qa.calculate_bivariates, qa.calculate_trivariates)
        return [level(original, synthetic) for level in calculate]


@pytest.mark.filterwarnings("ignore")  # qa's own
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=5),
    missing=st.sampled_from([0.0, 0.1, 0.6]),
    n_rows=st.sampled_from([(100, 100), (150, 90), (110, 400)]),
    seed=st.integers(0, 2**31),
)
def test_accuracies_and_limits_equal_mostlyai_qas(tmp_path, kinds, missing, n_rows, seed):
    frames = [mixed(kinds, missing, n, seed + k) for k, n in enumerate(n_rows)]
    paths = [tmp_path / "training.csv", tmp_path / "result.csv"]
    for frame, path in zip(frames, paths, strict=True):
        frame.to_csv(path, index=False)
    binning = fit(open_source(paths[0], role="training"), progress=Silent())
    codes = [
        read_codes(open_source(path, role=role), binning, progress=Silent()).codes
        for path, role in zip(paths, ("training", "result"), strict=True)
    ]
    ours = compare(*codes, binning.sizes, workers=ALONE, progress=Silent())

    for theirs, accuracy, limit in zip(qa_levels(*frames), ours.accuracy.levels(), ours.limit.levels(), strict=True):
        if accuracy is None:
            assert theirs.empty
        else:
            assert accuracy == pytest.approx(theirs["accuracy"].astype(float).mean(), abs=1e-5)
            assert limit == pytest.approx(theirs["accuracy_max"].astype(float).mean(), abs=1e-5)
