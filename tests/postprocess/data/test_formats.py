"""Tests which format a training column gets, and that the format writes values as the training data does."""

import io
from datetime import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.data.dialect import Dialect
from postprocess.data.format_inference import infer_formats
from postprocess.data.formats import Booleans, Dates, Decimals, Dressed, FormatError, Integers, Texts, to_format
from postprocess.data.sources import Source
from postprocess.runtime.progress import Progress


def infer(folder, texts):
    """Return the format of a CSV column with these values."""
    path = folder / "data.csv"
    pd.DataFrame({"x": texts, "y": 1}).to_csv(path, index=False)
    return infer_formats(Source(path, ("x", "y")), progress=Progress())["x"]


@pytest.mark.parametrize(
    ("texts", "format"),
    [
        (["5", "-3", "", "0"], Integers()),
        (["+5", "7"], Integers(canonical=False)),
        (["5", " 7 "], Integers(canonical=False)),
        (["9223372036854775807", "-9223372036854775808"], Integers()),
        (["9223372036854775808"], Texts()),
        (["13000.0", "2.5"], Decimals(1, 1)),
        (["12.50", "3.00"], Decimals(2, 2)),
        (["5", "4.25", ".5", "5."], Decimals(0, 2)),
        (["1e5", "2.5"], Decimals(1, None)),
        (["inf", "-Infinity", "0.5"], Decimals(1, 1)),
        (["0.1", "0.30000000000000004"], Decimals(1, None)),
        (["007", "123"], Texts()),
        (["1_000", "2"], Texts()),
        (["0x1F"], Texts()),
        (["NAN", "1"], Texts()),
        (["1", "two"], Texts()),
        (["", "NA"], Decimals()),
        (["True", "False", ""], Booleans("True", "False")),
        (["TRUE", "TRUE"], Booleans("TRUE", "FALSE")),
        (["false", "true"], Booleans("true", "false")),
        (["TRUE", "true", "False"], Booleans("TRUE", "False", ("true",))),
        (["True", "no"], Texts()),
        (["2024-02-29", "", "1999-12-31"], Dates()),
        (["2023-02-29"], Texts()),
        (["2024-01-02T03:04:05", "2024-01-02T00:00:00"], Dates("yyyy-MM-ddTHH:mm:ss")),
        (["2024-01-02 03:04"], Dates("yyyy-MM-dd HH:mm")),
        (["2024-01-02 03:04:05.120"], Dates("yyyy-MM-dd HH:mm:ss.SSS")),
        (["2024-01-02T03:04:05Z"], Dates("yyyy-MM-ddTHH:mm:ss", "Z")),
        (["2024-01-02T03:04:05+02:00"], Dates("yyyy-MM-ddTHH:mm:ss", "+02:00")),
        (["2024-01-02T03:04:05+02:00", "2024-01-02T03:04:05+01:00"], Texts()),
        (["2024-01-02", "2024-01-02 03:04"], Texts()),
        (["13/01/2024", "02/03/2024"], Dates("dd/MM/yyyy")),
        (["01/13/2024", "02/03/2024"], Dates("MM/dd/yyyy")),
        (["01/02/2024", "02/03/2024"], Dates("MM/dd/yyyy")),
        (["01/13/2024", "13/01/2024"], Texts()),
        (["01.02.2024"], Dates("dd.MM.yyyy")),
        (["2024/01/02"], Dates("yyyy/MM/dd")),
        (["1/2/2024", "1/02/2024"], Texts()),
        (["07:10"], Texts()),
    ],
)
def test_a_csv_column_gets_the_format_that_all_of_its_values_have(tmp_path, texts, format):
    assert infer(tmp_path, texts) == format


@pytest.mark.parametrize(
    ("texts", "format"),
    [
        (["3,14", "-0,5"], Decimals(1, 2, ",")),
        (["3", "", "NA", "+2,50", " 7 ", "1"], Decimals(0, 2, ",")),
        (["5,", ",25", "1,5e3"], Decimals(0, None, ",")),
        (["0,1", "0,30000000000000004"], Decimals(1, None, ",")),
        (["9223372036854775808", "1,5"], Decimals(0, 1, ",")),
        (["3", "-5"], Integers()),
        (["9223372036854775808"], Texts()),
        (["3.14", "2"], Decimals(0, 2)),
        (["3,14", "2.5"], Texts()),
        (["1.234,56"], Dressed(Decimals(2, 2, ","), thousands=".")),
        (["1,234,567"], Dressed(Integers(), thousands=",")),
        (["007,5"], Texts()),
        (["1,5", "x"], Texts()),
        ([",", "1,5"], Texts()),
        (["", ""], Decimals()),
        (["True", "False"], Booleans()),
        (["2024-02-29"], Dates()),
    ],
)
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_decimal_commas_are_numbers_if_the_separator_is_not_a_comma(tmp_path, separator, texts, format):
    path = tmp_path / "data.csv"
    pd.DataFrame({"x": texts, "y": 1}).to_csv(path, index=False, sep=separator)
    source = Source(path, ("x", "y"), dialect=Dialect(separator))
    assert infer_formats(source, progress=Progress())["x"] == format


