"""Strategies for data files as strangers bring them: sound, odd and broken files of every dialect and kind."""

import csv
import gzip
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from postprocess.data.sources import MISSING_TOKENS

LONG_VALUE = 1_000_000  # characters
MANY_COLUMNS = 300 if "FUZZ_EXAMPLES" in os.environ else 40  # 300 take half a minute
MIN_ROWS, MAX_ROWS = 100, 130  # of most files: training data needs at least 100
ODD_BYTES = (b"\x00", b"\xff", b"\xc3", b'"', b"\r", b",", b"\n")

Rows = list[list[str]]


@dataclass(frozen=True)
class DataFile:
    """A file's content and the ending of its name."""

    content: bytes
    ending: str

    def __repr__(self) -> str:  # a failing example must stay readable
        return f"DataFile({self.content[:2000]!r}{'...' if len(self.content) > 2000 else ''}, {self.ending!r})"


# Names and values

NAMES = st.one_of(
    st.sampled_from(
        [
            *("a", "b", "c", "d", "e", "id", "index", "level_0", "c0000", "__class__", "row", "n", "date", "price"),
            *("nan", "NA", "NULL", "1", "-1.5", "true", "2024-01-01", "_RARE_", "(other)", "<script>alert(1)</script>"),
            *("../../etc/passwd", "C:\\x", "=1+1", "=cmd|' /C calc'!A0", "@a", "-a", "a.b", "col,umn", 'quo"te', "'"),
            *("new\nline", "cr\rhere", "ünï", "日本", "🙂", "\u200b", "\u202e", "#", "{x}", "%s", "$HOME", "x" * 3000),
            *(" a", "a ", "A", "[bold]", "\\", "/", "e\u0301", "é"),
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8),
)
BAD_NAMES = st.sampled_from(["", " ", "\t", "a", "id"])  # without a name, or likely to be a duplicate

NUMBERS = {
    "whole": st.integers(-50, 1000).map(str),
    "decimal": st.decimals(-1000, 1000, places=2).map(str),
    "float": st.floats(allow_nan=False, allow_infinity=False).map(repr),
    "extreme": st.sampled_from(
        [
            *(
                "1e308",
                "-1e308",
                "1e400",
                "-1e400",
                "5e-324",
                "1e-400",
                "-0",
                "-0.0",
                "+7",
                "0.1E+3",
                "1.",
                ".5",
                "5.0",
            ),
            *("9007199254740993", "-9223372036854775808", "9223372036854775807", "9223372036854775808"),
            *("18446744073709551616", "1" + "0" * 400, "0." + "0" * 400 + "1", "1e99999999999", "007", " 8", "9 "),
        ]
    ),
    "infinite": st.sampled_from(["inf", "-inf", "Infinity", "+INF", "-Infinity"]),
    "not plain": st.sampled_from(
        ["1,000", "1_000", "0x10", "1e", "--1", "٣", "１", "½", "1 000", "12%", "€5", "1d5", "1f"]
    ),
}
DATES = {
    "day": st.dates(date(1990, 1, 1), date(2030, 1, 1)).map(str),
    "any day": st.dates().map(str),
    "time": st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)).map(lambda t: f"{t:%Y-%m-%d %H:%M:%S}"),
    "zone": st.datetimes().map(lambda t: t.replace(tzinfo=UTC).isoformat()),
    "german": st.dates(date(1990, 1, 1), date(2030, 1, 1)).map(lambda d: f"{d:%d.%m.%Y}"),
    "slashes": st.dates(date(1990, 1, 1), date(2030, 1, 1)).map(lambda d: f"{d:%d/%m/%Y}"),
    "impossible": st.sampled_from(
        [
            *("0000-00-00", "2024-02-30", "2023-02-29", "9999-12-31", "0001-01-01", "1677-09-21", "2262-04-12"),
            *("99999-01-01", "2024-13-01", "31/02/2024", "00/00/0000", "2024-01-01 24:00:00", "2024-01-01T25:00"),
            *("2024-01-01T00:00:60", "2024-01-01 00:00:00+99:99", "9999-12-31T23:59:59.999999-23:59", "2024-W01-1"),
            *("0001-01-01T00:00:00+14:00", "20240101", "2024-001", "2024-01-01T00:00:00.1234567Z"),
        ]
    ),
}
TEXTS = {
    "letters": st.sampled_from(["red", "green", "blue", "x", "y"]),
    "truth": st.sampled_from(["True", "False", "TRUE", "false", "true", "1", "0"]),
    "missing": st.sampled_from([*MISSING_TOKENS, "NAN", " nan", "NaN ", "-", "?", "nil", " "]),
    "special": st.sampled_from(
        [
            *(
                "=1+1",
                "@SUM(A1)",
                "+cmd",
                "-2+3",
                "\t=1",
                "<script>alert(1)</script>",
                "&amp;",
                "../../x",
                "$(id)",
                "`id`",
            ),
            *("_RARE_", "(n/a)", "(empty)", "(other)", "(unseen)", 'a "quoted" b', '"', '""', "a,b", "line\nbreak"),
            *(
                "cr\rhere",
                "crlf\r\nhere",
                "\n",
                ",",
                "\\",
                "\\n",
                "'",
                "\ufeff",
                "\u2028",
                "e\u0301",
                "é",
                "🙂",
                "[red]",
            ),
        ]
    ),
    "text": st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
}
KINDS = NUMBERS | DATES | TEXTS


