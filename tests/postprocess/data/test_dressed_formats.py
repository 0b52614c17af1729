"""Tests which columns are numbers in a dress, and that such numbers are read and written in the dress."""

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from postprocess.data.dialect import Dialect
from postprocess.data.dressed_guesses import DressGuess
from postprocess.data.format_inference import infer_formats
from postprocess.data.formats import (
    Booleans,
    Dates,
    Decimals,
    Dressed,
    FormatError,
    Integers,
    Texts,
    is_number,
    to_format,
)
from postprocess.data.sources import Source
from postprocess.runtime.progress import Progress

FEW = settings(max_examples=200, deadline=None)


def infer(folder, texts, separator=","):
    """Return the format of a CSV column with these values."""
    path = folder / "data.csv"
    pd.DataFrame({"x": texts, "y": 1}).to_csv(path, index=False, sep=separator)
    return infer_formats(Source(path, ("x", "y"), dialect=Dialect(separator)), progress=Progress())["x"]


@pytest.mark.parametrize(
    ("texts", "format"),
    [
        (["$1,234.50", "", "$5.00"], Dressed(Decimals(2, 2), "${}", "-${}", ",")),
        (["-$5.00", "$4.25"], Dressed(Decimals(2, 2), "${}", "-${}")),
        (["$-5.00", "$4.25"], Dressed(Decimals(2, 2), "${}", "$-{}")),
        (["($5.00)", "$4.25"], Dressed(Decimals(2, 2), "${}", "(${})")),
        (["(5.00)", "4.25"], Dressed(Decimals(2, 2), "{}", "({})")),
        (["US$ 5", "US$ 1000"], Dressed(Integers(), "US$ {}", "-US$ {}")),
        (["EUR5", "EUR7"], Dressed(Integers(), "EUR{}", "-EUR{}")),
        (["5 CHF", "7 CHF", "NA"], Dressed(Integers(), "{} CHF", "-{} CHF")),
        (["1.234,50 €", "3,20 €"], Dressed(Decimals(2, 2, ","), "{} €", "-{} €", ".")),
        (["3,14 €"], Dressed(Decimals(2, 2, ","), "{} €", "-{} €")),
        (["1.234.567 €", "12 €"], Dressed(Integers(), "{} €", "-{} €", ".")),
        (["1.234 €"], Dressed(Decimals(3, 3), "{} €", "-{} €")),
        (["1 234,5", "12,5"], Dressed(Decimals(1, 1, ","), thousands=" ")),
        (["1\u00a0234"], Dressed(Integers(), thousands="\u00a0")),
        (["1\u202f234 %"], Dressed(Integers(), "{} %", "-{} %", "\u202f")),
        (["1'234.50"], Dressed(Decimals(2, 2), thousands="'")),
        (["1,234", "-5"], Dressed(Integers(), thousands=",")),
        (["5%", "12.5%"], Dressed(Decimals(0, 1), "{}%", "-{}%")),
        (["5 ‰"], Dressed(Integers(), "{} ‰", "-{} ‰")),
        (["+5%", "-3%"], Dressed(Integers(), "+{}%", "-{}%")),
        ([" 36 months", " 60 months"], Dressed(Integers(), " {} months", " -{} months")),
        (["5km/h", "-7km/h"], Dressed(Integers(), "{}km/h", "-{}km/h")),
        (["−5 °C", "7 °C"], Dressed(Integers(), "{} °C", "−{} °C")),
        (["5 m²"], Dressed(Integers(), "{} m²", "-{} m²")),
        (["5", "7"], Integers()),
        ([" 5", "7.5"], Decimals(0, 1)),
        (["5 kg", "7"], Texts()),
        (["5 kg", "7 KG"], Texts()),
        (["$5", "€7"], Texts()),
        (["-$5", "$-7"], Texts()),
        (["1.5 kg", "1.50 kg"], Texts()),
        ([".5 kg"], Texts()),
        (["007 kg"], Texts()),
        (["-0%"], Texts()),
        (["(0.00)"], Texts()),
        (["(5 kg"], Texts()),
        (["$1,234", "$1234"], Texts()),
        (["1,23", "4,567"], Texts()),
        (["0,123"], Texts()),
        (["C10482"], Texts()),
        (["ID-7"], Texts()),
        (["INV1001"], Texts()),
        (["192.168.100.200"], Texts()),
        (["12:30"], Texts()),
        (["5-7"], Texts()),
        (["1e5 kg", "inf kg"], Texts()),
        (["99999999999999999999 kg"], Texts()),
        (["1234567890123.45 kg"], Texts()),
    ],
)
def test_a_column_has_a_dress_if_all_of_its_values_have_it(tmp_path, texts, format):
    assert infer(tmp_path, texts) == format