def test_decimal_commas_are_text_if_the_separator_is_a_comma(tmp_path):
    assert infer(tmp_path, ["3,14", "-0,5"]) == Texts()


@pytest.mark.parametrize(
    ("late", "format"), [("3", Integers()), ("2.25", Decimals(0, 2)), ("x", Texts()), ("01", Texts())]
)
def test_a_late_value_counts_as_well(tmp_path, late, format):
    assert infer(tmp_path, ["7"] * 70_000 + [late]) == format


@pytest.mark.parametrize(
    ("values", "format"),
    [
        (pa.array([1, None]), Integers()),
        (pa.array([1.0, None, np.nan]), Decimals(1, 1)),
        (pa.array([0.1, 2.25], pa.float32()), Decimals(1, 2)),
        (pa.array([1, 2], pa.decimal128(10, 2)), Decimals(2, 2)),
        (pa.array([1, None], pa.uint64()), Integers()),
        (pa.array([1, 2**63], pa.uint64()), Texts()),
        (pa.array([1, 10**20], pa.decimal128(38)), Texts()),
        (pa.array([True, None]), Booleans()),
        (pa.array(["1", "2"]), Texts()),
        (pa.array(["1"]).dictionary_encode(), Texts()),
        (pa.nulls(3), Decimals()),
        (pa.array([0], pa.date32()), Dates()),
        (pa.array([86_400], pa.timestamp("s")), Dates()),
        (pa.array([1], pa.timestamp("s")), Dates("yyyy-MM-dd HH:mm:ss")),
        (pa.array([1], pa.timestamp("ms", "UTC")), Dates("yyyy-MM-dd HH:mm:ss.SSS", "+00:00")),
    ],
)
def test_a_parquet_column_gets_the_format_of_its_type(tmp_path, values, format):
    path = tmp_path / "data.parquet"
    pq.write_table(pa.table({"x": values}), path)
    assert infer_formats(Source(path, ("x",)), progress=Progress()) == {"x": format}


def written(format, values):
    return to_format(format, pa.array(values) if isinstance(values, list) else values)[0].to_pylist()


