"""Tests that the separator, line ends and byte order mark of a CSV are found, and that the result keeps them."""

import csv
import gzip
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from postprocess.data.binning import fit_binning, read_typed
from postprocess.data.dialect import SAMPLE_ROWS, SEPARATORS, Dialect, find_dialect
from postprocess.data.encoding import read_codes
from postprocess.data.result_csv import write_result
from postprocess.data.sources import Source, open_source
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress


def write(folder, content, name="data.csv"):
    path = folder / name
    data = content.encode()
    path.write_bytes(gzip.compress(data) if name.lower().endswith(".gz") else data)
    return path


def read(path):
    return pa.Table.from_batches(open_source(path, role="pool").batches(as_spelt=True)).to_pydict()


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1;2\n", ";"),
        ("a\tb\n1\t2\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ("\n\na;b\n\n1;2\n", ";"),
        ("a;b\n1,5;2,5\n", ";"),  # decimal commas
        ("a;b\n1,5;2\n", ";"),
        ("a,b;c\n1;2\n1,5;2\n", ";"),  # the comma does not divide the rows alike
        ("a,b\n1;2,3\n", ","),
        ("a;b,c;d\n1;2,3;4\n", ","),  # both fit
        ("name;price, EUR\nk;1,5\n", ";"),  # a blank after the comma: it stands in a name
        ("a, b\n1, 2\n", ","),
        ("a;b|c|d\n1;2|3|4\n", "|"),  # both fit, the pipe gives more columns
        ('"a,b";c\n"1,2";3\n', ";"),  # separators in quotes do not count
        ('c;"a,b"\n1;2,5\n', ";"),
        ('"a";"b,c"\n1;2,5\n', ";"),
        ('a;"b\nx,y"\n1;2\n', ";"),
        ('"a" ; "b"\n"1" ; "2"\n', ";"),
        ('"a;b;c",d\n"1;2;3",4\n', ","),
        ('a,"b;""c"""\n1,";"\n', ","),
        ("a\n1;2\n", ","),  # one column
        ("a\n1\n", ","),
        ("a,b\n1,2,3\n1\n", ","),  # nothing fits
        ("a;b\n1;2;3\n1\n", ";"),
        ("", ","),
    ],
)
def test_the_separator_divides_the_header_and_the_first_rows_alike(tmp_path, content, separator):
    assert find_dialect(write(tmp_path, content)) == Dialect(separator)
    assert find_dialect(write(tmp_path, content, "data.CSV.gz")) == Dialect(separator)


@pytest.mark.parametrize("name", ["data.tsv", "data.TSV.GZ"])
@pytest.mark.parametrize(
    ("content", "separator"),
    [
        ("a,b\tc\n1,2\t3\n", "\t"),
        ("a,b\tc\n1,2,3\t4\n", "\t"),
        ("a,b\n1,2\n", ","),
        ("a,b;c;d\n1,2;3;4\n", ","),
        ("a;b\n1;2\n", ";"),
    ],
)
def test_a_tab_is_tried_first_in_tsv_files(tmp_path, name, content, separator):
    assert find_dialect(write(tmp_path, content, name)) == Dialect(separator)


def test_files_of_every_separator_are_read(tmp_path):
    for separator in SEPARATORS:
        rows = [["a", "b c"], ["1", separator], ["x\ny", '"'], ["", "é"]]
        text = io.StringIO()
        csv.writer(text, delimiter=separator).writerows(rows)
        for name in ("data.csv", "data.csv.gz", "data.tsv", "DATA.TSV.GZ"):
            path = write(tmp_path, text.getvalue(), name)
            assert read(path) == {"a": ["1", "x\ny", ""], "b c": [separator, '"', "é"]}


def test_a_row_beyond_the_first_ones_is_not_looked_at_but_named(tmp_path):
    path = write(tmp_path, "a;b\n" + "1;2,5\n" * SAMPLE_ROWS + "1;2;3\n")
    assert find_dialect(path).separator == ";"
    with pytest.raises(InputError, match=f"line {SAMPLE_ROWS + 2} has 3 values, .* quote values that contain semicolo"):
        read(path)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(("end", "found"), [("\n", "\n"), ("\r\n", "\r\n"), ("\r", "\n")])
def test_line_ends_and_the_byte_order_mark_are_found_in_the_header(tmp_path, mark, end, found):
    path = write(tmp_path, mark + end.join(["", 'a;"b\r\nc\nd"', "1;2", ""]))
    assert find_dialect(path) == Dialect(";", found, bool(mark))


