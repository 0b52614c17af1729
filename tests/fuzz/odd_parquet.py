"""Strategies for Parquet files of all types, and of the ways in which programs write them."""

import io
from collections.abc import Callable
from contextlib import suppress
from datetime import date, time, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import assume
from hypothesis import strategies as st

from tests.fuzz.files import DataFile
from tests.fuzz.odd_columns import odd_columns, odd_names

Generator = np.random.Generator
ZONES = (None, None, "UTC", "Europe/Berlin", "America/St_Johns", "+05:30", "-00:30", "Etc/GMT+3", "Nowhere/City")
UNITS = ("s", "ms", "us", "ns")
DECIMALS = (
    *(pa.decimal32(4, 2), pa.decimal64(15, 4), pa.decimal128(1, 0), pa.decimal128(5, 5), pa.decimal128(9, 2)),
    *(pa.decimal128(18, 0), pa.decimal128(19, 3), pa.decimal128(38, 0), pa.decimal128(38, 38), pa.decimal128(20, 17)),
    *(pa.decimal256(39, 2), pa.decimal256(76, 0), pa.decimal256(76, 76), pa.decimal256(76, 38)),
)
NESTED = (
    *(pa.struct([("x", pa.int64())]), pa.struct([("x", pa.list_(pa.string()))]), pa.list_(pa.float64())),
    *(pa.list_(pa.struct([("x", pa.int64())])), pa.list_(pa.int8(), 2), pa.large_list(pa.string())),
    *(pa.map_(pa.string(), pa.int64()), pa.binary(), pa.large_binary(), pa.binary(4)),
    *(pa.string_view(), pa.duration("s"), pa.duration("ns"), pa.uuid(), pa.json_(), pa.bool8()),
)


def _decimal(rng: Generator, kind: pa.DataType) -> Decimal:
    digits = int(rng.integers(1, kind.precision + 1))
    number = int("".join(map(str, rng.integers(0, 10, digits))))
    return Decimal(number if rng.integers(2) else -number).scaleb(-kind.scale)


def _value(rng: Generator, kind: pa.DataType) -> object:
    """Return a value that an array of this type can be made of."""
    small, types = int(rng.integers(100)), pa.types
    makers: list[tuple[Callable[[pa.DataType], bool], Callable[[], object]]] = [
        (types.is_boolean, lambda: bool(small % 2)),
        (types.is_unsigned_integer, lambda: int(rng.integers(2 ** min(kind.bit_width, 63))) >> int(small)),
        (types.is_integer, lambda: (int(rng.integers(-(2**63), 2**63 - 1)) >> (64 - kind.bit_width)) >> small % 20),
        (types.is_floating, lambda: float(rng.choice([small, small / 8, 1e-5, -0.0, np.nan, np.inf, -65504]))),
        (types.is_decimal, lambda: _decimal(rng, kind)),
        (types.is_timestamp, lambda: _tick(rng, kind.unit)),
        (types.is_date, lambda: date.fromordinal(int(rng.integers(1, 3652059) if small < 10 else 730000 + small))),
        (types.is_time, lambda: time(small % 24, small % 60, 7, 0 if kind.unit == "s" else 5000)),
        (types.is_duration, lambda: timedelta(seconds=small)),
        (types.is_struct, lambda: {field.name: _value(rng, field.type) for field in kind}),
        (types.is_map, lambda: [("k", small)]),
        (types.is_fixed_size_list, lambda: [_value(rng, kind.value_type) for _ in range(kind.list_size)]),
        (lambda of: types.is_list(of) or types.is_large_list(of), lambda: [_value(rng, kind.value_type)] * (small % 3)),
        (types.is_fixed_size_binary, lambda: rng.bytes(kind.byte_width)),
        (lambda of: types.is_binary(of) or types.is_large_binary(of), lambda: rng.bytes(small % 5)),
        (types.is_null, lambda: None),
    ]
    return next((make() for fits, make in makers if fits(kind)), f'"{small}"')


def _tick(rng: Generator, unit: str) -> int:
    per_second = 10 ** (3 * UNITS.index(unit))
    match rng.integers(8):
        case 0:
            return int(rng.integers(-(2**62), 2**62))  # hundreds of thousands of years away, except for nanoseconds
        case 1:
            return int(rng.choice([-(2**63) + 1, 2**63 - 1, 0, -1, 253402300799 * min(per_second, 10**6)]))
        case 2:
            return int(rng.integers(2 * 10**9)) * per_second + int(rng.integers(per_second))
    return int(rng.integers(10**4)) * 86400 * per_second


