"""Makes a training table and a pool of any size, of mixed, correlated columns with missing values, from a seed.

python -m benchmarks.make_case FOLDER --rows 100000 --columns 80 --pool-rows 2500000 --seed 1
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from benchmarks.command import exits, whole
from benchmarks.structure import Structure, new_structure
from postprocess.data.sources import MIN_ROWS
from postprocess.runtime.outputs import whole_file
from postprocess.runtime.progress import Progress, open_progress

ROWS_PER_PIECE = 1 << 16  # drawn and written together: memory depends on this, not on the number of rows
POOL_CYCLES = 2  # generators that the pool comes from, each with errors of its own


@dataclass(frozen=True, kw_only=True)
class CaseSize:
    """How large a case is. Raises ValueError, in one line, for sizes that make no case."""

    rows: int = 100_000
    columns: int = 80
    pool_rows: int = 2_500_000

    def __post_init__(self) -> None:
        if self.rows < MIN_ROWS or self.columns < 1:
            raise ValueError(f"a case needs at least {MIN_ROWS} rows and 1 column, not {self.rows}, {self.columns}")
        if self.pool_rows < self.rows:
            raise ValueError(f"pool_rows={self.pool_rows}: must be at least the {self.rows} training rows")


def make_case(
    folder: Path, size: CaseSize, *, seed: int, progress: Progress, pool_format: Literal["parquet", "csv"] = "parquet"
) -> tuple[Path, Path]:
    """Write training.csv and pool.parquet or pool.csv, each whole or not at all; returns their paths.

    The pool's rows are drawn from flawed copies of the population that the training rows come from, never from the
    training rows. The same size, format and seed give the same files.

    Raises FileExistsError where a file is there already.
    """
    training_path, pool_path = folder / "training.csv", folder / f"pool.{pool_format}"
    for path in (training_path, pool_path):
        if path.exists():
            raise FileExistsError(f"{path}: exists already; remove it, or give another folder")
    folder.mkdir(parents=True, exist_ok=True)
    of_structure, of_training, of_flaws, of_pool = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(4))
    population = new_structure(size.columns, of_structure)
    learnt = [population.flawed(of_flaws) for _ in range(POOL_CYCLES)]
    _write(training_path, [population], size.rows, of_training, progress)
    _write(pool_path, learnt, size.pool_rows, of_pool, progress)
    return training_path, pool_path


def _write(path: Path, sources: list[Structure], n_rows: int, rng: np.random.Generator, progress: Progress) -> None:
    """So many rows, equal shares of each source, one after the other."""
    open_writer = pq.ParquetWriter if path.suffix == ".parquet" else _CsvWriter
    with (
        whole_file(path) as unfinished,
        progress.task(f"Writing {path.name}", total=n_rows, unit="row") as task,
        open_writer(unfinished, sources[0].schema) as writer,
    ):
        written = 0
        for number, source in enumerate(sources, start=1):
            stop = n_rows * number // len(sources)
            while written < stop:
                rows = min(ROWS_PER_PIECE, stop - written)
                writer.write_batch(source.draw(rows, rng))
                written += rows
                task.advance(rows)


class _CsvWriter(pa_csv.CSVWriter):
    """Writes batches whose text columns are dictionaries, which Arrow's own writer does not take."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        plain = [pa.string() if pa.types.is_dictionary(type) else type for type in schema.types]
        self._plain = pa.schema(zip(schema.names, plain, strict=True))
        super().__init__(path, self._plain)

    def write_batch(self, batch: pa.RecordBatch) -> None:
        super().write_batch(batch.cast(self._plain))


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.make_case", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where training.csv and the pool go")
    parser.add_argument("--rows", type=whole, default=CaseSize.rows, help="training rows (%(default)s)")
    parser.add_argument("--columns", type=whole, default=CaseSize.columns, help="columns (%(default)s)")
    parser.add_argument("--pool-rows", type=whole, default=CaseSize.pool_rows, help="pool rows (%(default)s)")
    parser.add_argument("--pool-format", choices=("parquet", "csv"), default="parquet", help="(%(default)s)")
    parser.add_argument("--seed", type=whole, default=1, help="where all randomness starts (%(default)s)")
    given = parser.parse_args(arguments)
    with exits(parser):
        size = CaseSize(rows=given.rows, columns=given.columns, pool_rows=given.pool_rows)
        progress = open_progress(sys.stderr)
        for path in make_case(given.folder, size, seed=given.seed, pool_format=given.pool_format, progress=progress):
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