@pytest.mark.parametrize(
    ("texts", "format"),
    [
        (["1,234"], Decimals(3, 3, ",")),
        (["1,234,567", "1,234"], Dressed(Integers(), thousands=",")),
        (["1,234.50"], Dressed(Decimals(2, 2), thousands=",")),
        (["1,234 €"], Dressed(Decimals(3, 3, ","), "{} €", "-{} €")),
        (["1,234 €", "500 €"], Dressed(Integers(), "{} €", "-{} €", ",")),
        (["0,125 kg", "2 kg"], Dressed(Decimals(0, 3, ","), "{} kg", "-{} kg")),
        (["1,234 €", "1234 €"], Texts()),
        (["1,25 €", "500 €"], Dressed(Decimals(0, 2, ","), "{} €", "-{} €")),
    ],
)
def test_a_comma_may_be_a_decimal_comma_if_the_separator_is_another(tmp_path, texts, format):
    assert infer(tmp_path, texts, ";") == format


@pytest.mark.parametrize(("late", "is_dressed"), [("$7.25", True), ("7.25", False), ("$7.250", False), ("-$7", True)])
def test_a_late_value_counts_as_well(tmp_path, late, is_dressed):
    assert isinstance(infer(tmp_path, ["$5", "$6.5"] * 35_000 + [late]), Dressed) == is_dressed


DOLLARS = Dressed(Decimals(2, 2), "${}", "(${})", ",")
EUROS = Dressed(Integers(), "{} €", "-{} €", ".")


IN_DOLLARS = ["$90,000.00", "$90,000.00", "($5.00)", "($5.00)", "$1,000.00", None, None, None]


@pytest.mark.parametrize(
    ("format", "values", "texts"),
    [
        (DOLLARS, ["90000", "$90,000.00", "-5", "($5.00)", "1e3", "inf", "_RARE_", None], IN_DOLLARS),
        (DOLLARS, [90000, 90000.004, -5.0, -5, 1000, float("inf"), float("nan"), None], IN_DOLLARS),
        (EUROS, ["1234", "1234.0", "1.234 €", "1234 €", "1.234,0 €"], ["1.234 €"] * 5),
        (EUROS, ["-5", "-5,4 €", "-1234"], ["-5 €", "-5 €", "-1.234 €"]),
    ],
)
def test_other_values_are_written_in_the_dress(format, values, texts):
    assert to_format(format, pa.array(values))[0].to_pylist() == texts


def test_decimals_are_written_exactly():
    values = pa.array([12345678901234567890, None], pa.decimal128(38, 2))
    assert to_format(DOLLARS, values)[0].to_pylist() == ["$12,345,678,901,234,567,890.00", None]


def test_texts_with_the_dress_stay_even_if_they_have_more_decimals():
    assert to_format(DOLLARS, pa.array(["$5.125", "($1,000.00)", "6"])) == (
        pa.array(["$5.125", "($1,000.00)", "$6.00"]),
        1,
    )


@pytest.mark.parametrize("wrong", ["€5.00", "$five", "$5.00 ", "1,2.5"])
def test_a_value_that_does_not_fit_is_named_with_its_index(wrong):
    with pytest.raises(FormatError) as caught:
        DOLLARS.parse(pa.array(["$5.00", None, "$5.00", wrong, wrong]))
    assert caught.value.index == 3
    assert repr(wrong) in str(caught.value)


def test_numbers_are_told_from_other_values():
    formats = (Integers(), Decimals(), DOLLARS, Booleans(), Dates(), Texts())
    assert [is_number(format) for format in formats] == [True] * 3 + [False] * 3
    assert (DOLLARS.type, EUROS.type) == (pa.float64(), pa.int64())
    assert Dressed(Decimals(2, 2, ",")).decimal_mark == ","