@pytest.mark.parametrize(
    ("format", "values", "texts"),
    [
        (Integers(), ["5", "5.0", "+5", " 5", "1e2", "007", None, "_RARE_", "4.6"], "5 5 5 5 100 7 - - 5"),
        (Integers(), ["9007199254740993.0", "-9223372036854775808"], "9007199254740993 -9223372036854775808"),
        (Integers(), ["7", "-3"], "7 -3"),
        (Integers(), ["inf", "99999999999999999999", "1e400"], "- - -"),
        (Integers(), [5.0, 2.5, float("inf"), float("nan"), 1e300], "5 2 - - -"),
        (Integers(), [9007199254740993, None], "9007199254740993 -"),
        (Decimals(1, 1), [13000, None], "13000.0 -"),
        (Decimals(1, 1), [0.1 + 0.2, -0.04, 1e20, float("inf")], "0.3 0.0 100000000000000000000.0 inf"),
        (Decimals(1, 1), ["13000", "0.25", "1e-7", "-inf", "_RARE_", None], "13000.0 0.25 1e-7 -inf - -"),
        (Decimals(2, 2), [1.0, 2.5], "1.00 2.50"),
        (Decimals(6, 6), [Decimal("99999999999.999999"), Decimal("-0.000000")], "99999999999.999999 0.000000"),
        (Decimals(2, 2), pa.array([Decimal("1.5"), None], pa.decimal32(9, 2)), "1.50 -"),
        (Decimals(2, 2), pa.array([Decimal("-1.5"), None], pa.decimal64(18, 2)), "-1.50 -"),
        (Decimals(18, 18), [Decimal("0.100000000000000000"), None], "0.100000000000000000 -"),
        (Decimals(1, 2), [Decimal("0.1250"), Decimal("7.0000")], "0.12 7.0"),
        (Decimals(1, None), [Decimal("0.00000000001"), Decimal("-5.0")], "0.00000000001 -5.0"),
        (Decimals(1, None), pa.array([0.1, 1e-7, None], pa.float32()), "0.1 1e-07 -"),
        (Decimals(0, 2), [1.0, 2.5], "1 2.5"),
        (Decimals(1, None), [0.1 + 0.2, 1e-7], "0.30000000000000004 1e-07"),
        (Decimals(1, 1, ","), [13000, None], "13000,0 -"),
        (Decimals(1, 1, ","), ["3,14", "3.25", "7", ",5", "-0,5", "_RARE_", None], "3,14 3,2 7,0 ,5 -0,5 - -"),
        (Decimals(1, None, ","), ["1,5e-7", "1.5e-7", "inf", " 2.5"], "1,5e-7 1,5e-07 inf 2,5"),
        (Decimals(2, 2, ","), [1.0, float("inf"), -0.0], "1,00 inf 0,00"),
        (Decimals(2, 2, ","), [Decimal("1.5"), None], "1,50 -"),
        (Booleans("yes".upper(), "NO"), [True, False, None], "YES NO -"),
        (Booleans(), ["true", "FALSE", "True", "1", "0.0", None, "_RARE_"], "True False True True False - -"),
        (Dates(), ["2024-01-02T23:59:59", "2024-01-02", None, "_RARE_"], "2024-01-02 2024-01-02 - -"),
        (Dates("dd/MM/yyyy"), ["2024-01-02", "31/12/2023"], "02/01/2024 31/12/2023"),
        (Dates("MM/dd/yyyy"), pa.array([19_000], pa.date32()), "01/08/2022"),
        (Dates("yyyy-MM-ddTHH:mm", "+02:00"), ["2024-01-01T00:30Z"], "2024-01-01T02:30+02:00"),
        (
            Dates("yyyy-MM-ddTHH:mm:ss.SS"),
            pa.array([1_123_456_789], pa.timestamp("ns")),
            "1970-01-01T00:00:01.12",
        ),
        (Dates("yyyy-MM-ddTHH:mm", "-01:00"), pa.array([0], pa.timestamp("s", "UTC")), "1969-12-31T23:00-01:00"),
        (Texts(), ["_RARE_", "a", None], "_RARE_ a -"),
        (Texts(), [1, None], "1 -"),
    ],
)
def test_values_are_written_as_the_training_data_writes_them(format, values, texts):
    assert written(format, values) == [None if text == "-" else text for text in texts.split(" ")]


@pytest.mark.parametrize(
    ("format", "values", "message"),
    [
        (Integers(), ["1", None, "two", "two"], "'two' is not a number"),
        (Integers(), pa.array([None, None, 1], pa.timestamp("s")), "'1970-01-01 00:00:01' is not a number"),
        (Decimals(), ["1", None, "1_0"], "'1_0' is not a number"),
        (Decimals(0, 2, ","), ["1,5", None, "1.234,56"], "'1.234,56' is not a number"),
        (Decimals(0, 2, ","), ["1.5", None, ","], "',' is not a number"),
        (Decimals(), ["1", None, "1,5"], "'1,5' is not a number"),
        (Integers(), ["1", None, "0x1F"], "'0x1F' is not a number"),
        (Booleans(), ["True", None, "yes"], "'yes' is not a boolean"),
        (Dates(), ["2024-01-02", None, "2024-02-30"], "'2024-02-30' is not a date"),
        (Dates(), [None, None, 5], "'5' is not a date"),
        (Dates(), pa.array([None, None, 5], pa.time32("s")), "'00:00:05' is not a date"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_index(format, values, message):
    with pytest.raises(FormatError, match=message) as caught:
        format.parse(pa.array(values) if isinstance(values, list) else values)
    assert caught.value.index == 2


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1))
def test_whole_numbers_of_64_bits_stay_exact(numbers):
    texts = [None if number is None else str(number) for number in numbers]
    assert Integers().parse(pa.array(texts, pa.string())).to_pylist() == numbers
    assert Integers().write(pa.array(numbers, pa.int64())).to_pylist() == texts


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(allow_nan=False), min_size=1), st.integers(0, 3))
def test_decimals_keep_their_values(numbers, least):
    texts = Decimals(least, None).write(pa.array(numbers)).to_pylist()
    assert [float(text) for text in texts] == numbers


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=1), st.integers(0, 3))
def test_decimal_commas_are_parsed_back(numbers, least):
    format = Decimals(least, None, ",")
    texts = format.write(pa.array(numbers, pa.float64()))
    assert format.parse(texts).to_pylist() == numbers
    assert format.conforms(texts).to_pylist() == [None if number is None else True for number in numbers]
    points = Decimals(least, None).write(pa.array(numbers, pa.float64()))
    assert format.parse(points).to_pylist() == numbers
    assert not any("." in text for text in to_format(format, points)[0].drop_null().to_pylist())


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.datetimes(pd.Timestamp(1, 1, 2), pd.Timestamp(9999, 12, 30)), min_size=1),
    st.sampled_from(["yyyy-MM-dd", "dd/MM/yyyy", "M.d.yyyy"]),
    st.sampled_from(["THH:mm:ss.SSSSSS", " H:mm:ss.SSSSSS"]),
    st.sampled_from(["", "Z", "+05:30", "-0800"]),
)
def test_written_times_are_parsed_back(moments, date, time, offset):
    format = Dates(date + time, offset)
    times = pa.array(moments, pa.timestamp("us"))
    texts = format.write(times)
    assert format.conforms(texts).to_pylist() == [True] * len(moments)
    assert format.parse(texts).equals(times)
    iso = Dates("yyyy-MM-ddTHH:mm:ss.SSSSSS", offset).write(times)
    assert format.parse(iso).equals(times)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.sampled_from(["1", "2.5", "-1e3", "+4", ".5", "5.", "x", "True", "false", "nan", "inf"]), min_size=1)
)
def test_csv_columns_get_the_types_that_pandas_gives_them(tmp_path_factory, texts):
    read = pd.read_csv(io.StringIO("x\n" + "\n".join(texts) + "\n"))["x"]
    types = {"i": (Integers, Decimals), "f": (Integers, Decimals), "b": Booleans}
    expected = types.get(read.dtype.kind) or (Booleans if set(read.dropna()) <= {True, False} else Texts)
    assert isinstance(infer(tmp_path_factory.mktemp("types"), texts), expected)


