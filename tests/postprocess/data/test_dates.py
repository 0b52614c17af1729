"""Tests which layouts of dates are found in the training data, and that dates are read and written in them."""

from datetime import datetime

import pandas as pd
import pyarrow as pa
import pytest

from postprocess.data.format_inference import infer_formats
from postprocess.data.formats import Dates, Decimals, FormatError, Integers, Texts
from postprocess.data.sources import Source
from postprocess.runtime.progress import Progress


def infer(folder, texts):
    """Return the format of a CSV column with these values."""
    path = folder / "data.csv"
    pd.DataFrame({"x": texts, "y": 1}).to_csv(path, index=False)
    return infer_formats(Source(path, ("x", "y")), progress=Progress())["x"]


@pytest.mark.parametrize(
    ("texts", "layout", "first"),
    [
        (["15-Jan-2020", "", "03-May-2020"], "dd-Mon-yyyy", datetime(2020, 1, 15)),
        (["5-JAN-20"], "d-MON-yy", datetime(2020, 1, 5)),
        (["05JAN2020"], "ddMONyyyy", datetime(2020, 1, 5)),
        (["Jan 5, 2020", "Dec 15, 2020"], "Mon d, yyyy", datetime(2020, 1, 5)),
        (["May 05, 2020", "June 15, 2020"], "Month dd, yyyy", datetime(2020, 5, 5)),
        (["5 january 2020"], "d month yyyy", datetime(2020, 1, 5)),
        (["Jan-2015"], "Mon-yyyy", datetime(2015, 1, 1)),
        (["Dec-18", "Jan-69", "Jan-68"], "Mon-yy", datetime(2018, 12, 1)),
        (["2015-01", "2015-12"], "yyyy-MM", datetime(2015, 1, 1)),
        (["01/2020"], "MM/yyyy", datetime(2020, 1, 1)),
        (["1/15/2020", "12/5/2020"], "M/d/yyyy", datetime(2020, 1, 15)),
        (["15/1/2020 9:05", "5/12/2020 10:05"], "d/M/yyyy H:mm", datetime(2020, 1, 15, 9, 5)),
        (["01/15/2020 9:05"], "MM/dd/yyyy H:mm", datetime(2020, 1, 15, 9, 5)),
        (["1/15/2020 9:05:03 PM"], "M/d/yyyy h:mm:ss AM", datetime(2020, 1, 15, 21, 5, 3)),
        (["2020-01-15 12:05am", "2020-01-15 12:05pm"], "yyyy-MM-dd hh:mmam", datetime(2020, 1, 15, 0, 5)),
        (["15/10/20"], "dd/MM/yy", datetime(2020, 10, 15)),
        (["5.1.2020"], "d.M.yyyy", datetime(2020, 1, 5)),
        (["2020/1/5"], "yyyy/M/d", datetime(2020, 1, 5)),
    ],
)
def test_dates_are_read_in_the_layout_that_all_of_them_have(tmp_path, texts, layout, first):
    format = infer(tmp_path, texts)
    assert format == Dates(layout)
    assert not format.assumed
    assert format.parse(pa.array(texts[:1]))[0].as_py() == first


@pytest.mark.parametrize(
    ("texts", "layout", "assumed"),
    [
        (["05/10/2020", "06/11/2020"], "MM/dd/yyyy", True),
        (["05-10-2020"], "MM-dd-yyyy", True),
        (["5/10/2020 9:05"], "M/d/yyyy H:mm", True),
        (["05/10/20"], "MM/dd/yy", True),
        (["05/10/2020", "13/10/2020"], "dd/MM/yyyy", False),
        (["05/10/2020", "05/13/2020"], "MM/dd/yyyy", False),
        (["05.10.2020"], "dd.MM.yyyy", False),
        (["2020-05-10"], "yyyy-MM-dd", False),
        (["05-Oct-2020"], "dd-Mon-yyyy", False),
    ],
)
def test_the_month_comes_first_if_day_and_month_cannot_be_told_apart(tmp_path, texts, layout, assumed):
    format = infer(tmp_path, texts)
    assert (format, format.assumed) == (Dates(layout), assumed)


@pytest.mark.parametrize(
    ("texts", "format"),
    [
        (["20200115", "20200116"], Integers()),
        (["2015.01"], Decimals(2, 2)),
        (["15-Jan-2020", "15-JAN-2020"], Texts()),
        (["15-Jan-2020", "5-Jan-2020", "05-Jan-2020"], Texts()),
        (["31-Feb-2020"], Texts()),
        (["15-Jan", "16-Feb"], Texts()),
        (["2015-13"], Texts()),
        (["2015-01", "2015-01-01"], Texts()),
        (["0000-01-01"], Texts()),
        (["1/15/2020 13:05 PM"], Texts()),
        (["1/15/2020 0:05 AM"], Texts()),
        (["15-Foo-2020"], Texts()),
        (["5. janvier 2020"], Texts()),
    ],
)
def test_other_texts_are_no_dates(tmp_path, texts, format):
    assert infer(tmp_path, texts) == format


@pytest.mark.parametrize(
    ("layout", "values", "texts"),
    [
        ("Mon-yy", ["2018-12-31", "Dec-18", "1918-12-05T10:00", None, "_RARE_"], ["Dec-18"] * 3 + [None, None]),
        ("yyyy-MM", pa.array([17_897, None], pa.date32()), ["2019-01", None]),
        ("M/d/yyyy h:mm AM", ["2020-01-05T00:05:59", "2020-01-05 12:05"], ["1/5/2020 12:05 AM", "1/5/2020 12:05 PM"]),
        ("dd/MM/yy", pa.array([datetime(1950, 2, 3)], pa.timestamp("s")), ["03/02/50"]),
    ],
)
def test_other_dates_are_written_in_the_layout(layout, values, texts):
    values = pa.array(values) if isinstance(values, list) else values
    assert Dates(layout).write(Dates(layout).parse(values)).to_pylist() == texts


def test_the_first_day_of_the_month_stands_for_the_month():
    dates = Dates("Mon yyyy").parse(pa.array([datetime(2020, 2, 29, 12)], pa.timestamp("us")))
    assert dates.to_pylist() == [datetime(2020, 2, 1)]


def test_a_day_that_does_not_exist_is_named_with_its_index():
    with pytest.raises(FormatError, match="'31-Feb-2020' is not a date") as caught:
        Dates("dd-Mon-yyyy").parse(pa.array(["01-Feb-2020", None, "01-Feb-2020", "31-Feb-2020"]))
    assert caught.value.index == 3
