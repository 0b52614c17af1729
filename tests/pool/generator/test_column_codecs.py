import numpy as np
import pandas as pd
import pytest

from pool.generator.column_codecs import ColumnCodecs, codec_of

ROWS = 12  # of each value: frequent ones come back exactly


def round_trip(values: pd.Series) -> pd.Series:
    frame = pd.DataFrame({"customer_id": values, "other": range(len(values))})
    columns = ColumnCodecs.of(frame)
    return columns.decode(columns.encode(frame), np.random.default_rng(1))["customer_id"]


AWKWARD = {
    "whole": pd.Series([1, None, -3], dtype="Int64"),
    "whole of numpy": pd.Series([1, 2, -3]),
    "big": pd.Series([2**60 + 1, None, 2**63 - 1, -(2**63)], dtype="Int64"),
    "boolean": pd.Series([True, None, False], dtype="boolean"),
    "real": pd.Series([0.1, None, -2.5e-8]),
    "tiny": pd.Series([1e-30, 3e-28]),
    "huge": pd.Series([1e300, -1e20, None]),
    "infinite": pd.Series([np.inf, -np.inf, None]),
    "day": pd.Series(pd.to_datetime(["2020-02-29", None])),
    "time": pd.Series(np.array(["2020-02-29T12:34:56.789", "1999-01-01"], dtype="datetime64[ns]")),
    "far day": pd.Series(np.array(["9999-12-31", "NaT", "1066-10-14"], dtype="datetime64[s]")),
    "far time": pd.Series(np.array(["9999-12-31T23:59:59.5", "0001-01-01T00:00"], dtype="datetime64[us]")),
    "text": pd.Series(["007", "a,b", 'say "x"', "two\nlines", "\r", " ünï ☃ ", None, "", "2020-01-01"], dtype="str"),
    "text in objects": pd.Series(["a", None, "b"], dtype=object),
    "names": pd.Series(["a", None, "b"], dtype="category"),
    "nothing": pd.Series([None, None], dtype="float64"),
    "no text": pd.Series([None, None], dtype="str"),
    "no date": pd.Series([None, None], dtype="datetime64[us]"),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_values_and_dtypes_come_back_exactly(name):
    values = pd.concat([AWKWARD[name]] * ROWS, ignore_index=True)
    pd.testing.assert_series_equal(round_trip(values), values.rename("customer_id"))


def test_neither_names_nor_empty_columns_reach_the_generator():
    day = pd.Timestamp(2020, 1, 1)
    frame = pd.DataFrame({"empty": [None], "customer_id": [1], "name": pd.Series(["a"], dtype="str"), "day": [day]})
    columns = ColumnCodecs.of(frame)
    category = "TABULAR_CATEGORICAL"
    assert columns.encodings() == {"c0000": category, "c0001": category, "c0002": "TABULAR_DATETIME"}
    coded = columns.encode(frame)
    assert list(coded.columns) == ["c0000", "c0001", "c0002"]
    assert list(columns.decode(coded, np.random.default_rng(1)).columns) == list(frame.columns)


def test_infinite_values_become_the_largest_finite_ones():
    values = pd.Series([1.0, np.inf, -np.inf, 2.5] * ROWS)
    assert round_trip(values).tolist() == [1.0, 2.5, 1.0, 2.5] * ROWS


def test_rare_names_are_replaced_and_other_rare_text_is_made_up():
    values = pd.Series(["often"] * ROWS + ["once"], dtype="str")
    assert codec_of(values.astype("category")).replaced and not codec_of(values).replaced
    assert round_trip(values.astype("category")).iloc[-1] == "often"


def test_a_whole_number_column_can_come_back_with_missing_values():
    columns = ColumnCodecs.of(pd.DataFrame({"x": [1, 2] * ROWS, "flag": [True, False] * ROWS}))
    back = columns.decode(pd.DataFrame({"c0000": ["v0", None], "c0001": [None, "v0"]}), np.random.default_rng(1))
    assert back["x"].tolist() == [1, pd.NA] and back["flag"].tolist() == [pd.NA, False]
    assert (str(back["x"].dtype), str(back["flag"].dtype)) == ("Int64", "boolean")
