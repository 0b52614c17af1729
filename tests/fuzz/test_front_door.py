"""Tests that any file gives a sound result, or one clear line and exit code 2.

FUZZ_EXAMPLES=2000 tests/run.sh -k fuzz tries 2,000 random files, other ones each time, and prints how the runs ended.
"""

import csv
import gzip
import io
import json
import os
import re
import signal
import tempfile
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

import main
from pool.build import build_pool
from postprocess.data.dialect import find_dialect
from tests.fuzz.files import DataFile, calls
from tests.pool.fakes import resample

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
FEW_EXAMPLES = 200
MAX_SECONDS = 300 if EXAMPLES else 60  # of one run: anything longer hangs
MAX_TEST_SECONDS = 4 * 3600 if EXAMPLES else 600
LOG_LINE = re.compile(r"\d\d:\d\d:\d\d  ")
REWRITTEN = re.compile(r"([\d,]+) values of the result are written as the training data writes them")


@pytest.fixture
def _small(monkeypatch):
    """Use a generator that trains nothing, and small limits for all work. Restore the signal handlers."""
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGALRM)
    monkeypatch.setattr(main, "build_pool", partial(build_pool, train=resample))
    monkeypatch.setattr(main, "POOL", replace(main.POOL, train_iterations=2, sample_size=2.5))
    limits = {"ipf_iterations": 1, "refinement_iterations": 1, "trimming_swapsize": 50, "refinement_swapsize": 50}
    others = {"refinement_top_triples": 1000, "threads": 1, "realism": EXAMPLES > 0, "usefulness": EXAMPLES > 0}
    monkeypatch.setattr(main, "SELECTION", replace(main.SELECTION, **limits, **others))
    signal.signal(signal.SIGALRM, _hangs)
    yield
    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGALRM, before[1])


def _hangs(_signal, _frame):
    raise AssertionError(f"no end after {MAX_SECONDS} s")


@pytest.mark.timeout(MAX_TEST_SECONDS)
@pytest.mark.usefixtures("_small")
def test_any_file_gives_a_sound_result_or_one_line(capsys):
    endings = Counter()

    @settings(
        max_examples=EXAMPLES or FEW_EXAMPLES,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(calls())
    def run(files: tuple[DataFile, DataFile | None]) -> None:
        with tempfile.TemporaryDirectory() as folder:
            endings[_end_of(*files, Path(folder), capsys)] += 1

    try:
        run()
    finally:
        if EXAMPLES:
            with capsys.disabled():
                print(f"\n{endings.total():,} runs, {endings['sound']:,} of them sound; the others:")
                for message, count in endings.most_common():
                    print(f"{count:7,}  {message}")
    assert endings["sound"] > endings.total() / 4 and len(endings) > 10


def _end_of(training: DataFile, pool: DataFile | None, folder: Path, capsys) -> str:
    """Run the command and check how it ends. Return "sound", or the kind of complaint."""
    output, paths = folder / "output", {}
    for role, file in (("training", training), ("pool", pool)):
        if file is not None:
            paths[role] = folder / f"{role}{file.ending}"
            paths[role].write_bytes(file.content)
    options = ["--pool", str(paths["pool"])] if pool else []
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
    if pool.suffix == ".parquet" and not _holds_text_alone(pool):
        return  # typed values are written in the training data's formats
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


def _shape_of(path: Path) -> tuple[list[str], int]:
    """Return the column names and the number of rows, read by other means than the project's."""
    if path.suffix == ".parquet":
        return pq.read_schema(path).names, pq.read_metadata(path).num_rows
    names, *rows = _text_rows(path)
    return names, len(rows)


def _holds_text_alone(path: Path) -> bool:
    return all(str(field.type) in ("string", "large_string") for field in pq.read_schema(path))


def _text_rows(path: Path) -> list[list[str]]:
    """Return the column names, then the rows. Missing values of Parquet are empty."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return [table.column_names, *([value or "" for value in row.values()] for row in table.to_pylist())]
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
    separator = find_dialect(path).separator
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if row]


def _kind_of(line: str) -> str:
    """Return the complaint without the parts that it quotes."""
    line = re.sub(r"^main.py: \S*?(training|pool)\S*: ", "", line)
    line = re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\([^)]*\)", "_", line)
    return re.sub(r"[\d,]*\d", "N", line)[:100]
