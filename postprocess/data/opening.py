"""Opens data files as bytes or as text. A name in .gz means that the file is decompressed."""

import csv
import gzip
import io
from pathlib import Path

BLOCK_BYTES = 2 << 20  # of CSV text parsed at a time; no row may be longer
csv.field_size_limit(BLOCK_BYTES)  # enough for any value; the csv module has one limit for all of its readers


def open_bytes(path: Path) -> gzip.GzipFile | io.BufferedReader:
    """Open a file for reading. A .gz file is decompressed."""
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")


def open_text(path: Path) -> io.TextIOWrapper:
    """Open a file of UTF-8 text for reading, without its byte order mark. The line ends stay as they are."""
    return io.TextIOWrapper(open_bytes(path), "utf-8-sig", newline="")