def test_the_result_has_the_dialect_of_the_training_data(tmp_path):
    lines = ["id;price;note", "1;2,50;x, y", '2;-0,25;"a;b"', '3;;"say ""hi"""', '4;3,00;"two\nlines"'] * 25
    content = "\ufeff" + "".join(f"{line}\r\n" for line in [*lines[:5], *(lines[1:5] * 24)])
    source = open_source(write(tmp_path, content), role="training")
    assert source.dialect == Dialect(";", "\r\n", True)
    result = tmp_path / "result.csv"
    binning = fit_binning(source, progress=Progress())
    write_result(source, np.arange(100), binning, result, progress=Progress(), dialect=source.dialect)
    assert result.read_bytes().decode() == content
    assert open_source(result, role="result").dialect == source.dialect


def test_a_plain_pool_becomes_a_result_with_decimal_commas(tmp_path):
    training = open_source(write(tmp_path, "a;b\n" + "1,50;x\n2,25;y\n" * 50), role="training")
    pool = open_source(write(tmp_path, 'b,a\nx,"1,50"\n"y;z",2.5\nx,3\n"v,w",NA\n', "pool.csv"), role="pool")
    binning = fit_binning(training, progress=Progress())
    result = tmp_path / "result.csv"
    write_result(pool, np.arange(4), binning, result, progress=Progress(), dialect=training.dialect)
    assert result.read_text() == 'a;b\n1,50;x\n2,50;"y;z"\n3,00;x\nNA;v,w\n'


def test_numbers_with_decimal_commas_are_binned_and_trained_as_those_with_points(tmp_path):
    numbers = np.random.default_rng(1).normal(size=500).round(2)
    numbers[::7] = np.nan
    frame = pd.DataFrame({"x": numbers, "y": range(500)})
    frame.to_csv(tmp_path / "points.csv", index=False)
    frame.to_csv(tmp_path / "commas.csv", index=False, sep=";", decimal=",")
    points, commas = (open_source(tmp_path / name, role="training") for name in ("points.csv", "commas.csv"))
    by_points, by_commas = (fit_binning(source, progress=Progress()) for source in (points, commas))
    assert [column.labels for column in by_commas.columns] == [column.labels for column in by_points.columns]
    expected = read_codes(points, by_points, progress=Progress())
    for source in (commas, points):  # a pool may have points
        codes = read_codes(source, by_commas, progress=Progress())
        np.testing.assert_array_equal(codes.codes, expected.codes)
        np.testing.assert_array_equal(codes.fingerprints, expected.fingerprints)
    typed = read_typed(commas, by_commas)
    pd.testing.assert_frame_equal(typed, read_typed(points, by_points))
    assert by_commas.to_text(typed)["x"].dropna().tolist() == [
        text.replace(".", ",") for text in by_points.to_text(typed)["x"].dropna()
    ]


names = st.text(
    st.one_of(st.sampled_from(',;\t|"\r\n\ufeff ab'), st.characters(codec="utf-8", exclude_characters="\0"))
)
dialects = st.builds(Dialect, st.sampled_from(list(SEPARATORS)), st.sampled_from(["\n", "\r\n"]), st.booleans())


@settings(max_examples=200, deadline=None)
@given(st.data(), dialects)
def test_any_names_and_values_are_read_back_in_any_dialect(tmp_path_factory, data, dialect):
    columns = data.draw(st.lists(names.filter(str.strip), min_size=1, max_size=5, unique=True))
    texts = [data.draw(st.lists(names, min_size=3, max_size=3)) for _ in columns]
    folder = tmp_path_factory.mktemp("dialects")
    pq.write_table(pa.table([pa.array(column, pa.string()) for column in texts], columns), folder / "pool.parquet")
    pool = Source(folder / "pool.parquet", tuple(columns))
    binning = fit_binning(pool, progress=Progress())
    result = folder / "result.csv"
    write_result(pool, np.arange(3), binning, result, progress=Progress(), dialect=dialect)
    if len(columns) == 1 and any(separator in columns[0] for separator in ";\t|"):
        with pytest.raises(InputError, match="the only column's name contains"):
            open_source(result, role="result")
        return
    source = open_source(result, role="result")
    assert source.in_file == tuple(columns)
    assert source.dialect.separator == (dialect.separator if len(columns) > 1 else ",")
    assert source.dialect.line_end == dialect.line_end
    assert source.dialect.mark == (dialect.mark or columns[0].startswith("\ufeff"))
    assert pa.Table.from_batches(source.batches(as_spelt=True)).to_pydict() == dict(zip(columns, texts, strict=True))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_pool_with_commas_is_read_back(tmp_path_factory, data):
    columns = data.draw(st.lists(names.filter(str.strip), min_size=2, max_size=5, unique=True))
    texts = {name: data.draw(st.lists(names, min_size=3, max_size=3)) for name in columns}
    path = tmp_path_factory.mktemp("pools") / "pool.csv"
    mark = "\ufeff" * columns[0].startswith("\ufeff")
    path.write_bytes((mark + pd.DataFrame(texts).to_csv(index=False, lineterminator="\r\n")).encode())
    assert read(path) == texts
