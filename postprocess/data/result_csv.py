"""Writes the selected rows as a CSV in the training data's formats and dialect."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.binning import Binning
from postprocess.data.dialect import PLAIN, SEPARATORS, Dialect
from postprocess.data.formats import is_text, to_format
from postprocess.data.missing import spell_missing
from postprocess.data.sources import Source
from postprocess.runtime.outputs import whole_file
from postprocess.runtime.progress import Progress

_MARK = "\ufeff"  # the byte order mark


def write_result(
    source: Source,
    rows: np.ndarray,
    binning: Binning,
    path: Path,
    *,
    progress: Progress,
    dialect: Dialect = PLAIN,
) -> None:
    """Write the rows of `source` with the given numbers (sorted, int64) to a CSV at `path`.

    The columns stand in the training data's order. The values of a CSV stay byte for byte, missing ones as they are
    spelt. The exceptions are values that break the format of their column: "5.0" among whole numbers becomes "5",
    because the result has the training data's formats. Typed values are written in the format, missing ones as nothing.
    The log counts the rewritten values. dialect: the training data's.

    Raises FileExistsError if `path` exists already, and ValueError if `rows` are not sorted, not distinct, or not all
    in `source`.
    """
    rows = np.asarray(rows)
    if np.any(rows[:1] < 0) or np.any(np.diff(rows) <= 0):
        raise ValueError("row numbers must be distinct, sorted and not negative")
    with whole_file(path) as unfinished:
        with unfinished.open("xb") as file:
            written, rewritten = _write(file, source, rows, binning, dialect)
            file.flush()
            os.fsync(file.fileno())
        if written < len(rows):
            raise ValueError(f"{source.path}: row number {rows[written]} is selected, but the file ends before it")
    if rewritten:
        progress.log(
            f"{sum(rewritten.values()):,} values of the result are written as the training data writes them, "
            f"not as the pool does (5 for 5.0, say), in {', '.join(map(repr, rewritten))}"
        )


def _write(
    file: BinaryIO, source: Source, rows: np.ndarray, binning: Binning, dialect: Dialect
) -> tuple[int, dict[str, int]]:
    """Write the rows; returns their number and, by column, the number of text values that had to change."""
    if dialect.mark or binning.names[0].startswith(_MARK):
        file.write(_MARK.encode())  # readers take the first byte order mark for the file's own
    file.write(_header(binning.names, dialect))
    first = written = 0
    rewritten: Counter[str] = Counter()
    for batch in source.batches(binning.names, as_spelt=True):
        stop = written + int(np.searchsorted(rows[written:], first + batch.num_rows))
        if stop > written:
            chosen = batch.take(pa.array(rows[written:stop] - first))
            lines, changed = csv_lines(chosen, binning, dialect)
            file.write(lines)
            rewritten.update(changed)
        first, written = first + batch.num_rows, stop
        if written == len(rows):
            break
    return written, +rewritten


def _header(names: Sequence[str], dialect: Dialect) -> bytes:
    """Return the line of the column names.

    If a name contains another separator, quotes around all names leave only one separator that can divide the line.
    Several names with commas need no such quotes, because readers try the comma first.
    """
    comma_divides = dialect.separator == "," and len(names) > 1
    quote_all = not comma_divides and any(separator in name for separator in SEPARATORS for name in names)
    return _csv_lines([pa.array([name]) for name in names], dialect, quote_all=quote_all)


def csv_lines(batch: pa.RecordBatch, binning: Binning, dialect: Dialect = PLAIN) -> tuple[bytes, dict[str, int]]:
    """Return a batch with all columns, in order, as CSV, and by column the number of text values that had to change.

    Raises FormatError if a value does not fit the format of its column.
    """
    texts, rewritten = [], {}
    for column, values in zip(binning.columns, batch.columns, strict=True):
        missing = spell_missing(values) if is_text(values) else None
        text, rewritten[column.name] = to_format(column.format, values, already_missing=missing)
        texts.append(text)
    return _csv_lines(texts, dialect), rewritten


def _csv_lines(columns: Sequence[pa.Array], dialect: Dialect, *, quote_all: bool = False) -> bytes:
    """Return rows of text columns as CSV lines with RFC 4180's quotes. Missing values are empty."""
    texts = [column.cast(pa.string()) for column in columns]
    if len(texts) == 1:
        lines = _in_quotes(texts[0]) if quote_all else _only_column(texts[0].fill_null(""))
    else:
        quoted = [_quoted(values, dialect.separator, quote_all=quote_all) for values in texts]
        lines = pc.binary_join_element_wise(*quoted, dialect.separator, null_handling="replace", null_replacement="")
    return "".join(f"{line}{dialect.line_end}" for line in lines.to_pylist()).encode()


def _only_column(values: pa.Array) -> pa.Array:
    """Return the lines of a file of one column, which readers take for one with commas.

    A blank value is quoted, because readers skip blank lines.
    """
    is_blank = pc.equal(pc.utf8_trim_whitespace(values), "")
    return pc.if_else(is_blank, _in_quotes(values), _quoted(values, ","))


def _quoted(values: pa.Array, separator: str, *, quote_all: bool = False) -> pa.Array:
    """Return text values, in quotes if they need them."""
    if quote_all:
        return _in_quotes(values)
    special = pc.match_substring_regex(values, f'[{re.escape(separator)}"\r\n]')
    return pc.if_else(special, _in_quotes(values), values) if pc.any(special).as_py() else values


def _in_quotes(values: pa.Array) -> pa.Array:
    return pc.binary_join_element_wise('"', pc.replace_substring(values, '"', '""'), '"', "")