@st.composite
def columns(draw: st.DrawFn, n_rows: int) -> list[str]:
    """Draw the values of a column: mostly of one kind, sometimes of several, some of them missing."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=draw(st.sampled_from([1, 1, 1, 3]))))
    values = [value for kind in kinds for value in draw(st.lists(KINDS[kind], min_size=1, max_size=8))]
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.sampled_from([0.0, 0.0, 0.1, 0.9, 1.0]))
    missing = draw(st.sampled_from(["", "NA", "null"]))
    chosen = rng.integers(len(values), size=n_rows)
    if draw(st.integers(0, 9)) == 0:  # each row has a value of its own
        return [f"{values[0][:20]}{number}" for number in rng.permutation(n_rows)]
    return [missing if gone else values[place] for place, gone in zip(chosen, rng.random(n_rows) < share, strict=True)]


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], Rows]:
    """Draw column names and rows. Most of them could be anybody's data."""
    n_rows = draw(st.one_of(st.integers(MIN_ROWS, MAX_ROWS), st.sampled_from([*[MIN_ROWS] * 8, 0, 1, 99])))
    n_columns = draw(st.sampled_from([*(1, 2, 2, 3, 3, 3, 4, 4, 5, 6) * 5, 12]))
    names = draw(st.lists(NAMES, min_size=n_columns, max_size=n_columns, unique=True))
    if draw(st.integers(0, 19)) == 0:
        names[draw(st.integers(0, n_columns - 1))] = draw(BAD_NAMES)
    values = [draw(columns(n_rows)) for _ in names]
    oddity = draw(st.integers(0, 399))
    if oddity == 0 and n_rows:
        values[0] = ["9" * LONG_VALUE if draw(st.booleans()) else "x" * LONG_VALUE, *values[0][1:]]
    elif oddity == 1:
        names = [*names, *(f"more {number}" for number in range(MANY_COLUMNS - n_columns))]
        values = [*values, *(values[number % n_columns] for number in range(MANY_COLUMNS - n_columns))]
    return names, [list(row) for row in zip(*values, strict=True)]


# CSV

DAMAGE = ("short row", "long row", "odd byte", "cut", "open quote", "header alone", "nothing", "spaces")


