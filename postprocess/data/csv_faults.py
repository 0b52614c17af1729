"""Finds out where a CSV file is broken, so that the error can name the line and say what to do."""

import codecs
import csv
import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

from postprocess.data.dialect import SEPARATORS
from postprocess.data.opening import open_bytes, open_text
from postprocess.runtime.exits import InputError


def find_csv_fault(path: Path, columns: Sequence[str], separator: str = ",") -> InputError | None:
    """Read the file again, slowly, and return an error that names its first fault. Return None if there is none."""
    try:
        with open_text(path) as text:
            reader = csv.reader(text, delimiter=separator, strict=True)
            first_line = 1
            for row in reader:
                if row and len(row) != len(columns):
                    values = f"{len(row)} value{'s' * (len(row) > 1)}"
                    named = f"{len(columns)} column{'s' * (len(columns) > 1)}"
                    return InputError(
                        f"{path}: line {first_line} has {values}, but the header has {named}; "
                        f"correct the line, or quote values that contain {SEPARATORS[separator]}"
                    )
                first_line = reader.line_num + 1
    except UnicodeDecodeError:
        return not_utf8(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:
        return broken_gzip(path, fault)
    except csv.Error as fault:
        return InputError(f"{path}: line {first_line} cannot be read ({fault}); check its quotes")
    except OSError as fault:
        return InputError(f"{path}: cannot be read ({one_line(fault)}); check the file and its permissions")
    return None


def not_utf8(path: Path) -> InputError:
    """Return the error for a file that is not UTF-8, with the first line that is not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with open_bytes(path) as stream:
            for number, line in enumerate(stream, start=1):
                try:
                    decoder.decode(line)
                except UnicodeDecodeError as error:
                    byte = error.object[error.start]
                    return InputError(f"{path}: line {number} is not UTF-8 (byte 0x{byte:02x}); save the file as UTF-8")
    except (EOFError, zlib.error, gzip.BadGzipFile) as fault:  # before the end of that line
        return broken_gzip(path, fault)
    return InputError(f"{path}: not UTF-8, it ends within a character; save the file as UTF-8")


def broken_gzip(path: Path, error: Exception) -> InputError:
    """Return the error for a gzip file that cannot be decompressed."""
    return InputError(f"{path}: not a whole gzip file ({one_line(error)}); compress or copy it again")


def one_line(error: Exception) -> str:
    """Return the message of an error without line breaks."""
    return " ".join(str(error).split())
