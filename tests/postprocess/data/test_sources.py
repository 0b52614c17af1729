"""Tests that files are read in batches, and that each kind of broken file gives one clear line."""

import gzip

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas._libs.parsers import STR_NA_VALUES

from postprocess.data.missing import MISSING_TOKENS
from postprocess.data.sources import Source, open_source
from postprocess.runtime.exits import InputError

ROWS = "".join(f"{number},x{number}\n" for number in range(100))


def write(folder, content, name="data.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(source, columns=None):
    return pa.Table.from_batches(source.batches(columns)).to_pydict()


def read_all(path):
    """Open a file and read it to its end, as a run does."""
    return read(open_source(path, role="pool"))


def test_missing_tokens_are_those_of_pandas():
    assert set(MISSING_TOKENS) == STR_NA_VALUES


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_values_are_read_as_pandas_reads_them(tmp_path, mark, ending):
    lines = ["a,b c,d", '1,"x, ""y""",', 'NA,"two\nlines","NaN"', " 5,é,None", "", '"",n/a,na']
    path = write(tmp_path, mark + ending.join(lines) + ending)
    expected = pd.read_csv(path, dtype=str)
    expected = expected.astype(object).where(expected.notna(), None)
    assert read_all(path) == expected.to_dict("list")
    packed = tmp_path / "packed.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_all(packed) == expected.to_dict("list")


def test_columns_come_in_the_given_order_and_rows_in_batches(tmp_path):
    frame = pd.DataFrame({"a": range(10), "b.c": pd.Categorical(list("xyxyxyxyxy")), "b": range(10)})
    frame.to_csv(tmp_path / "data.csv", index=False)
    frame.to_parquet(tmp_path / "data.parquet")
    for name, numbers in (("data.csv", [str(number) for number in range(10)]), ("data.parquet", list(range(10)))):
        source = open_source(tmp_path / name, role="pool")
        assert source.columns == ("a", "b.c", "b")
        assert [batch.num_rows for batch in source.batches(["b"], rows=4)] == [4, 4, 2]
        assert list(read(source, ["b", "b.c"]).items()) == [("b", numbers), ("b.c", list("xyxyxyxyxy"))]
    assert open_source(tmp_path / "data.parquet", role="pool").row_count() == 10
    assert open_source(tmp_path / "data.csv", role="pool").row_count() is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "empty file"),
        ("\n\n", "empty file"),
        ("a,b\n", "no rows, only a header"),
        ("a,b,a\n1,2,3\n", "duplicate column names in the header: 'a'"),
        ("a,,c\n1,2,3\n", "column 2 has no name"),
        ('"a;b"\n"1;2"\n', "the only column's name contains semicolons"),
        ('"a|b"\n1\n', "the only column's name contains pipes"),
        ("a;b\n1;2\n1;2;3\n", "line 3 has 3 values, .* has 2 columns; .* contain semicolons"),
        ("a;b\n1;2\n1\n", "line 3 has 1 value, .* contain semicolons"),
        ("a\tb\n1\t2\n1\t2\t3\n", "line 3 has 3 values, .* contain tabs"),
        ("a|b\nx\n", "line 2 has 1 value, but the header has 2 columns; .* contain pipes"),
        (f"a;b\n{ROWS.replace(',', ';') * 3000}1;2;3\n", "line 300002 has 3 values"),
        ("a;;c\n1;2;3\n", "column 2 has no name"),
        ('a;b\n1;2\n3;"4\n', "line 3 cannot be read"),
        ("a,b\n1,2\n\n3\n", "line 4 has 1 value, but the header has 2 columns"),
        ('a,b\n"1\n1",2\n3,4,5\n', "line 4 has 3 values, but the header has 2 columns"),
        (f"a,b\n{ROWS * 3000}1,2,3\n", "line 300002 has 3 values"),
        (b"a,b\n1,2\n1,\xe9\n", "line 3 is not UTF-8 \\(byte 0xe9\\)"),
        (b"a\xff,b\n1,2\n", "line 1 is not UTF-8"),
        ("a,b\n1,2\n".encode("utf-16"), "not a CSV file in UTF-8 but in UTF-16"),
        (b"PK\x03\x04\x14\x00", "not a CSV file in UTF-8 but an Excel file or another zip archive"),
        (b"PAR1\x15\x04", "but a Parquet file; .*\\.parquet"),
        (gzip.compress(b"a,b\n1,2\n"), "but a gzip file; .*\\.csv\\.gz"),
        (f"a,b\n{ROWS * 3000}".encode() + b"1,\xff\n", "line 300002 is not UTF-8"),
        (b"a,b\n1,2\n1,x\xc3", "not UTF-8, it ends within a character"),
        (f"a,{'b' * 3_000_000}\n1,2\n", "the header cannot be read \\(field larger than field limit"),
        ('a,b\n1,2\n3,"4\n', "line 3 cannot be read \\(unexpected end of data\\)"),
        ('a,b\n1,2\n3,"4\n5,6\n7,8', "line 3 cannot be read"),
    ],
)
def test_a_bad_csv_file_gives_one_clear_line(tmp_path, content, message):
    path = write(tmp_path, content)
    with pytest.raises(InputError, match=message) as caught:
        read_all(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_broken_gzip_file_is_refused(tmp_path):
    whole = gzip.compress(f"a,b\n{ROWS * 1000}".encode(), mtime=0)
    for content in (whole[: len(whole) // 2], whole[:-4], b"a,b\n1,2\n", whole[:5]):
        with pytest.raises(InputError, match=r"not a whole gzip file|empty file"):
            read_all(write(tmp_path, content, "data.csv.gz"))


def test_text_that_stands_for_a_missing_value_is_null_in_every_file_type(tmp_path):
    texts = ["NA", "", None, "null", "n/a", "Namibia"]
    frame = pd.DataFrame({"text": texts, "kind": pd.Categorical(texts), "number": range(6)})
    frame.to_parquet(tmp_path / "data.parquet")
    frame.to_csv(tmp_path / "data.csv", index=False)
    for name in ("data.parquet", "data.csv"):
        source = open_source(tmp_path / name, role="pool")
        (batch,), (spelt,) = source.batches(), source.batches(as_spelt=True)
        assert batch.column("text").to_pylist() == batch.column("kind").to_pylist() == [None] * 5 + ["Namibia"]
        assert spelt.column("text").to_pylist()[3:] == ["null", "n/a", "Namibia"]


def test_a_bad_parquet_file_is_refused(tmp_path):
    good = tmp_path / "good.parquet"
    pq.write_table(pa.table({"a": [str(number) for number in range(10_000)]}), good)
    whole = good.read_bytes()
    with pytest.raises(InputError, match="not a whole Parquet file"):
        read_all(write(tmp_path, whole[:-20], "cut.parquet"))
    with pytest.raises(InputError, match="broken Parquet file"):
        read_all(write(tmp_path, whole[:4] + b"\xff" * 2000 + whole[2004:], "broken.parquet"))
    with pytest.raises(InputError, match="empty file"):
        read_all(write(tmp_path, b"", "empty.parquet"))
    pq.write_table(pa.table({"a;b": [1]}), tmp_path / "marks.parquet")
    with pytest.raises(InputError, match=r"marks\.parquet: .*semicolons"):
        open_source(tmp_path / "marks.parquet", role="pool")
    pq.write_table(pa.table({"a": [[1]]}), tmp_path / "nested.parquet")
    with pytest.raises(InputError, match="column 'a' has the type list"):
        read_all(tmp_path / "nested.parquet")
    pq.write_table(pa.table([pa.array([1]), pa.array([2])], ["a", "a"]), tmp_path / "twice.parquet")
    with pytest.raises(InputError, match="duplicate column names"):
        read_all(tmp_path / "twice.parquet")
    pq.write_table(pa.table({}), tmp_path / "none.parquet")
    with pytest.raises(InputError, match="no columns"):
        read_all(tmp_path / "none.parquet")
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), tmp_path / "header.parquet")
    with pytest.raises(InputError, match="no rows"):
        read_all(tmp_path / "header.parquet")


def test_a_parquet_file_whose_text_or_names_are_not_utf8_is_refused(tmp_path):
    bad = pa.array([b"\xff\xfe", b"ok"], pa.binary()).view(pa.string())
    for values in (bad, bad.dictionary_encode()):
        pq.write_table(pa.table({"a": values}), tmp_path / "text.parquet")
        with pytest.raises(InputError, match=r"text\.parquet: broken Parquet file \(.*UTF8"):
            read_all(tmp_path / "text.parquet")
    pq.write_table(pa.table({"named": [1]}), tmp_path / "name.parquet", store_schema=False)
    content = (tmp_path / "name.parquet").read_bytes().replace(b"named", b"n\xffmed")
    with pytest.raises(InputError, match=r"name\.parquet: "):
        read_all(write(tmp_path, content, "name.parquet"))


def test_a_gzip_file_that_is_cut_before_the_end_of_a_line_that_is_not_utf8_is_refused(tmp_path):
    content = gzip.compress(b"a,b\n1,\xff" + np.random.default_rng(1).bytes(100_000).hex().encode())
    with pytest.raises(InputError, match=r"not a whole gzip file"):
        read_all(write(tmp_path, content[:-20_000], "data.csv.gz"))


def test_a_path_that_is_no_data_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: no such file; .*holdout"):
        open_source(tmp_path / "none.csv", role="holdout")
    with pytest.raises(InputError, match="not a file"):
        open_source(tmp_path, role="pool")
    kinds = r"\.csv, \.csv\.gz, \.tsv, \.tsv\.gz, \.parquet or \.xlsx"
    with pytest.raises(InputError, match=rf"unsupported file type; .*pool.* {kinds}"):
        open_source(write(tmp_path, "a\n1\n", "data.xls"), role="pool")


def test_training_data_needs_a_minimum_of_rows(tmp_path):
    lines = ROWS.splitlines(keepends=True)
    with pytest.raises(InputError, match=r"only 99 rows; .* 100"):
        open_source(write(tmp_path, "a,b\n" + "".join(lines[:99])), role="training")
    open_source(write(tmp_path, "a,b\n" + "".join(lines)), role="training")


def test_long_values_are_read_but_too_long_rows_are_refused(tmp_path):
    value = "x" * 1_000_000
    path = write(tmp_path, f"a,b\n1,{value}\n")
    assert read_all(path) == {"a": ["1"], "b": [value]}
    with pytest.raises(InputError, match="line 3 has 1 value, but the header has 2 columns"):
        read_all(write(tmp_path, f"a,b\n1,{value}\n2\n"))
    with pytest.raises(InputError, match=r"\(a row is longer than 2 MiB\)"):
        read_all(write(tmp_path, "a,b,c,d,e\n" + ",".join([value] * 5)))


def test_running_out_of_memory_is_not_blamed_on_a_csv_file(tmp_path, monkeypatch):
    def run_out(*_arguments, **_options):
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    source = open_source(write(tmp_path, "a\n1\n"), role="pool")
    monkeypatch.setattr("postprocess.data.csv_files.pa_csv.open_csv", run_out)
    with pytest.raises(MemoryError, match="malloc of size 64 failed"):
        read(source)


def test_megabytes_of_blank_lines_are_skipped(tmp_path):
    path = tmp_path / "blank.csv"
    rows = "".join(f"{number},x\n" for number in range(200))
    path.write_text(f"a,b\n{rows}" + "\n" * 5_000_000 + rows)
    assert sum(batch.num_rows for batch in open_source(path, role="training").batches()) == 400


def test_a_file_that_cannot_be_opened_is_refused(tmp_path, monkeypatch):
    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, "a,b\n1,2\n")
    monkeypatch.setattr("postprocess.data.csv_files.open_bytes", refuse)
    with pytest.raises(InputError, match=r"data\.csv: cannot be read \(\[Errno 13\] Permission denied\)"):
        open_source(path, role="pool")


def test_a_broken_file_that_cannot_be_read_again_is_refused(tmp_path, monkeypatch):
    def fail(*_arguments, **_options):
        raise OSError(5, "Input/output error")

    source = Source(write(tmp_path, "a,b\n1,2\n1,2,3\n"), ("a", "b"), role="pool")
    monkeypatch.setattr("postprocess.data.csv_faults.open_text", fail)
    with pytest.raises(InputError, match=r"data\.csv: cannot be read \(\[Errno 5\] Input/output error\)"):
        read(source)


def test_running_out_of_memory_is_not_blamed_on_a_parquet_file(tmp_path, monkeypatch):
    def run_out(*_arguments, **_options):
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "data.parquet")
    source = open_source(tmp_path / "data.parquet", role="pool")
    monkeypatch.setattr("postprocess.data.parquet_files.pq.ParquetFile", run_out)
    with pytest.raises(MemoryError, match="malloc of size 64 failed"):
        read(source)