@st.composite
def csv_files(draw: st.DrawFn, names: Sequence[str], rows: Rows) -> DataFile:
    """Draw a CSV file of these rows. Most dialects can be read, some cannot, and some files are damaged."""
    damage = draw(st.sampled_from([None] * 25 + list(DAMAGE)))
    rows = [list(row) for row in rows]
    if rows and damage in ("short row", "long row"):
        row = rows[draw(st.integers(0, len(rows) - 1))]
        row[:] = row[:-1] if damage == "short row" else [*row, "1"]
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=draw(st.sampled_from([","] * 30 + [";", "\t", "|"])),
        quoting=draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])),
        lineterminator="\n" if draw(st.booleans()) else draw(st.sampled_from(["\r\n", "\r"])),
    )
    blank_lines = draw(st.sampled_from([0, 0, 0, 1, 50]))
    for number, row in enumerate([list(names), *rows]):
        writer.writerow(row)
        if blank_lines and number % (100 // blank_lines) == 0:
            writer.writerow([])
    text = text.getvalue()
    if damage == "spaces":
        text = text.replace(",", " , ")
    if draw(st.integers(0, 4)) == 0:
        text = text.rstrip("\r\n")  # without a last line end
    encoding = draw(st.sampled_from(["utf-8"] * 20 + ["utf-8-sig"] * 4 + ["utf-16", "latin-1", "cp1252"]))
    content = _damaged(draw, text.encode(encoding, errors="replace"), damage)
    if draw(st.integers(0, 4)):
        return DataFile(content, ".csv")
    packed = gzip.compress(content, compresslevel=1, mtime=0)
    kind = draw(st.sampled_from(["whole"] * 8 + ["cut", "plain"]))
    return DataFile({"whole": packed, "cut": packed[: len(packed) * 2 // 3], "plain": content}[kind], ".csv.gz")


def _damaged(draw: st.DrawFn, content: bytes, damage: str | None) -> bytes:
    place = draw(st.integers(0, len(content))) if damage in ("odd byte", "cut", "open quote") else 0
    match damage:
        case "odd byte":
            return content[:place] + draw(st.sampled_from(ODD_BYTES)) + content[place:]
        case "cut":
            return content[:place]
        case "open quote":
            return content[:place] + b',"' + content[place:]
        case "header alone":
            return content.split(b"\n")[0]
        case "nothing":
            return b""
    return content


# Parquet

_SMALL = st.integers(0, 100)
ARROW_KINDS: dict[pa.DataType, st.SearchStrategy] = {
    pa.int8(): st.integers(-128, 127),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float16(): _SMALL.map(np.float16),
    pa.float32(): st.floats(width=32),
    pa.float64(): st.floats(),
    pa.decimal128(10, 2): st.decimals(-1000, 1000, places=2),
    pa.decimal128(38, 0): st.integers(-(10**37), 10**37).map(Decimal),
    pa.decimal256(60, 30): st.decimals(-1000, 1000, places=30),
    pa.bool_(): st.booleans(),
    pa.string(): st.one_of(*TEXTS.values()),
    pa.large_string(): st.one_of(*DATES.values()),
    pa.string_view(): TEXTS["letters"],
    pa.date32(): st.dates(),
    pa.date64(): st.dates(),
    pa.timestamp("s"): st.integers(-(2**40), 2**40),
    pa.timestamp("ms"): st.integers(-(2**50), 2**50),
    pa.timestamp("us", "Europe/Berlin"): st.integers(-(2**50), 2**50),
    pa.timestamp("ns", "UTC"): st.integers(-(2**63), 2**63 - 1),
    pa.timestamp("us"): st.integers(-(2**63) + 1, 2**63 - 1),
    pa.time32("s"): st.times().map(lambda t: t.replace(microsecond=0)),
    pa.time64("us"): st.just(time(1, 2, 3)),
    pa.duration("us"): _SMALL.map(lambda days: timedelta(days)),
    pa.binary(): st.binary(max_size=5),
    pa.binary(3): st.binary(min_size=3, max_size=3),
    pa.list_(pa.int64()): st.lists(_SMALL, max_size=3),
    pa.struct([("x", pa.int64())]): st.fixed_dictionaries({"x": _SMALL}),
    pa.map_(pa.string(), pa.int64()): st.just([("x", 1)]),
    pa.dictionary(pa.int32(), pa.string()): TEXTS["letters"],
    pa.dictionary(pa.int8(), pa.int64()): _SMALL,
    pa.null(): st.none(),
}
USUAL = [kind for kind in ARROW_KINDS if not (pa.types.is_nested(kind) or pa.types.is_binary(kind))]


@st.composite
def arrow_columns(draw: st.DrawFn, n_rows: int) -> pa.Array:
    """Draw a column of any type that Parquet knows. Odd types are less frequent."""
    kind = draw(st.sampled_from(USUAL * 4 + list(ARROW_KINDS)))
    values = draw(st.lists(ARROW_KINDS[kind], min_size=1, max_size=6))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.sampled_from([0.0, 0.1, 1.0]))
    chosen = rng.integers(len(values), size=n_rows)
    gone = rng.random(n_rows) < share
    return pa.array([None if no else values[place] for place, no in zip(chosen, gone, strict=True)], kind)


@st.composite
def parquet_tables(draw: st.DrawFn) -> pa.Table:
    """Draw an Arrow table of typed columns."""
    n_rows = draw(st.sampled_from([MIN_ROWS, MIN_ROWS, MAX_ROWS, 0, 50]))
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=draw(st.integers(0, 9)) > 0))
    return pa.Table.from_arrays([draw(arrow_columns(n_rows)) for _ in names], names)


@st.composite
def parquet_files(draw: st.DrawFn, table: pa.Table) -> DataFile:
    """Draw a Parquet file of this table. Some files are broken."""
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=draw(st.sampled_from([1, 30, 1000])))
    content = sink.getvalue()
    damage = draw(st.sampled_from([None] * 12 + ["cut", "odd byte", "nothing"]))
    return DataFile(_damaged(draw, content, damage), ".parquet")


