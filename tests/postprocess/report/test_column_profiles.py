"""Tests that the figures of columns are those of their values."""

import numpy as np
import pandas as pd
import pytest

from postprocess.report import column_profiles as profiles_module
from postprocess.report.column_profiles import column_profiles
from tests.postprocess.report.conftest import read_back


def profiles(training, result, folder, weights=None):
    """Return the profiles of two frames, by column."""
    _, frames, codes, binning = read_back(training, result, folder)
    return {profile["column"]: profile for profile in column_profiles(frames, codes, binning, weights)}


def data(n_rows=200, seed=1):
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "number": np.where(draw.random(n_rows) < 0.25, np.nan, draw.normal(10, 3, n_rows).round(2)),
            "huge": draw.choice([1e300, -1e300, 0.5], n_rows),
            "day": pd.Series(pd.Timestamp(2024, 1, 1) + pd.to_timedelta(np.arange(n_rows), "D")).dt.strftime(
                "%d.%m.%Y"
            ),
            "text": draw.choice(["x", "y"], n_rows),
            "one": 5,
        }
    )


def test_numbers_have_their_mean_deviation_and_quantiles(tmp_path):
    training, result = data(), data(seed=2)
    found = profiles(training, result, tmp_path)
    for role, frame in (("training", training), ("result", result)):
        values, figures = frame["number"].dropna(), found["number"][role]
        assert figures["mean"] == pytest.approx(values.mean())
        assert figures["deviation"] == pytest.approx(values.std(ddof=0))
        assert figures["quantiles"] == np.quantile(values, [0.05, 0.5, 0.95], method="inverted_cdf").tolist()
        assert figures["missing"] == pytest.approx(frame["number"].isna().mean())
        assert figures["distinct"] == values.nunique()
    assert found["huge"]["training"]["deviation"] == pytest.approx(8e299, rel=0.1)
    assert found["one"]["training"] | {"deviation": 0.0} == found["one"]["training"]


def test_dates_have_quantiles_in_their_format_and_texts_have_none(tmp_path):
    found = profiles(data(), data(), tmp_path)
    assert found["day"]["training"] == {
        "missing": 0.0,
        "distinct": 200,
        "quantiles": ["10.01.2024", "09.04.2024", "08.07.2024"],
    }
    assert found["text"]["result"] == {"missing": 0.0, "distinct": 2}


def test_weighted_rows_count_as_often_as_their_weights(tmp_path):
    rows = data(100)
    times = np.arange(100) % 3
    repeated = rows.loc[rows.index.repeat(times)]
    expected = profiles(pd.concat([rows, repeated]), rows, tmp_path)
    weights = (1 + times) / (1 + times).mean()
    found = profiles(rows, rows, tmp_path, weights)
    for name in ("number", "day"):
        assert found[name]["training"]["quantiles"] == expected[name]["training"]["quantiles"]
    for figure in ("mean", "deviation", "missing"):
        assert found["number"]["training"][figure] == pytest.approx(expected["number"]["training"][figure], rel=1e-5)


def test_values_without_weight_have_no_figures(tmp_path):
    rows = data()
    weights = np.where(rows["number"].isna(), 1.0, 0.0)
    found = profiles(rows, rows, tmp_path, weights / weights.mean())
    assert found["number"]["training"]["missing"] == 1 and "mean" not in found["number"]["training"]


def test_a_column_without_values_has_no_figures_of_them(tmp_path):
    found = profiles(data(), data().assign(number=np.nan, day=None), tmp_path)
    assert found["number"]["result"] == found["day"]["result"] == {"missing": 1.0, "distinct": 0}


def test_bins_are_counted_for_the_least_accurate_columns(tmp_path, monkeypatch):
    result = data().assign(text="x")
    found = profiles(data(), result, tmp_path)
    assert found["text"]["bins"][:2] == ["x", "y"] and found["text"]["synthetic"][:2] == [200, 0]
    x = (data()["text"] == "x").sum()
    assert found["text"]["original"][:2] == [x, 200 - x] and found["text"]["accuracy"] == pytest.approx(x / 200)
    monkeypatch.setattr(profiles_module, "BINNED_COLUMNS", 1)
    assert [name for name, each in profiles(data(), result, tmp_path).items() if "bins" in each] == ["text"]


def test_the_values_of_a_category_that_the_result_lacks_are_counted(tmp_path):
    result = data().assign(text=data()["text"].iloc[0])
    found = profiles(data(), result, tmp_path)
    assert found["text"]["lost"] == data()["text"].nunique() - 1 and "lost" not in found["number"]
