"""Runs the command on random files, and checks that each run ends soundly or with one line on what is wrong."""

import csv
import gzip
import io
import json
import os
import re
import signal
import tempfile
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import main
from postprocess.data.binning import fit_binning
from postprocess.data.dialect import find_dialect
from postprocess.data.formats import to_format
from postprocess.data.sources import MISSING_TOKENS, open_source
from postprocess.runtime.progress import Progress
from tests.fuzz.files import DataFile

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
MAX_SECONDS = 300 if EXAMPLES else 60  # of one run: anything longer hangs
MAX_TEST_SECONDS = 4 * 3600 if EXAMPLES else 600
LOG_LINE = re.compile(r"\d\d:\d\d:\d\d  ")
REWRITTEN = re.compile(r"([\d,]+) values of the result are written as the training data writes them")
ROLES = ("training", "pool", "holdout")

Files = Sequence[DataFile | None]  # one for each of ROLES, or for the first of them


def try_files(calls: st.SearchStrategy[Files], few: int, capsys: pytest.CaptureFixture) -> Counter[str]:
    """Run the command on the files of `few` calls, or of FUZZ_EXAMPLES; returns how often the runs ended in which way.

    The ways are "sound", and the kinds of complaints. With FUZZ_EXAMPLES the files are others each time, and the counts
    are printed.
    """
    endings: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES or few,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(calls)
    def run(files: Files) -> None:
        with tempfile.TemporaryDirectory() as folder:
            endings[end_of(files, Path(folder), capsys)] += 1

    try:
        run()
    finally:
        if EXAMPLES:
            with capsys.disabled():
                print(f"\n{endings.total():,} runs, {endings['sound']:,} of them sound; the others:")
                for message, count in endings.most_common():
                    print(f"{count:7,}  {message}")
    return endings


def end_of(files: Files, folder: Path, capsys: pytest.CaptureFixture) -> str:
    """Run the command and check how it ends. Return "sound", or the kind of complaint."""
    output, paths = folder / "output", {}
    for role, file in zip(ROLES, files, strict=False):
        if file is not None:
            paths[role] = folder / f"{role}{file.ending}"
            paths[role].write_bytes(file.content)
    options = [part for role in paths if role != "training" for part in (f"--{role}", str(paths[role]))]
    capsys.readouterr()
    signal.alarm(MAX_SECONDS)
    code = main.main([str(paths["training"]), "--output", str(output), *options])
    signal.alarm(0)
    out, err = capsys.readouterr()
    lines = [line for line in err.split("\n") if line and not LOG_LINE.match(line)]
    left = [path for path in folder.rglob("*") if path.is_file() and path not in paths.values()]
    assert not [path for path in left if path.suffix in (".unfinished", ".part")]
    if code:
        assert code == 2 and not out and not left, err
        (line,) = lines
        assert line.startswith("main.py: ") and str(folder) in line
        return _kind_of(line.replace(str(folder), ""))
    assert not lines, err
    result = Path(out.splitlines()[0])
    assert {path.name for path in result.parent.iterdir()} == {
        result.stem + ending for ending in (".csv", "_summary.json", "_report.html")
    }
    summary = json.loads(result.with_name(f"{result.stem}_summary.json").read_text(encoding="utf-8"))
    accuracies = summary["result_accuracy"], summary["accuracy"]["refined"]  # of the file, and of the chosen rows
    assert accuracies[0] == pytest.approx(accuracies[1])
    source = paths.get("pool") or next((output / "pool_data").glob("*.csv"))
    _check_result(paths["training"], source, result, rewritten=REWRITTEN.findall(err))
    return "sound"


def _check_result(training: Path, pool: Path, result: Path, *, rewritten: list[str]) -> None:
    """Check the result's columns and number of rows, and that all values but those logged are the pool's."""
    names, n_rows = _shape_of(training)
    header, *chosen = _text_rows(result)
    assert header == names and len(chosen) == n_rows
    _check_formats(training, result)
    if pool.suffix == ".xlsx":
        return
    if pool.suffix.lower() == ".parquet" and not _holds_text_alone(pool):  # written in the training data's formats
        _check_typed_values(training, pool, dict(zip(names, zip(*chosen, strict=True), strict=True)))
        return
    pool_names, *pool_rows = _text_rows(pool)
    places = [pool_names.index(name) for name in names]
    pool_rows = [tuple(row[place] for place in places) for row in pool_rows]
    if rewritten:
        values = [set(column) for column in zip(*pool_rows, strict=True)]
        others = sum(value not in column for row in chosen for value, column in zip(row, values, strict=True))
        assert others <= int(rewritten[0].replace(",", ""))
    else:
        in_order = iter(pool_rows)
        for row in chosen:  # a part of the pool's rows, in their order
            assert tuple(row) in in_order, row


def _check_formats(training: Path, result: Path) -> None:
    """Check that the result's values stay as they are if they are written in the training data's formats once more."""
    binning = fit_binning(open_source(training, role="training"), progress=Progress())
    table = pa.Table.from_batches(open_source(result, role="result").batches())
    for column in binning.columns:
        _, changed = to_format(column.format, table[column.name].combine_chunks())
        assert not changed, column.name


def _check_typed_values(training: Path, pool: Path, columns: dict[str, Sequence[str]]) -> None:
    """Check that the result's values are the pool's, in the columns whose type is that of the training data."""
    if training.suffix.lower() != ".parquet":
        return
    types = {field.name: field.type for field in pq.read_schema(training)}
    table = pq.read_table(pool)
    for name, texts in columns.items():
        if (values := table[name]).type == types[name]:
            kind = types[name].value_type if pa.types.is_dictionary(types[name]) else types[name]
            if plain := _plain(kind):
                known = {plain(str(value)) for value in values.to_pylist() if value is not None}
                assert {plain(text) for text in texts if text not in MISSING_TOKENS} <= known, name


def _plain(kind: pa.DataType) -> Any:
    """Return what makes the value of a text, for the types whose values the result holds exactly. None for others."""
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        return Decimal
    if pa.types.is_boolean(kind) or pa.types.is_date32(kind) or pa.types.is_string(kind):
        return str
    return None


def _shape_of(path: Path) -> tuple[list[str], int]:
    """Return the column names and the number of rows, read by other means than the project's."""
    if path.suffix.lower() == ".parquet":
        return pq.read_schema(path).names, pq.read_metadata(path).num_rows
    names, *rows = _text_rows(path)
    return names, len(rows)


def _holds_text_alone(path: Path) -> bool:
    return all(str(field.type) in ("string", "large_string") for field in pq.read_schema(path))


def _text_rows(path: Path) -> list[list[str]]:
    """Return the column names, then the rows. Missing values of Parquet and Excel files are empty."""
    if path.suffix.lower() == ".parquet":
        table = pq.read_table(path)
        return [table.column_names, *([value or "" for value in row.values()] for row in table.to_pylist())]
    if path.suffix == ".xlsx":
        sheet = openpyxl.load_workbook(path, data_only=True).worksheets[0]
        rows = [["" if value is None else str(value) for value in row] for row in sheet.iter_rows(values_only=True)]
        rows = [row for row in rows if any(row)]
        width = max(place for row in rows for place, value in enumerate(row, start=1) if value)
        return [row[:width] for row in rows]
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
    separator = find_dialect(path).separator
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]


def _kind_of(line: str) -> str:
    """Return the complaint without the parts that it quotes."""
    line = re.sub(r"^main.py: \S*?(training|pool|holdout)\S*: ", "", line)
    line = re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\([^)]*\)", "_", line)
    return re.sub(r"[\d,]*\d", "N", line)[:100]
