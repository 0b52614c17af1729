import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.data.binning import fit_binning
from postprocess.data.inputs import open_inputs
from postprocess.data.row_weights import training_weights
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress


def weights_of(frame, folder, weight_column=None, shares=None):
    frame.to_csv(folder / "training.csv", index=False)
    source = open_inputs(folder / "training.csv", weight_column=weight_column).training
    binning = fit_binning(source, progress=Progress())
    return training_weights(source, binning, weight_column, shares or {}, progress=Progress())


def people(n_rows=200, seed=1):
    draw = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "churn": np.where(draw.random(n_rows) < 0.1, "yes", "no"),
            "size": draw.integers(1, 4, n_rows),
            "new": draw.random(n_rows) < 0.5,
            "many": np.arange(n_rows) % 60,
            "w": draw.integers(0, 9, n_rows) / 2,
        }
    )


def test_without_weights_and_shares_each_row_counts_once(tmp_path):
    assert weights_of(people(), tmp_path) is None


def test_weights_are_scaled_to_the_number_of_rows(tmp_path):
    frame = people()
    np.testing.assert_allclose(weights_of(frame, tmp_path, "w"), frame["w"] * (200 / frame["w"].sum()))


@settings(deadline=None, max_examples=20)
@given(st.floats(0, 1), st.floats(0.05, 0.9), st.integers(1, 1000))
def test_shares_hold_and_rows_of_one_kind_keep_their_proportions(tmp_path_factory, yes, small, seed):
    frame = people(seed=seed)
    shares = {"churn": {"yes": yes, "no": 1 - yes}, "size": {1: small, 2: (1 - small) / 2, 3: (1 - small) / 2}}
    weights = weights_of(frame, tmp_path_factory.mktemp("shares"), "w", shares)
    assert weights.sum() == pytest.approx(200)
    for column, of in shares.items():
        for value, share in of.items():
            assert weights[frame[column] == value].sum() == pytest.approx(200 * share, abs=1e-5)
    alike = (frame["churn"] == "no") & (frame["size"] == 2) & (frame["w"] > 0)
    if yes < 1:
        ratio = weights[alike] / frame["w"][alike]
        np.testing.assert_allclose(ratio, ratio.iloc[0])


@pytest.mark.parametrize("weight", [2.5, 1e308, 5e-324])
def test_equal_weights_are_none(tmp_path, weight):
    assert weights_of(people().assign(w=weight), tmp_path, "w") is None


def test_truth_values_and_missing_values_may_have_shares(tmp_path):
    frame = people()
    frame.loc[:20, "churn"] = None
    shares = {"new": {True: 0.25, False: 0.75}, "churn": {None: 0.5, "no": 0.5}}
    weights = weights_of(frame, tmp_path, None, shares)
    assert weights[frame["new"]].sum() == pytest.approx(50) and weights[frame["churn"].isna()].sum() == pytest.approx(
        100
    )
    assert not weights[frame["churn"] == "yes"].any()


@pytest.mark.parametrize(
    ("value", "word"), [("", "missing"), ("-1", "-1"), ("inf", "inf"), ("x", "'x' is not a number")]
)
def test_a_weight_that_is_no_weight_is_refused_with_its_row(tmp_path, value, word):
    frame = people().astype({"w": str})
    frame.loc[7, "w"] = value
    with pytest.raises(InputError, match="row 8 after the header") as refused:
        weights_of(frame, tmp_path, "w")
    assert word in str(refused.value)


def test_weights_that_are_all_0_are_refused(tmp_path):
    with pytest.raises(InputError, match="all weights are 0"):
        weights_of(people().assign(w=0), tmp_path, "w")


@pytest.mark.parametrize(
    ("shares", "word"),
    [
        ({"chorn": {"yes": 1}}, "is 'churn' meant"),
        ({"churn": {"maybe": 0.5, "no": 0.5}}, "no training row has the value 'maybe' in column 'churn'"),
        ({"size": {"x": 1}}, "'x' is not a number"),
        ({"size": {1.5: 0.5, 2: 0.5}}, "'1.5' is not a whole number"),
        ({"size": {1: 0.5, "1": 0.5}}, "a share for the same value twice"),
        ({"many": {10: 0.5, 30: 0.5}}, "matched in bins of several values"),
        ({"churn": {"yes": 1}, "size": {1: 0.5, 9: 0.5}}, "no training row has the value 9"),
    ],
)
def test_shares_of_unknown_columns_or_values_are_refused(tmp_path, shares, word):
    with pytest.raises(InputError, match=word):
        weights_of(people(), tmp_path, None, shares)


def test_shares_that_cannot_hold_together_are_refused(tmp_path):
    frame = people().assign(twin=lambda each: each["churn"])
    shares = {"churn": {"yes": 0.2, "no": 0.8}, "twin": {"yes": 0.3, "no": 0.7}}
    with pytest.raises(InputError, match="cannot hold together"):
        weights_of(frame, tmp_path, None, shares)