def test_only_values_that_change_are_counted():
    values = ["9223372036854775807", "1234567890123456789", "12", "5.0", "_RARE_", None]
    texts, number = to_format(Integers(), pa.array(values))
    assert texts.to_pylist() == [*values[:3], "5", None, None]
    assert number == 2


@pytest.mark.parametrize(
    ("format", "values", "expected"),
    [
        (Integers(canonical=False), [" 5", "+5", "5.0", "-3 ", "+007"], [" 5", "+5", "5", "-3 ", "7"]),
        (Booleans("True", "False", ("TRUE",)), ["TRUE", "true", "False", None], ["TRUE", "True", "False", None]),
    ],
)
def test_spellings_of_the_training_data_stay(format, values, expected):
    texts, number = to_format(format, pa.array(values))
    assert texts.to_pylist() == expected
    assert number == sum(value != text for value, text in zip(values, expected, strict=True))


FIRST, LAST = datetime.min, datetime.max


def test_dates_of_all_years_that_text_can_show_are_parsed():
    exact = Dates("yyyy-MM-dd HH:mm:ss.SSSSSS")
    assert exact.parse(pa.array([FIRST, LAST], pa.timestamp("us"))).to_pylist() == [FIRST, LAST]
    assert Dates().parse(pa.array([2**62, None], pa.timestamp("ns"))).to_pylist() == [datetime(2116, 2, 20), None]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([None, 2**62], pa.timestamp("s")),
        pa.array([0, 2**53], pa.timestamp("ms")),
        pa.array([0, -(2**62)], pa.timestamp("us")),
        pa.array([0, 2**31 - 1], pa.date32()),
        pa.array([0, 2**50], pa.date64()),
        pa.array([FIRST, LAST], pa.timestamp("us", "UTC")),
    ],
    ids=lambda values: str(values.type),
)
def test_dates_of_years_that_text_cannot_show_are_refused(values):
    with pytest.raises(FormatError, match="years 1 to 9999") as failure:
        Dates("yyyy-MM-dd HH:mm:ss", "+02:00").parse(values)
    assert failure.value.index == 1


def test_times_of_a_zone_that_arrow_does_not_know_are_read():
    times = pa.array([10**15], pa.timestamp("us", "Nowhere/City"))
    assert Texts().parse(times).to_pylist() == ["2001-09-09 01:46:40.000000Z"]
    later = pa.array([10**18], pa.timestamp("us", "Nowhere/City"))
    with pytest.raises(FormatError, match="not a date of the years 1 to 9999"):
        Dates().parse(later)
