"""Tests what each column is taken for, what the log says of it, and the kinds that the user gives to columns."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from postprocess.data.binning import fit_binning, read_typed
from postprocess.data.column_bins import Facts
from postprocess.data.formats import Dates, Decimals, Integers, Texts
from postprocess.data.kinds import IDENTIFYING_NOTE, MAX_WIDTH, kind_rows, kinds_table
from postprocess.data.result_csv import write_result
from postprocess.data.sources import open_source
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress

ROWS = 400


def save(folder, columns, name="data.csv"):
    """Return a training file. A column is given by its values, which repeat until they fill all rows."""
    frame = pd.DataFrame({column: np.resize(np.array(values, object), ROWS) for column, values in columns.items()})
    frame.to_csv(folder / name, index=False)
    return open_source(folder / name, role="training")


def save_parquet(folder, table):
    pq.write_table(pa.table(table), folder / "data.parquet")
    return open_source(folder / "data.parquet", role="training")


def bins(source, **kinds):
    return fit_binning(source, kinds=kinds, progress=Progress())


def texts(prefix, number):
    return [f"{prefix}{place}" for place in range(number)]


def dates(*formats):
    return [pd.Timestamp("2024-01-25").strftime(format) for format in formats]


@pytest.mark.parametrize(
    ("values", "kind", "format"),
    [
        ([5, 7], "number", "whole: 1234"),
        (["1.50", "2.25"], "number", "2 decimals: 1234.50"),
        (["1.5", "2"], "number", "0 to 1 decimal: 1234.5"),
        (["1e5", "2.5"], "number", "decimals: 1234.5"),
        (["5.", "7"], "number", "whole: 1234"),
        (["TRUE", "FALSE"], "true/false", "TRUE/FALSE"),
        (dates("%Y-%m-%d"), "date", "2024-01-31"),
        (dates("%d.%m.%Y"), "date", "31.01.2024"),
        (dates("%Y-%m-%dT%H:%M:%SZ"), "date", "2024-01-31T13:45:00Z"),
        (["Feb-2024", "Mar-2024"], "date", "Jan-2024"),
        (["$1,234.50", "$5.25"], "number", "2 decimals: $1,234.50"),
        (["36 months", "60 months"], "number", "whole: 1234 months"),
        (["a", "b", "007"], "category", "text"),
        (texts("v", 40), "category", "text"),
        (texts("v", 50), "text", "text"),
        (texts("v", 400), "identifier", "text"),
        (range(400), "identifier", "whole: 1234"),
        (["a", *texts("v", 1)] * 100 + texts("w", 200), "category", "text"),
        (["a", *texts("v", 1)] * 99 + texts("w", 202), "text", "text"),
        (["", "NA"], "number", ""),
    ],
)
def test_a_column_has_a_kind_and_a_format_in_words(tmp_path, values, kind, format):
    row = kind_rows(bins(save(tmp_path, {"x": list(values), "y": [1]})))[0]
    assert (row["name"], row["kind"], row["format"]) == ("x", kind, format)


@pytest.mark.parametrize(
    ("values", "kind"),
    [(texts("v", 60), "category"), (texts("v", 61), "text"), (texts("v", 120), "identifier")],
)
def test_with_few_values_text_is_a_category_if_each_occurs_twice_on_average(tmp_path, values, kind):
    some = np.resize(np.array(values, object), 120)
    frame = pd.DataFrame({"x": [*some, *[None] * 280], "y": 1})
    frame.to_csv(tmp_path / "data.csv", index=False)
    assert bins(open_source(tmp_path / "data.csv", role="training")).columns[0].kind == kind


def test_missing_and_distinct_values_are_counted(tmp_path):
    binning = bins(
        save(
            tmp_path,
            {"number": [0.5, "-0.0", 0, ""], "text": ["a", "NA", "a", "b"], "truth": ["true"], "none": [""]},
        )
    )
    assert [column.facts for column in binning.columns] == [
        Facts(400, 100, 2),
        Facts(400, 100, 2, repeating=1.0),
        Facts(400, 0, 1),
        Facts(400, 400, 0),
    ]


def test_the_share_that_repeats_counts_rows_with_a_value(tmp_path):
    (column, _) = bins(save(tmp_path, {"x": ["often"] * 100 + texts("v", 100) + [""] * 200, "y": [1]})).columns
    assert column.facts == Facts(400, 200, 101, repeating=0.5)


def test_notes_say_what_to_do(tmp_path):
    columns = {"one": ["same"], "none": [""], "id": range(400), "city": texts("v", 100), "plain": ["a", "b"]}
    rows = {row["name"]: row for row in kind_rows(bins(save(tmp_path, columns)))}
    assert rows["one"]["note"] == "one value only"
    assert rows["none"]["note"] == "no values"
    assert rows["id"]["note"] == IDENTIFYING_NOTE
    assert rows["city"]["note"].startswith("hardly repeats: rare values are replaced")
    assert rows["plain"] == {
        "name": "plain",
        "kind": "category",
        "format": "text",
        "distinct": 2,
        "missing": 0,
        "note": "",
    }


def test_notes_say_what_was_assumed_of_numbers_and_dates(tmp_path):
    columns = {"price": ["$1,234.50", "$5.25"], "day": ["03/04/2024", "05/06/2024"], "other": ["3/14/2024"]}
    price, day, other = kind_rows(bins(save(tmp_path, columns)))
    assert price["note"] == "text such as $1,234.50 is read as numbers"
    assert day["note"].startswith("day and month cannot be told apart; read as month/day/year; column_kinds={'day': ")
    assert other["note"] == "one value only"
    assert bins(save(tmp_path, columns), price="number", day="date").columns[0].kind == "number"


def test_the_table_is_aligned_and_says_nothing_twice(tmp_path):
    columns = {"id": range(400), "price": ["1.50", "2.25", "", "3.00"], "city": texts("v", 100), "town": texts("w", 99)}
    binning = bins(save(tmp_path, columns | {"a name\nof many words, too long to show": ["x"]}))
    assert kinds_table(binning) == [
        "column                    kind        format               distinct      missing",
        "id                        identifier  whole: 1234               400",
        "price                     number      2 decimals: 1234.50         3  100 (25.0%)",
        "city                      text        text                      100",
        "town                      text        text                       99",
        "a name\\nof many words, …  category    text                        1",
        "city, town: hardly repeats: rare values are replaced by made-up text of the same shape; leave it out",
        "  if nobody needs it",
        "a name\\nof many words, too long to show: one value only",
    ]
    assert len(binning.warnings()) == 1


def test_the_columns_of_wide_data_are_listed_by_kind(tmp_path):
    columns = {f"column {place}": [place, place + 1] for place in range(40)}
    binning = bins(save(tmp_path, columns | {"id": range(400), "city": texts("v", 100), "one": [7]}))
    lines = kinds_table(binning)
    assert lines[0].startswith("41 number: column 0, column 1, ")
    assert lines[0].endswith("…")
    assert lines[1:3] == ["1 text: city", "1 identifier: id"]
    assert [line.split()[0] for line in lines[3:7]] == ["column", "id", "city", "one"]
    assert len(lines) == 10
    assert max(map(len, lines)) <= MAX_WIDTH
    assert len(kind_rows(binning)) == 43


def test_wide_data_without_notes_has_no_table(tmp_path):
    assert len(kinds_table(bins(save(tmp_path, {f"column {place}": [1, 2] for place in range(41)})))) == 1


@pytest.mark.parametrize("kind", ["category", "text"])
def test_numbers_and_dates_given_as_text_keep_their_spelling(tmp_path, kind):
    columns = {"zip": ["+5", "1.50", "07"], "day": dates("%Y-%m-%d"), "truth": ["TRUE"]}
    source = save(tmp_path, columns)
    binning = bins(source, zip=kind, day=kind, truth=kind)
    assert {(column.kind, column.format) for column in binning.columns} == {(kind, Texts())}
    assert read_typed(source, binning).iloc[:3].to_dict("list") == {
        "zip": ["+5", "1.50", "07"],
        "day": ["2024-01-25"] * 3,
        "truth": ["TRUE"] * 3,
    }


def test_an_identifier_given_another_kind_still_has_its_warning(tmp_path):
    source = save(tmp_path, {"id": range(400), "y": [1]})
    for kind in ("category", "text", "number"):
        binning = bins(source, id=kind)
        assert binning.columns[0].kind == kind
        assert kind_rows(binning)[0]["note"] == IDENTIFYING_NOTE
        assert len(binning.warnings()) == 1


def test_given_kinds_that_hold_change_nothing(tmp_path):
    source = save(tmp_path, {"whole": [1, 2], "decimal": [0.5, 1], "day": dates("%d.%m.%Y"), "y": ["a"]})
    binning = bins(source, whole="number", decimal="number", day="date", y="category")
    assert [column.format for column in binning.columns] == [column.format for column in bins(source).columns]
    assert [type(column.format) for column in binning.columns] == [Integers, Decimals, Dates, Texts]


def test_typed_values_given_as_categories_come_out_as_text(tmp_path):
    values = {
        "whole": pa.array([5, None]),
        "decimal": pa.array([5.0, 0.25]),
        "single": pa.array([0.1, None], pa.float32()),
        "truth": pa.array([True, None]),
        "day": pa.array([date(2024, 1, 31), None]),
    }
    source = save_parquet(tmp_path, {name: pa.concat_arrays([array] * 100) for name, array in values.items()})
    binning = bins(source, **dict.fromkeys(values, "category"))
    expected = {
        "whole": ["5", None],
        "decimal": ["5", "0.25"],
        "single": ["0.1", None],
        "truth": ["true", None],
        "day": ["2024-01-31", None],
    }
    typed = read_typed(source, binning).head(2)
    assert typed.astype(object).where(typed.notna(), None).to_dict("list") == expected
    write_result(source, np.arange(2), binning, tmp_path / "result.csv", progress=Progress())
    assert (tmp_path / "result.csv").read_text().splitlines() == [
        "whole,decimal,single,truth,day",
        "5,5,0.1,true,2024-01-31",
        ",0.25,,,",
    ]
    (row, *_) = kind_rows(binning)
    assert (row["kind"], row["format"], row["distinct"], row["missing"]) == ("category", "text", 1, 100)


@pytest.mark.parametrize(
    ("values", "kind", "reason"),
    [
        (["1", "2", "", "2", "n.v.", "x"], "number", "row 5 after the header has 'n.v.'"),
        (["x", "1"], "number", "row 1 after the header has 'x'"),
        (["1", "007"], "number", "row 2 after the header has '007', and a number could not be written with that"),
        (["1", "9" * 20], "number", f"row 2 after the header has '{'9' * 20}'"),
        (["$5", "$7", "7 kg"], "number", "row 3 after the header has '7 kg'"),
        (["TRUE"], "number", "row 1 after the header has 'TRUE'"),
        (dates("%Y-%m-%d"), "number", "row 1 after the header has '2024-01-25'"),
        ([*dates("%Y-%m-%d", "%d.%m.%Y")], "date", "row 2 after the header has '25.01.2024'"),
        ([1], "date", "row 1 after the header has '1'"),
        ([""], "date", "it has no values"),
    ],
)
def test_a_kind_that_the_values_cannot_have_is_refused_with_the_first_that_does_not_fit(tmp_path, values, kind, reason):
    with pytest.raises(InputError) as refused:
        bins(save(tmp_path, {"y": ["a"], "x": values}), x=kind)
    message = str(refused.value)
    assert message.startswith(f"column_kinds={{'x': '{kind}'}}: column 'x' cannot be read as a {kind}: {reason}")
    assert message.endswith("; correct the value, or leave the column out of column_kinds")
    assert "\n" not in message


def test_the_types_of_a_parquet_file_decide_what_its_columns_can_be(tmp_path):
    source = save_parquet(tmp_path, {"x": ["1", "2"] * 100, "day": [date(2024, 1, 31)] * 200})
    assert isinstance(bins(source, day="date").columns[1].format, Dates)
    with pytest.raises(InputError, match="'x' cannot be read as a number: the file stores it as string"):
        bins(source, x="number")


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (
            {"Zip": "category"},
            r"column_kinds={'Zip': 'category'}: 'Zip' is not a column of the training data; is 'zip' meant\?",
        ),
        ({"what": "text"}, "'what' is not a column of the training data; correct the name"),
        (
            {"zip": "categories"},
            r"column_kinds={'zip': 'categories'}: the kinds to give are number, date, category, text; is 'category' m",
        ),
        ({"zip": "identifier"}, "the kinds to give are number, date, category, text$"),
        ({"zip": None}, "the kinds to give are"),
        ({5: "text"}, "5 is not a column"),
    ],
)
def test_a_wrong_name_or_kind_is_refused(tmp_path, kinds, message):
    source = save(tmp_path, {"zip": ["007"], "y": [1]})
    with pytest.raises(InputError, match=message):
        fit_binning(source, kinds=kinds, progress=Progress())
