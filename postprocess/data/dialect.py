"""The dialect of a CSV file: its separator, its line ends, and whether it begins with a byte order mark.

Other separators may stand in quoted values, and in any value that needs no quotes. The header and the first rows
therefore decide. A separator fits if it divides them all into the same number of columns.
"""

import codecs
import csv
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from postprocess.data.opening import open_bytes, open_text

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
SAMPLE_ROWS = 100
SAMPLE_CHARACTERS = 1 << 20

_SEPARATOR = f"[{''.join(SEPARATORS)}]"
_QUOTE_BESIDE_SEPARATOR = re.compile(f'{_SEPARATOR}"|"{_SEPARATOR}')


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written. mark: whether the file begins with a byte order mark."""

    separator: str = ","
    line_end: str = "\n"
    mark: bool = False


PLAIN = Dialect()


class _Start(NamedTuple):
    """The start of a file, divided by one separator. lines: the number of lines up to the end of the header.

    clean: whether the quotes of the header fit the separator. consistent: whether all rows have as many values as the
    header.
    """

    separator: str
    header: list[str]
    lines: int
    clean: bool
    consistent: bool


def find_dialect(path: Path) -> Dialect:
    """Return the dialect of a CSV file, after a look at its header and at its first rows.

    A comma comes first among those that fit, and in a .tsv file a tab before it. Then comes the one of semicolon, tab
    and pipe that gives the most columns. A comma comes last if a blank follows each comma of the header, as in
    `name;price, EUR`. If none fits, one that divides the header is taken, so that the reader of the rows names the
    faulty line. A file of one column has a comma.

    Raises OSError, EOFError, zlib.error or UnicodeDecodeError if the start of the file cannot be read.
    """
    starts = [_divided(path, separator) for separator in SEPARATORS]
    first_choices = ("\t", ",") if path.name.lower().endswith((".tsv", ".tsv.gz")) else (",",)

    def merit(start: _Start) -> tuple[bool, bool, bool, int, int]:
        choice = first_choices[::-1].index(start.separator) if start.separator in first_choices else -1
        in_names = start.separator == "," and all(name.startswith(" ") for name in start.header[1:])
        return start.clean and start.consistent, start.clean, not in_names, choice, len(start.header)

    best = max((start for start in starts if len(start.header) > 1), key=merit, default=starts[0])
    with open_bytes(path) as stream:
        mark = stream.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8
    return Dialect(best.separator, _line_end(path, best.lines), mark)


def _divided(path: Path, separator: str) -> _Start:
    header: list[str] = []
    lines, clean, consistent = 0, False, True
    with open_text(path) as text:
        reader = csv.reader(text, delimiter=separator)
        try:
            header = next((row for row in reader if row), [])
            lines, clean = reader.line_num, _is_clean(path, separator)
            characters = 0
            for row in islice(reader, SAMPLE_ROWS):
                consistent = consistent and len(row) in (0, len(header))  # a blank line has no values
                characters += sum(map(len, row))
                if characters > SAMPLE_CHARACTERS:
                    break
        except csv.Error:  # a value that is too long
            consistent = False
    return _Start(separator, header, lines, clean, consistent)


def _is_clean(path: Path, separator: str) -> bool:
    """Return whether the quotes of the header stand around whole names, as they do if the separator is right."""
    with open_text(path) as text:
        try:
            header = next((row for row in csv.reader(text, delimiter=separator, strict=True) if row), [])
        except csv.Error:
            return False
    return not any(_QUOTE_BESIDE_SEPARATOR.search(name) for name in header)


def _line_end(path: Path, lines: int) -> str:
    """Return the end of the last of the first lines: "\\r\\n", or "\\n" for any other."""
    with open_text(path) as text:
        last = next(islice(text, lines - 1, lines), "") if lines else ""
    return "\r\n" if last.endswith("\r\n") else "\n"