decimals = st.builds(
    lambda least, more, mark: Decimals(least, least + more, mark),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from(".,"),
)
WAYS = (
    *(("{}", "-{}"), ("{}", "({})"), ("${}", "-${}"), ("US$ {}", "US$ -{}"), ("EUR {}", "(EUR {})"), ("{} €", "-{} €")),
    *(("{}%", "-{}%"), (" {} months", " -{} months"), ("+{} °C", "−{} °C"), ("{} (net)", "-{} (net)")),
)
dressed = st.builds(
    lambda numbers, ways, thousands: Dressed(numbers, *ways, thousands if thousands != numbers.decimal_mark else ""),
    st.one_of(st.builds(Integers), decimals),
    st.sampled_from(WAYS),
    st.sampled_from(["", ",", ".", " ", "\u00a0", "\u202f", "'", "’"]),
)
numbers = st.one_of(st.none(), st.integers(-(10**8), 10**8), st.floats(-1e8, 1e8))
moments = st.one_of(st.none(), st.datetimes(pd.Timestamp(1, 1, 2), pd.Timestamp(9999, 12, 30)))
DATES = (
    *("yyyy-MM-dd", "MM/dd/yyyy", "d.M.yyyy", "dd/MM/yy", "dd-Mon-yyyy", "Mon d, yyyy", "d MONTH yyyy", "ddmonyy"),
    *("yyyy-MM", "MM/yyyy", "Mon-yy", "month yyyy"),
)
TIMES = ("", " HH:mm", " H:mm", "THH:mm:ss", " h:mm AM", ", hh:mm:ss.SSSS am")
layouts = st.builds(str.__add__, st.sampled_from(DATES), st.sampled_from(TIMES))


def check_that_written_values_are_read_back(format, values):
    parsed = format.parse(values)
    texts = format.write(parsed)
    assert format.parse(texts).equals(parsed)
    assert format.conforms(texts).to_pylist() == [None if text is None else True for text in texts.to_pylist()]
    assert to_format(format, texts) == (texts, 0)
    assert to_format(format, values)[0].equals(texts)


@FEW
@given(st.one_of(st.builds(Integers), decimals, dressed), st.lists(numbers, min_size=1))
def test_written_numbers_are_read_back(format, values):
    check_that_written_values_are_read_back(format, pa.array(map_floats(values), pa.float64()))


@FEW
@given(st.builds(Dates, layouts, st.sampled_from(["", "Z", "+05:30"])), st.lists(moments, min_size=1))
def test_written_dates_are_read_back(format, values):
    check_that_written_values_are_read_back(format, pa.array(values, pa.timestamp("us")))


@FEW
@given(st.sampled_from([Booleans(), Booleans("TRUE", "FALSE")]), st.lists(st.one_of(st.none(), st.booleans())))
def test_written_booleans_are_read_back(format, values):
    check_that_written_values_are_read_back(format, pa.array(values, pa.bool_()))


@FEW
@given(dressed, st.lists(numbers, min_size=1))
def test_plain_numbers_are_written_in_the_dress(format, values):
    assume(format.thousands != "." or "{}" not in (format.positive, format.negative))  # 1.234 is read as 1234
    parsed = format.parse(pa.array(map_floats(values), pa.float64()))
    plain = Integers() if isinstance(format.numbers, Integers) else Decimals(0, None)
    assert to_format(format, plain.write(parsed))[0].to_pylist() == format.write(parsed).to_pylist()


@FEW
@given(dressed, st.lists(numbers.filter(lambda number: number is not None), min_size=1), st.booleans())
def test_written_numbers_have_a_format_that_writes_them_again(format, values, commas):
    texts = format.write(format.parse(pa.array(map_floats(values), pa.float64())))
    check_the_guess(texts.unique(), commas=commas)


@FEW
@given(
    st.lists(
        st.from_regex(r"[-(+]?[$€]? ?[0-9]{1,4}[.,' ]?[0-9]{0,3}[.,]?[0-9]{0,2} ?(%|kg)?\)?", fullmatch=True),
        min_size=1,
        max_size=3,
    ),
    st.booleans(),
)
def test_a_guessed_format_writes_every_value_as_it_is(texts, commas):
    check_the_guess(pa.array(texts).unique(), commas=commas)


def check_the_guess(texts, *, commas):
    guess = DressGuess(commas=commas)
    if guess.accepts(texts) and (format := guess.format()) is not None:
        assert format.write(format.parse(texts)).to_pylist() == texts.to_pylist()
        assert to_format(format, texts)[1] == 0


def map_floats(values):
    return [None if value is None else float(value) for value in values]
