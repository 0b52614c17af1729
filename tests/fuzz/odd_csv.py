"""Strategies for CSV files with odd headers and odd bytes, and for other files that are called CSV files."""

import codecs
import csv
import gzip
import io
import zipfile
from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import strategies as st

from tests.fuzz.files import DataFile, Rows
from tests.fuzz.odd_columns import odd_columns, odd_names

MIN_ROWS = 100  # that training data needs
PREFACES = (
    *("sep=;\n", "sep=,\r\n", '"sep=,"\n', "# made by a program\n", "# a, b\n# c\n", "-- x\n", "/* x */\n", "%x\n"),
    *("\n\n", "Report,2024\n\n", "Report 2024\n", "Report;;\n\n", "{}\n", "<html>\n"),
    *("\x0c", "\x00", " \n", "\t\n", ",\n", '""\n'),
)
CUTS: dict[str, Callable[[list[str], Rows], tuple[list[str], Rows]]] = {
    "no header": lambda names, rows: (rows[0] if rows else names, rows[1:]),
    "header alone": lambda names, rows: (names, []),
    "blank header": lambda names, rows: ([""] * len(names), rows),
    "duplicates": lambda names, rows: ([names[0]] * len(names), rows),
    "numbered": lambda names, rows: ([str(place) for place in range(len(names))], rows),
    "unnamed": lambda names, rows: ([*names[:-1], ""], rows),
    "index": lambda names, rows: (["", *names], [[str(place), *row] for place, row in enumerate(rows)]),
    "empty end": lambda names, rows: ([*names, ""], [[*row, ""] for row in rows]),
    "short header": lambda names, rows: (names[:-1] or names, rows),
    "long header": lambda names, rows: ([*names, "more"], rows),
    "header twice": lambda names, rows: (names, [*rows, names]),
    "total": lambda names, rows: (names, [*rows, ["Total", *[""] * (len(names) - 1)]]),
}


@st.composite
def odd_tables(draw: st.DrawFn, n_rows: int = MIN_ROWS) -> tuple[list[str], Rows]:
    """Draw column names and rows of text."""
    n_columns = draw(st.sampled_from([1, 2, 3, 3, 4, 5]))
    values = [draw(odd_columns(n_rows)) for _ in range(n_columns)]
    return draw(odd_names(n_columns)), [list(row) for row in zip(*values, strict=True)]


