"""Makes training data and a pool of any size from a seed: mixed, correlated columns with missing values.

python -m benchmarks.make_case FOLDER --rows 100000 --columns 80 --pool-rows 2500000 --seed 1
"""

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
from benchmarks.population import Population, new_population
from postprocess.data.sources import MIN_ROWS
from postprocess.runtime.outputs import whole_file
from postprocess.runtime.progress import Progress, open_progress

ROWS_PER_PIECE = 1 << 16  # drawn and written at a time: memory depends on this, not on the number of rows
POOL_CYCLES = 2  # number of generators, each with errors of its own, that the pool comes from


@dataclass(frozen=True, kw_only=True)
class CaseSize:
    """How large a case is. Raises ValueError, in one line, if the sizes make no case."""

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
    """Write training.csv and pool.parquet or pool.csv, each whole or not at all, and return their paths.

    The training rows are drawn from a population, and the pool's rows from perturbed copies of it, never from the
    training rows. The same size, format and seed give the same files.

    Raises FileExistsError if a file exists already.
    """
    training_path, pool_path = folder / "training.csv", folder / f"pool.{pool_format}"
    for path in (training_path, pool_path):
        if path.exists():
            raise FileExistsError(f"{path}: exists already; remove it, or give another folder")
    folder.mkdir(parents=True, exist_ok=True)
    streams = np.random.SeedSequence(seed).spawn(4)
    population_rng, training_rng, perturbation_rng, pool_rng = map(np.random.default_rng, streams)
    population = new_population(size.columns, population_rng)
    learnt = [population.perturbed(perturbation_rng) for _ in range(POOL_CYCLES)]
    _write(training_path, [population], size.rows, training_rng, progress)
    _write(pool_path, learnt, size.pool_rows, pool_rng, progress)
    return training_path, pool_path


def _write(path: Path, sources: list[Population], n_rows: int, rng: np.random.Generator, progress: Progress) -> None:
    """Write n_rows rows, equal shares of each source, one source after the other."""
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
    """Writes batches with dictionary columns, which Arrow's own writer refuses."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        plain = [pa.string() if pa.types.is_dictionary(type) else type for type in schema.types]
        self._plain = pa.schema(zip(schema.names, plain, strict=True))
        super().__init__(path, self._plain)

    def write_batch(self, batch: pa.RecordBatch) -> None:
        super().write_batch(batch.cast(self._plain))


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
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
