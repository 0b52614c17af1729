"""Writes the selected rows as a CSV in the training data's formats."""

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.binning import Binning
from postprocess.data.formats import is_text, to_format
from postprocess.data.sources import Source, spell_missing
from postprocess.runtime.outputs import whole_file
from postprocess.runtime.progress import Progress

_MUST_QUOTE = r'[",\r\n]'
_MARK = "\ufeff"  # the byte order mark


def write_result(source: Source, rows: np.ndarray, binning: Binning, path: Path, *, progress: Progress) -> None:
    """Write the rows of `source` with the given numbers (sorted, int64) to a CSV at `path`.

    The columns stand in the training data's order. The values of a CSV stay byte for byte, missing ones as they are
    spelt. The exceptions are values that break the format of their column: "5.0" among whole numbers becomes "5",
    because the result has the training data's formats. Typed values are written in the format, missing ones as nothing.
    The log counts the rewritten values.

    Raises FileExistsError if `path` exists already, and ValueError if `rows` are not sorted, not distinct, or not all
    in `source`.
    """
    rows = np.asarray(rows)
    if np.any(rows[:1] < 0) or np.any(np.diff(rows) <= 0):
        raise ValueError("row numbers must be distinct, sorted and not negative")
    with whole_file(path) as unfinished:
        with unfinished.open("xb") as file:
            written, rewritten = _write(file, source, rows, binning)
            file.flush()
            os.fsync(file.fileno())
        if written < len(rows):
            raise ValueError(f"{source.path}: row number {rows[written]} is selected, but the file ends before it")
    if rewritten:
        progress.log(
            f"{sum(rewritten.values()):,} values of the result are written as the training data writes them, "
            f"not as the pool does (5 for 5.0, say), in {', '.join(map(repr, rewritten))}"
        )


def _write(file: BinaryIO, source: Source, rows: np.ndarray, binning: Binning) -> tuple[int, dict[str, int]]:
    """Write the rows; returns their number and, by column, the number of text values that had to change."""
    if binning.names[0].startswith(_MARK):
        file.write(_MARK.encode())  # readers take the first byte order mark for the file's own
    file.write(_csv_lines([pa.array([name]) for name in binning.names]))
    first = written = 0
    rewritten: Counter[str] = Counter()
    for batch in source.batches(binning.names, as_spelt=True):
        stop = written + int(np.searchsorted(rows[written:], first + batch.num_rows))
        if stop > written:
            chosen = batch.take(pa.array(rows[written:stop] - first))
            lines, changed = csv_lines(chosen, binning)
            file.write(lines)
            rewritten.update(changed)
        first, written = first + batch.num_rows, stop
        if written == len(rows):
            break
    return written, +rewritten


def csv_lines(batch: pa.RecordBatch, binning: Binning) -> tuple[bytes, dict[str, int]]:
    """Return a batch with all columns, in order, as CSV, and by column the number of text values that had to change.

    Raises FormatError if a value does not fit the format of its column.
    """
    texts, rewritten = [], {}
    for column, values in zip(binning.columns, batch.columns, strict=True):
        missing = spell_missing(values) if is_text(values) else None
        text, rewritten[column.name] = to_format(column.format, values, already_missing=missing)
        texts.append(text)
    return _csv_lines(texts), rewritten


def _csv_lines(columns: Sequence[pa.Array]) -> bytes:
    """Return rows of text columns as CSV lines: RFC 4180's quotes, but plain line feeds. Missing values are empty."""
    if len(columns) == 1:  # a blank value is quoted, because readers skip blank lines
        values = columns[0].cast(pa.string()).fill_null("")
        is_blank = pc.equal(pc.utf8_trim_whitespace(values), "")
        lines = pc.if_else(is_blank, pc.binary_join_element_wise('"', values, '"', ""), _quoted(values))
    else:
        lines = pc.binary_join_element_wise(*map(_quoted, columns), ",", null_handling="replace", null_replacement="")
    return "".join(f"{line}\n" for line in lines.to_pylist()).encode()


def _quoted(values: pa.Array) -> pa.Array:
    values = values.cast(pa.string())
    special = pc.match_substring_regex(values, _MUST_QUOTE)
    if not pc.any(special).as_py():
        return values
    doubled = pc.replace_substring(values, '"', '""')
    return pc.if_else(special, pc.binary_join_element_wise('"', doubled, '"', ""), values)
