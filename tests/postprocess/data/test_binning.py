"""Compares the bins with mostlyai-qa's own, as its report draws them."""

import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mostlyai.qa._accuracy import bin_data, calculate_accuracy
from mostlyai.qa._sampling import harmonize_dtype

from postprocess.data.column_bins import UNSEEN
from postprocess.data.formats import Booleans, Dates, Decimals, Format, Integers, Texts
from postprocess.data.tallies import NumberTally, TextTally

FEW = settings(max_examples=25, deadline=None)
ROWS = {"min_size": 20, "max_size": 200}


def qa_bins(training: pd.Series, other: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the bins that mostlyai.qa.reporting gives to two columns."""
    ori = pd.DataFrame({"x": harmonize_dtype(training.reset_index(drop=True))})
    syn = pd.DataFrame({"x": harmonize_dtype(other.reset_index(drop=True))})
    if pd.api.types.is_numeric_dtype(ori["x"]):
        syn["x"] = pd.to_numeric(syn["x"], errors="coerce")
    syn["x"] = syn["x"].astype(ori["x"].dtype)
    ori_bins, bins = bin_data(ori, 10)
    return ori_bins, bin_data(syn, bins)[0]


def check_against_qa(format: Format, training: pd.Series, other: pd.Series) -> None:
    """Check that training rows have qa's bins, and other rows as well except in bins without training rows."""
    tally = TextTally() if isinstance(format, Texts) else NumberTally(format)
    values = pa.array(training, from_pandas=True)
    half = len(values) // 2
    tally.add(values[:half])
    tally.add(values[half:])
    column = tally.column("x")
    ori, syn = qa_bins(training, other)
    ori_codes = column.encode(values).codes
    syn_codes = column.encode(pa.array(other, from_pandas=True)).codes
    seen = set(ori["x"].astype(str))
    syn_seen = syn["x"].astype(str).map(lambda label: label if label in seen else UNSEEN)
    pairs = set(zip([*ori["x"].astype(str), *syn_seen], [*ori_codes, *syn_codes], strict=True))
    assert len({label for label, _ in pairs}) == len({code for _, code in pairs}) == len(pairs)
    assert max(code for _, code in pairs) < len(column.labels) <= 15
    ours = calculate_accuracy(pd.DataFrame({"x": ori_codes}), pd.DataFrame({"x": syn_codes}))
    theirs = calculate_accuracy(ori.astype(str), syn.astype(str))
    assert ours[0] == pytest.approx(theirs[0], abs=1e-12)


def optional(values: st.SearchStrategy) -> st.SearchStrategy:
    """Return a strategy for lists of values, with or without missing ones."""
    return st.one_of(st.lists(values, **ROWS), st.lists(st.one_of(st.none(), values), **ROWS))


whole = st.one_of(st.integers(-5, 5), st.integers(-1000, 1000), st.integers(-(2**62), 2**62))
decimal = st.one_of(
    st.integers(-30, 30).map(lambda number: number / 10),
    st.integers(0, 10**6).map(lambda number: number**3 / 1000),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from([1e300, -1e300, 1e-25, 2e-25, 0.0, 1e16, 5e-324]),
)
label = st.one_of(
    st.sampled_from(["a", "b", "c", "_RARE_", "(other)", "(n/a)", "(empty)", ""]),
    st.sampled_from([f"value {number}" for number in range(14)]),
    st.text(max_size=2),
)


@FEW
@given(optional(whole), optional(whole))
def test_whole_numbers_have_the_bins_of_qa(training, other):
    dtype = pd.Int64Dtype()
    check_against_qa(Integers(), pd.Series(training, dtype=dtype), pd.Series(other, dtype=dtype))


@FEW
@given(optional(decimal), optional(decimal))
def test_decimals_have_the_bins_of_qa(training, other):
    check_against_qa(Decimals(), pd.Series(training, dtype=float), pd.Series(other, dtype=float))


@pytest.mark.parametrize("scale", [1e-20, 1e-3, 1, 1e5, 1e200])
@pytest.mark.parametrize("n_rows", [11, 100, 5000])
def test_skewed_numbers_have_the_bins_of_qa(scale, n_rows):
    draw = np.random.default_rng(n_rows)
    training = pd.Series(draw.lognormal(sigma=3, size=n_rows) * scale).where(draw.random(n_rows) < 0.9)
    check_against_qa(Decimals(), training, pd.Series(draw.normal(size=n_rows) * scale))


@pytest.mark.parametrize("training", [[7.5] * 50, [None] * 50, [np.nan, 2.0] * 30, [1e300] * 50, [-3.0, 0.0] * 20])
def test_few_distinct_numbers_have_the_bins_of_qa(training):
    check_against_qa(Decimals(), pd.Series(training, dtype=float), pd.Series([-1.0, 0.0, 7.5, 8.6, 1e301, None] * 5))


def test_infinities_do_not_fail_but_are_binned_or_missing():
    tally = NumberTally(Decimals())
    tally.add(pa.array([-np.inf, 1.0, 2.0, np.inf] * 10))
    column = tally.column("x")
    codes = column.encode(pa.array([-np.inf, 1.0, 2.0, np.inf, None])).codes
    assert len(set(codes)) == 4
    assert codes[3] == codes[4]  # the last bin ends before infinity, so qa treats it as missing


@FEW
@given(optional(st.booleans()), optional(st.booleans()))
def test_booleans_have_the_bins_of_qa(training, other):
    as_read = pd.Series(training, dtype=object if None in training else bool)
    if all(value is None for value in training):
        return
    check_against_qa(Booleans(), as_read, pd.Series(other, dtype=object))


times = st.one_of(
    st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1)),
    st.dates(datetime.date(2020, 1, 1), datetime.date(2020, 1, 20)).map(pd.Timestamp),
)


@FEW
@given(optional(times), optional(times))
def test_times_have_the_bins_of_qa(training, other):
    dtype = "datetime64[us]"
    format = Dates("yyyy-MM-dd HH:mm:ss.SSSSSS")
    check_against_qa(format, pd.Series(training, dtype=dtype), pd.Series(other, dtype=dtype))


@FEW
@given(optional(label), optional(label))
def test_text_has_the_bins_of_qa(training, other):
    check_against_qa(Texts(), pd.Series(training, dtype=object), pd.Series(other, dtype=object))


def test_the_first_of_equally_frequent_texts_get_bins():
    values = [f"{number:02}" for number in range(11, 0, -1)]
    tally = TextTally()
    tally.add(pa.array(values * 6))
    assert tally.column("x").labels[:10] == tuple(sorted(values[:10]))


def test_the_last_day_that_has_a_name_has_a_label():
    tally = NumberTally(Dates("dd/MM/yyyy"))
    tally.add(pa.array(["31/12/9999"] * 20))
    assert tally.column("x").labels[0].startswith("⪰ 9999-12-31")
