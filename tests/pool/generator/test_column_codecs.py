import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pool.generator.column_codecs import ColumnCodecs, codec_of
from pool.protocols import RARE

BIG = 2**60


def round_trip(values: pd.Series) -> pd.Series:
    frame = pd.DataFrame({"customer_id": values, "other": range(len(values))})
    columns = ColumnCodecs.of(frame)
    return columns.decode(columns.encode(frame))["customer_id"]


AWKWARD = {
    "whole": pd.Series([1, None, -3], dtype="Int64"),
    "whole of numpy": pd.Series([1, 2, -3]),
    "big": pd.Series([BIG + 1, None, 2**63 - 1, -(2**63)], dtype="Int64"),
    "boolean": pd.Series([True, None, False], dtype="boolean"),
    "real": pd.Series([0.1, None, -2.5e-8]),
    "tiny": pd.Series([1e-30, 3e-28]),
    "huge": pd.Series([1e300, -1e20, None]),
    "day": pd.Series(pd.to_datetime(["2020-02-29", None])),
    "time": pd.Series(np.array(["2020-02-29T12:34:56.789", "1999-01-01"], dtype="datetime64[ns]")),
    "far day": pd.Series(np.array(["9999-12-31", "NaT", "1066-10-14"], dtype="datetime64[s]")),
    "far time": pd.Series(np.array(["9999-12-31T23:59:59.5", "0001-01-01T00:00"], dtype="datetime64[us]")),
    "text": pd.Series(["007", "a,b", 'say "x"', "two\nlines", "\r", " ünï ☃ ", None, "", "2020-01-01"], dtype="str"),
    "text in objects": pd.Series(["a", None, "b"], dtype=object),
    "nothing": pd.Series([None, None], dtype="float64"),
    "no text": pd.Series([None, None], dtype="str"),
    "no date": pd.Series([None, None], dtype="datetime64[us]"),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_values_and_dtypes_come_back_exactly(name):
    pd.testing.assert_series_equal(round_trip(AWKWARD[name]), AWKWARD[name].rename("customer_id"))


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)  # on a machine with other work
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=101, max_size=110, unique=True))
def test_many_large_whole_numbers_come_back_with_the_precision_of_a_float(numbers):
    values = pd.Series(numbers, dtype="Int64")
    back = round_trip(values)
    assert all(abs(int(a) - b) < 2**11 for a, b in zip(back, numbers, strict=True))


@given(st.lists(st.integers(-(2**53) + 1, 2**53 - 1), min_size=1))
def test_whole_numbers_that_a_float_holds_exactly_are_trained_unchanged(numbers):
    frame = pd.DataFrame({"x": pd.Series(numbers, dtype="Int64")})
    assert ColumnCodecs.of(frame).encode(frame)["c0000"].tolist() == numbers


def test_neither_names_nor_empty_columns_reach_the_generator():
    frame = pd.DataFrame({"empty": [None, None], "customer_id": [1, 2], "name": pd.Series(["a", "b"], dtype="str")})
    columns = ColumnCodecs.of(frame)
    assert columns.encodings() == {"c0000": "TABULAR_NUMERIC_AUTO", "c0001": "TABULAR_CATEGORICAL"}
    assert list(columns.encode(frame).columns) == ["c0000", "c0001"]
    assert list(columns.decode(columns.encode(frame)).columns) == list(frame.columns)


def test_decoded_numbers_stay_within_64_bits():
    codec = codec_of(pd.Series([2**63 - 1, -(2**63), *range(200)], dtype="Int64"))
    high, low, missing = codec.decode(pd.Series([2.0**53 + 999, -(2.0**53) - 999, None]))
    assert (2**63 - int(high) < 2**12, low, missing) == (True, -(2**63), pd.NA)


def test_infinite_values_become_the_largest_finite_ones():
    values = pd.Series([1.0, np.inf, -np.inf, 2.5])
    assert codec_of(values).encode(values).tolist() == [1.0, 2.5, 1.0, 2.5]


def test_a_column_of_only_infinite_values_comes_back_unchanged():
    values = pd.Series([np.inf, None, -np.inf])
    pd.testing.assert_series_equal(round_trip(values), values.rename("customer_id"))
    assert ColumnCodecs.of(pd.DataFrame({"x": values})).encodings() == {"c0000": "TABULAR_CATEGORICAL"}


def test_rare_values_are_marked_in_text_and_missing_in_numbers():
    text, few_big = pd.Series(["a", "b"], dtype="str"), pd.Series([BIG, BIG + 1], dtype="Int64")
    assert codec_of(text).decode(pd.Series(["v1", RARE, None])).tolist() == ["b", RARE, None]
    assert codec_of(few_big).decode(pd.Series(["v1", RARE])).tolist() == [BIG + 1, None]


def test_short_text_that_does_not_repeat_is_spelt():
    names = pd.Series([f"name {number}" for number in range(200)], dtype="str")
    assert codec_of(names).kind == "text"
    assert codec_of(names + " and much more text than anybody would spell").kind == "category"
    assert codec_of(names.head(99)).kind == "category"
    assert codec_of(pd.concat([names] * 2)).kind == "category"


def test_a_whole_number_column_can_come_back_with_missing_values():
    columns = ColumnCodecs.of(pd.DataFrame({"x": [1, 2], "flag": [True, False]}))
    back = columns.decode(pd.DataFrame({"c0000": [1, None], "c0001": [None, 0]}))
    assert back["x"].tolist() == [1, pd.NA] and back["flag"].tolist() == [pd.NA, False]
    assert (str(back["x"].dtype), str(back["flag"].dtype)) == ("Int64", "boolean")


def test_spelt_text_comes_back_as_it_is():
    names = pd.Series([*(f"name {number}" for number in range(200)), None], dtype="str")
    pd.testing.assert_series_equal(round_trip(names), names.rename("customer_id"))
