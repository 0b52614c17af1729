"""The kinds that the user gives to columns. They take the place of those that the values suggest."""

import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.column_bins import Kind
from postprocess.data.format_inference import infer_formats
from postprocess.data.formats import NUMBER, Dates, Format, Texts, is_number
from postprocess.data.sources import Source
from postprocess.data.xlsx_files import Sheet
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress
from postprocess.runtime.suggestions import question

GIVEN_KINDS = (Kind.NUMBER, Kind.DATE, Kind.CATEGORY, Kind.TEXT)

_LEADING_ZERO = re.compile(r"\s*[+-]?0\d")


def require_kinds(source: Source, kinds: Mapping[str, str]) -> dict[str, Kind]:
    """Return the kinds that the user gives, by column.

    Raises InputError if a column does not exist, or a kind is none of GIVEN_KINDS.
    """
    for name, kind in kinds.items():
        if name not in source.columns:
            hint = question(str(name), source.columns) or "; correct the name"
            raise InputError(f"{_place(name, kind)}: {name!r} is not a column of the training data{hint}")
        if kind not in GIVEN_KINDS:
            hint = question(str(kind), [str(known) for known in GIVEN_KINDS])
            raise InputError(f"{_place(name, kind)}: the kinds to give are {', '.join(GIVEN_KINDS)}{hint}")
    return {name: Kind(kind) for name, kind in kinds.items()}


def with_kinds(formats: Mapping[str, Format], kinds: Mapping[str, Kind], source: Source) -> dict[str, Format]:
    """Return the formats, by column, in which the columns of these kinds are read. `source` is the training data.

    Categories and text are kept as they are written, whatever they look like.

    Raises InputError if a column is given as a number or a date but its values have no such format.
    """
    changed = dict(formats)
    for name, kind in kinds.items():
        if kind in (Kind.CATEGORY, Kind.TEXT):
            changed[name] = Texts()
        elif not _is_of(kind, formats[name]):
            raise InputError(
                f"{_place(name, kind)}: column {name!r} cannot be read as a {kind}: {_obstacle(source, name, kind)}; "
                "correct the value, or leave the column out of column_kinds"
            )
    return changed


def _place(name: object, kind: object) -> str:
    return f"column_kinds={{{name!r}: {str(kind)!r}}}"


def _is_of(kind: Kind, format: Format) -> bool:
    return isinstance(format, Dates) if kind == Kind.DATE else is_number(format)


def _obstacle(source: Source, name: str, kind: Kind) -> str:
    """Return what keeps a column from being of a kind: the first value that does not fit those before it."""
    column = pa.chunked_array([batch.column(0) for batch in source.batches([name])])
    if source.typed:
        return f"the file stores it as {column.type}"
    distinct = column.unique().drop_null()  # in the order in which they appear
    if not len(distinct):
        return "it has no values"
    lengths = range(1, len(distinct))
    fitting = bisect_left(
        lengths, True, key=lambda length: not _is_of(kind, _format_of(source, name, distinct[:length]))
    )
    text = distinct[fitting].as_py()
    found = f"row {pc.index(column, text).as_py() + 1} after the header has {text!r}"
    if kind == Kind.NUMBER and NUMBER.fullmatch(text.strip()) and _LEADING_ZERO.match(text):
        found += ", and a number could not be written with that leading zero"
    return found


def _format_of(source: Source, name: str, texts: pa.Array) -> Format:
    """Return the format that a column of these texts would have in a file like `source`."""
    sheet = Sheet("", 1, (name,), pa.table({name: texts}))
    return infer_formats(replace(source, in_file=(name,), left_out=(), sheet=sheet), progress=Progress())[name]