KINDS = st.one_of(
    st.sampled_from([pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]),
    st.sampled_from([pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.null()]),
    st.sampled_from(DECIMALS),
    st.sampled_from([pa.timestamp(unit, zone) for unit, zone in product(UNITS, ZONES)]),
    st.sampled_from([pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")]),
)


@st.composite
def odd_arrays(draw: st.DrawFn, n_rows: int) -> pa.Array:
    """Draw a column: of text or of another type, sometimes dictionary-encoded, rarely of a type that is refused."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if draw(st.integers(0, 3)) == 0:
        distinct = pa.array(draw(odd_columns(n_rows)), draw(st.sampled_from([pa.string(), pa.large_string()])))
        indices = np.arange(n_rows)
    else:
        kind = draw(st.sampled_from(NESTED)) if draw(st.integers(0, 24)) == 0 else draw(KINDS)
        values = [_value(rng, kind) for _ in range(draw(st.sampled_from([1, 2, 6, 40])))]
        if isinstance(kind, pa.BaseExtensionType):
            values = [value if kind.extension_name == "arrow.json" else None for value in values]
        distinct = pa.array(values, kind)
        indices = rng.integers(len(values), size=n_rows)
    if draw(st.integers(0, 60)) == 0:
        distinct = pa.array([b"\xff\xfe", b"ok"] * len(distinct), pa.binary())[: len(distinct)].view(pa.string())
    gone = rng.random(n_rows) < draw(st.sampled_from([0.0, 0.0, 0.1, 1.0]))
    places = pa.array(indices.astype(np.int32), mask=gone)
    if draw(st.integers(0, 3)):
        return distinct.take(places)
    return pa.DictionaryArray.from_arrays(places, distinct, ordered=draw(st.booleans()))


@st.composite
def odd_arrow_tables(draw: st.DrawFn) -> pa.Table:
    """Draw an Arrow table of typed columns, sometimes as pandas makes it."""
    n_rows = draw(st.sampled_from([100] * 12 + [130, 99, 1, 0]))
    names = draw(odd_names(draw(st.sampled_from([1, 2, 3, 3, 4, 5]))))
    table = pa.Table.from_arrays([draw(odd_arrays(n_rows)) for _ in names], names)
    if draw(st.integers(0, 99)) == 0:
        return pa.Table.from_arrays([table[0]] * 40, [f"{names[0]} {place}" for place in range(40)])
    return table if draw(st.integers(0, 5)) else draw(_made_by_pandas(n_rows))


@st.composite
def _made_by_pandas(draw: st.DrawFn, n_rows: int) -> pa.Table:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    whole, texts = pd.Series(rng.integers(9, size=n_rows)), pd.Series(rng.choice(["x", "y", "NA"], n_rows))
    times = pd.Series(pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(10**6, size=n_rows), unit="s"))
    gone = pd.Series(rng.random(n_rows) < 0.2)
    made: dict[str, Callable[[], pd.Series]] = {
        "Int64": lambda: whole.astype("Int64").mask(gone),
        "UInt8": lambda: whole.astype("UInt8"),
        "Float32": lambda: (whole / 8).astype("Float32").mask(gone),
        "boolean": lambda: (whole > 4).astype("boolean").mask(gone),
        "string": lambda: texts.astype("string").mask(gone),
        "arrow": lambda: texts.astype(pd.ArrowDtype(pa.string())),
        "object": lambda: pd.Series(
            [None if no else f"{value}" for no, value in zip(gone, whole, strict=True)], dtype=object
        ),
        "dates": lambda: pd.Series(times.dt.date, dtype=object),
        "category": lambda: texts.astype("category"),
        "ordered": lambda: whole.astype(pd.CategoricalDtype(range(12), ordered=True)),
        "times category": lambda: times.dt.floor("D").astype("category"),
        "interval category": lambda: pd.cut(whole, 3).astype(str).astype("category"),
        "zoned": lambda: times.dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"),
        "period": lambda: times.dt.to_period("M"),
        "interval": lambda: pd.Series(pd.cut(whole, [-1, 4, 9])),
        "delta": lambda: times - pd.Timestamp("2024-01-01"),
        "sparse": lambda: whole.astype(pd.SparseDtype("int64", 0)),
        "complex": lambda: pd.Series([{"a": value} for value in whole], dtype=object),
    }
    picked = draw(st.lists(st.sampled_from(list(made)[:13] * 4 + list(made)), min_size=1, max_size=5, unique=True))
    frame = pd.DataFrame({name: made[name]() for name in picked})
    match draw(st.sampled_from(["", "", "index", "named", "levels", "columns", "numbers", "times"])):
        case "index":
            frame = frame.iloc[::-1]
        case "named":
            frame.index = pd.Index(texts, name="key")
        case "levels":
            frame.index = pd.MultiIndex.from_arrays([whole, texts], names=["one", None])
        case "columns":
            frame.columns = pd.MultiIndex.from_tuples([(name, "x") for name in frame.columns])
        case "numbers":
            frame.columns = range(frame.shape[1])
        case "times":
            frame.columns = pd.date_range("2024-01-01", periods=frame.shape[1])
    try:
        return pa.Table.from_pandas(frame, preserve_index=draw(st.sampled_from([None, None, True, False])))
    except (pa.ArrowException, TypeError, ValueError):  # a type that Arrow does not have
        return pa.Table.from_pandas(frame[[]].assign(x=texts))


@st.composite
def odd_parquet_files(draw: st.DrawFn, table: pa.Table, *, odd: int = 1) -> DataFile:
    """Draw a Parquet file of this table. odd: of ten files, how many are broken or are called by another ending."""
    options = {
        "compression": draw(st.sampled_from(["none", "snappy", "gzip", "brotli", "zstd", "lz4"])),
        "data_page_version": draw(st.sampled_from(["1.0", "2.0"])),
        "version": draw(st.sampled_from(["1.0", "2.4", "2.6", "2.6"])),
        "use_dictionary": draw(st.booleans()),
        "row_group_size": draw(st.sampled_from([1, 7, 30, 1000, 1000])),
        "data_page_size": draw(st.sampled_from([10, 2**20])),
        "write_statistics": draw(st.booleans()),
        "store_schema": draw(st.booleans()),
        "use_deprecated_int96_timestamps": draw(st.integers(0, 4)) == 0,
        "write_page_checksum": draw(st.booleans()),
    }
    try:
        content = _written(table, options)
    except pa.ArrowException:  # dictionaries that Parquet does not have
        columns = [column.combine_chunks() for column in table.columns]
        columns = [values.dictionary_decode() if hasattr(values, "indices") else values for values in columns]
        try:
            content = _written(pa.Table.from_arrays(columns, table.column_names), options)
        except pa.ArrowException:  # times beyond those that the version has, and the like
            assume(False)
    if draw(st.integers(0, 9)) >= odd:
        return DataFile(content, draw(st.sampled_from([".parquet", ".parquet", ".PARQUET"])))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    place = int(rng.integers(len(content)))
    damages = {
        "cut": content[:place],
        "one byte": content[:place] + rng.bytes(1) + content[place + 1 :],
        "noise": content[:place] + rng.bytes(9) + content[place + 9 :],
        "twice": content * 2,
        "bad name": content.replace(table.column_names[0].encode(), b"\xff" * len(table.column_names[0].encode())),
        "without its start": content[4:],
        "without its end": content[:-4],
        "ends alone": b"PAR1PAR1",
        "nothing": b"",
    }
    named = {"csv": ".csv", "csv.gz": ".csv.gz", "xlsx": ".xlsx"}
    way = draw(st.sampled_from([*damages, *named]))
    return DataFile(damages.get(way, content), named.get(way, ".parquet"))


def _written(table: pa.Table, options: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, allow_truncated_timestamps=True, **options)
    return sink.getvalue()


TARGETS = (
    *(pa.string(), pa.large_string(), pa.int8(), pa.int64(), pa.uint64(), pa.float16(), pa.float32(), pa.float64()),
    *(pa.decimal128(30, 6), pa.decimal256(60, 0), pa.bool_(), pa.date32(), pa.timestamp("s")),
    *(pa.timestamp("us", "UTC"),),
    *(pa.timestamp("ns", "Europe/Berlin"), pa.time64("us"), pa.null()),
)


@st.composite
def retyped(draw: st.DrawFn, table: pa.Table, *, times: float = 2.5) -> pa.Table:
    """Draw a table of the values of this one, in other types, in another order, and `times` as many rows."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    table = table.take(rng.integers(max(len(table), 1), size=round(times * len(table))))
    columns = []
    for column in table.columns:
        values = column.combine_chunks()
        if draw(st.booleans()):
            with suppress(pa.ArrowException):  # values that this type does not have
                values = values.cast(draw(st.sampled_from(TARGETS)), safe=draw(st.booleans()))
        if draw(st.integers(0, 4)) == 0 and not isinstance(values, pa.DictionaryArray | pa.ExtensionArray):
            with suppress(pa.ArrowException):  # a type without dictionaries
                values = values.dictionary_encode()
        columns.append(values)
    table = pa.Table.from_arrays(columns, table.column_names)
    return table.select(draw(st.permutations(range(table.num_columns)))) if table.num_columns < 10 else table