@st.composite
def odd_csv_files(draw: st.DrawFn, names: Sequence[str], rows: Rows, *, odd: int = 1) -> DataFile:
    """Draw a CSV file of these rows. odd: of ten files, how many have an odd header, and how many have odd bytes."""
    names, rows = list(names), [list(row) for row in rows]
    if draw(st.integers(0, 9)) < odd:
        names, rows = draw(st.sampled_from(list(CUTS.values())))(names, rows)
    separator = draw(st.sampled_from([",", ",", ",", ";", "\t", "|"]))
    line_ends = draw(st.sampled_from(["\n"] * 6 + ["\r\n"] * 3 + ["\r", "\n\r", "\r\r\n", "mixed"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    lines = []
    for number, row in enumerate([names, *rows]):
        text = io.StringIO()
        end = ("\n", "\r\n", "\r")[number % 3] if line_ends == "mixed" else line_ends
        csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=end).writerow(row)
        lines.append(text.getvalue())
    text = (draw(st.sampled_from(PREFACES)) if draw(st.integers(0, 19)) < odd else "") + "".join(lines)
    if draw(st.integers(0, 4)) == 0:
        text = text.rstrip("\r\n")  # without a last line end
    content = text.encode()
    ending = draw(st.sampled_from([".csv"] * 5 + [".tsv", ".csv.gz", ".CSV", ".tsv.gz"]))
    if draw(st.integers(0, 9)) < odd:
        content = draw(odd_bytes(content))
    elif draw(st.integers(0, 5)) == 0:
        content = codecs.BOM_UTF8 + content
    if ending.endswith(".gz"):
        content = _packed(content, draw(st.sampled_from(["whole"] * 5 + list(PACKINGS))))
    return DataFile(content, ending)


PACKINGS = ("plain", "members", "empty members", "garbage", "zeros", "cut", "no sum", "twice", "cut early")


def _packed(content: bytes, way: str) -> bytes:
    packed, half = gzip.compress(content, 1, mtime=0), len(content) // 2
    match way:
        case "plain":
            return content
        case "members":
            return b"".join(gzip.compress(part, 1, mtime=0) for part in (content[:half], content[half:]))
        case "empty members":
            return gzip.compress(b"", mtime=0) + packed + gzip.compress(b"", mtime=0)
        case "garbage":
            return packed + b"garbage"
        case "zeros":
            return packed + bytes(512)
        case "cut":
            return packed[: len(packed) // 2]
        case "cut early":
            return packed[:30]
        case "no sum":
            return packed[:-8]
        case "twice":
            return gzip.compress(packed, mtime=0)
    return packed


@st.composite
def odd_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """Draw bytes that come from this content: damaged, in another encoding, or nothing like it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    place, noise = int(rng.integers(len(content) + 1)), rng.bytes(int(rng.integers(1, 200)))
    changes: dict[str, Callable[[], bytes]] = {
        "noise": lambda: rng.bytes(20_000),
        "spliced": lambda: content[:place] + noise + content[place:],
        "overwritten": lambda: content[:place] + noise + content[place + len(noise) :],
        "one byte": lambda: content[:place] + noise[:1] + content[place + 1 :],
        "noise at the end": lambda: content + noise,
        "cut": lambda: content[:place],
        "two marks": lambda: codecs.BOM_UTF8 * 2 + content,
        "mark within": lambda: content[:place] + codecs.BOM_UTF8 + content[place:],
        "utf-16": lambda: content.decode().encode("utf-16"),
        "utf-16-be": lambda: content.decode().encode("utf-16-be"),
        "utf-16-le": lambda: content.decode().encode("utf-16-le"),
        "utf-32": lambda: content.decode().encode("utf-32"),
        "utf-32-be": lambda: codecs.BOM_UTF32_BE + content.decode().encode("utf-32-be"),
        "latin-1": lambda: content.decode().encode("latin-1", errors="replace"),
        "surrogates": lambda: content[:place] + b"\xed\xa0\x80" + content[place:],
        "overlong": lambda: content[:place] + b"\xc0\xaf" + content[place:],
        "gzip": lambda: gzip.compress(content, mtime=0),
        "zip": lambda: zipped({"data.csv": content}),
        "open quote": lambda: content[:place] + b'"' + content[place:],
        "open quote at the end": lambda: content + b'"',
        "separators": lambda: b",,,\n" * 150,
        "blank lines": lambda: b"\n" * 500,
        "quotes": lambda: b'""\n' * 200,
        "nothing": lambda: b"",
        "only a mark": lambda: codecs.BOM_UTF8,
        "zeros": lambda: bytes(5000),
        "zeros within": lambda: content[:place] + bytes(7) + content[place:],
        "end of file": lambda: content + b"\x1a",
        "one line": lambda: content.replace(b"\n", b" ").replace(b"\r", b" "),
        "long line": lambda: content + b"x" * (3 << 20),
        "long value": lambda: content[:place] + b"y" * (1 << 20) + content[place:],
        "long header": lambda: b"z" * (3 << 20) + content,
        "blank lines within": lambda: content.replace(b"\n", b"\n\n \n\n"),
        "parquet": lambda: b"PAR1" + content + b"PAR1",
        "old excel": lambda: bytes.fromhex("d0cf11e0a1b11ae1") + content,
        "sqlite": lambda: b"SQLite format 3\x00" + content,
        "json lines": lambda: b'{"a": 1, "b": "x"}\n' * 150,
    }
    return changes[draw(st.sampled_from(list(changes)))]()


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip archive of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()
