"""What each column is taken for: its kind, the format of its values, and what the user may want to do about it."""

import textwrap
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa

from postprocess.data.binning import Binning
from postprocess.data.column_bins import Column, Kind
from postprocess.data.date_tokens import Token, tokens_of
from postprocess.data.formats import Booleans, Dates, Decimals, Dressed, Format, Integers, Texts

MAX_WIDTH = 100  # characters of a line in the log
MAX_NAME, MAX_FORMAT, MAX_NAMES = 24, 28, 50  # characters of a name, of a format, and of the names before a note
MAX_LINES = 40  # the log lists the columns of wider data by kind

IDENTIFYING_NOTE = "hardly ever occurs twice: real values can come out; leave it out with exclude"

_NUMBER = pa.array([1234.5])  # the examples are made up, because a real value may be that of one row alone
_TIME = pa.array([datetime(2024, 1, 31, 13, 45)], pa.timestamp("us"))
_DATE_PARTS = ("year", "month", "day")
_HEADER = ("column", "kind", "format", "distinct", "missing")
_GAP = "  "


def kind_rows(binning: Binning) -> list[dict[str, Any]]:
    """Return what each column is taken for, as plain values, in the training data's order.

    name, kind; format: in words, with a made-up example; distinct, missing: numbers of values; note: what to do, ""
    if there is nothing to say.
    """
    return [
        {
            "name": column.name,
            "kind": str(column.kind),
            "format": _format(column),
            "distinct": column.facts.distinct,
            "missing": column.facts.missing,
            "note": "; ".join(_notes(column)),
        }
        for column in binning.columns
    ]


def kinds_table(binning: Binning) -> list[str]:
    """Return what each column is taken for, as lines for the log of at most MAX_WIDTH characters.

    Notes follow the table, each of them once. `Binning.warnings` already tells of the columns that may identify people.
    If there are more than MAX_LINES columns, a line for each kind names them, and the table has only those with notes.
    """
    columns, lines = binning.columns, []
    if len(columns) > MAX_LINES:
        for kind in Kind:
            if names := [_shown(column.name) for column in columns if column.kind == kind]:
                lines.append(_cut(f"{len(names):,} {kind}: {', '.join(names)}", MAX_WIDTH))
        columns = tuple(column for column in columns if _notes(column))
    return lines + _aligned(columns) + _notes_below(columns)


def _aligned(columns: Sequence[Column]) -> list[str]:
    if not columns:
        return []
    cells = [_HEADER, *map(_cells, columns)]
    widths = [max(map(len, texts)) for texts in zip(*cells, strict=True)]
    aligned = (str.ljust, str.ljust, str.ljust, str.rjust, str.rjust)
    return [
        _GAP.join(align(text, width) for align, text, width in zip(aligned, row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _cells(column: Column) -> tuple[str, ...]:
    facts = column.facts
    missing = f"{facts.missing:,} ({facts.missing / facts.rows:.1%})" if facts.missing else ""
    name, format = _cut(_shown(column.name), MAX_NAME), _cut(_format(column), MAX_FORMAT)
    return name, column.kind, format, f"{facts.distinct:,}", missing


def _notes_below(columns: Sequence[Column]) -> list[str]:
    names_of: dict[str, list[str]] = {}
    for column in columns:
        for note in _notes(column):
            if note != IDENTIFYING_NOTE:
                names_of.setdefault(note, []).append(_shown(column.name))
    notes = (f"{_cut(', '.join(names), MAX_NAMES)}: {note}" for note, names in names_of.items())
    return [line for note in notes for line in textwrap.wrap(note, MAX_WIDTH, subsequent_indent=_GAP)]


def _notes(column: Column) -> list[str]:
    """Return what the user may want to know of a column, or do about it."""
    if not column.facts.distinct:
        return ["no values"]
    notes = ["one value only"] if column.facts.distinct == 1 else []
    if column.identifying:
        notes.append(IDENTIFYING_NOTE)
    elif column.kind == Kind.TEXT and not column.facts.repeats:
        notes.append(
            "hardly repeats: rare values are replaced by made-up text of the same shape; leave it out if nobody needs "
            "it"
        )
    if isinstance(column.format, Dressed):
        notes.append(f"text such as {_example(column.format, _NUMBER)} is read as numbers")
    if isinstance(column.format, Dates) and column.format.assumed:
        parts = [piece.part for piece in tokens_of(column.format.layout) if isinstance(piece, Token)]
        order = "/".join(part for part in parts if part in _DATE_PARTS)
        notes.append(
            f"day and month cannot be told apart; read as {order}; column_kinds={{{column.name!r}: 'category'}} keeps "
            "the text"
        )
    return notes


def _format(column: Column) -> str:
    """Return the format of the values in words, with an example in the training data's spelling."""
    format = column.format
    if not column.facts.distinct:
        return ""
    if isinstance(format, Texts):
        return "text"
    if isinstance(format, Booleans):
        return f"{format.true}/{format.false}"
    if isinstance(format, Dates):
        return _example(format, _TIME)
    numbers = format.numbers if isinstance(format, Dressed) else format
    return f"{_decimals(numbers)}: {_example(format, _NUMBER)}"


def _example(format: Format, value: pa.Array) -> str:
    return format.write(value.cast(format.type, safe=False))[0].as_py()


def _decimals(format: Integers | Decimals) -> str:
    if isinstance(format, Integers) or format.max_decimals == 0:
        return "whole"
    least, most = format.min_decimals, format.max_decimals
    if most is None:
        return "decimals"
    span = f"{least} to {most}" if least < most else f"{most}"
    return f"{span} decimal{'s' * (most > 1)}"


def _shown(name: str) -> str:
    """Return a name without line breaks and the like."""
    return repr(name)[1:-1]


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