def text_table(names: Sequence[str], rows: Rows) -> pa.Table:
    """Return an Arrow table of text columns."""
    values = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.Table.from_arrays([pa.array(column, pa.string()) for column in values], list(names))


# The files of a call


@st.composite
def pools(draw: st.DrawFn, names: Sequence[str], rows: Rows) -> DataFile:
    """Draw a pool for training data of these rows: in another order, dialect or file type, with some odd values."""
    names, rng = list(names), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n_rows = round(len(rows) * draw(st.sampled_from([0.5, 1, 1.5, 2, 3, 3, 3])))
    picked = rng.integers(len(rows), size=(n_rows, len(names))) if rows else np.zeros((0, len(names)), int)
    if draw(st.booleans()):
        picked[:] = picked[:, :1]  # whole training rows
    values = [[rows[place][column] for place in picked[:, column]] for column in range(len(names))]
    if draw(st.integers(0, 3)) == 0:
        values[draw(st.integers(0, len(names) - 1))] = draw(columns(n_rows))
    if draw(st.integers(0, 3)) == 0:
        names, values = [*names, "surplus"], [*values, draw(columns(n_rows))]
    order = draw(st.permutations(range(len(names)))) if len(names) < 20 else range(len(names))
    if draw(st.integers(0, 19)) == 0:
        order = order[1:] or order
    names, values = [names[place] for place in order], [values[place] for place in order]
    rows = [list(row) for row in zip(*values, strict=True)]
    if draw(st.integers(0, 4)) == 0:
        return draw(parquet_files(text_table(names, rows)))
    return draw(csv_files(names, rows))


@st.composite
def calls(draw: st.DrawFn) -> tuple[DataFile, DataFile | None]:
    """Draw training data, and a pool or None."""
    if draw(st.integers(0, 4)) == 0:
        table = draw(parquet_tables())
        training = draw(parquet_files(table))
        names = table.column_names
        if draw(st.booleans()):
            return training, None
        if draw(st.booleans()):
            return training, draw(parquet_files(pa.concat_tables([table] * 2)))
        rows = [["" if value is None else str(value) for value in row.values()] for row in _rows(table)]
        return training, draw(pools(names, rows)) if rows and len(set(names)) == len(names) else None
    names, rows = draw(tables())
    training = draw(csv_files(names, rows))
    return training, draw(pools(names, rows)) if draw(st.booleans()) else None


def _rows(table: pa.Table) -> list[dict[str, object]]:
    try:
        return table.to_pylist()
    except (ValueError, OverflowError):  # times that Python cannot hold
        return []
