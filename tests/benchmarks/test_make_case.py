"""Made-up cases are repeatable and correlated, and the selection can read them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import make_case as making
from benchmarks.make_case import CaseSize, main, make_case
from benchmarks.population import new_population
from benchmarks.runs import read_case
from postprocess.runtime.progress import Progress
from postprocess.runtime.stages import Journal
from postprocess.runtime.threads import open_workers
from postprocess.tables.accuracy import measure
from tests.benchmarks.conftest import SIZE

ALL_KINDS = 8  # columns: after these the kinds begin anew


def test_a_case_has_the_wanted_size(case_files):
    training, pool = pd.read_csv(case_files[0]), pq.read_table(case_files[1])
    assert training.shape == (SIZE.rows, SIZE.columns)
    assert (pool.num_rows, pool.column_names) == (SIZE.pool_rows, list(training.columns))


def test_csv_and_parquet_pools_give_the_same_codes(case_files, tmp_path):
    training, pool = make_case(tmp_path, SIZE, seed=1, pool_format="csv", progress=Progress())
    from_csv, from_parquet = (
        read_case(*files, journal=Journal(Progress())) for files in ((training, pool), case_files)
    )
    assert np.array_equal(from_csv.pool.codes, from_parquet.pool.codes)
    assert np.array_equal(from_csv.pool.fingerprints, from_parquet.pool.fingerprints)


def test_the_seed_decides_the_bytes_of_both_files(case_files, tmp_path):
    again = make_case(tmp_path / "again", SIZE, seed=1, progress=Progress())
    other = make_case(tmp_path / "other", SIZE, seed=2, progress=Progress())
    for path, same, different in zip(case_files, again, other, strict=True):
        assert path.read_bytes() == same.read_bytes()
        assert path.read_bytes() != different.read_bytes()


def test_pieces_cover_all_rows_of_all_cycles(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "ROWS_PER_PIECE", 70)
    size = CaseSize(rows=101, columns=3, pool_rows=333)
    training, pool = make_case(tmp_path, size, seed=1, progress=Progress())
    assert (len(pd.read_csv(training)), pq.read_metadata(pool).num_rows) == (101, 333)
    assert pq.read_metadata(pool).num_row_groups == 6


def test_the_pool_is_worse_than_a_second_sample_and_holds_no_training_rows(tmp_path):
    case = read_case(
        *make_case(tmp_path, CaseSize(rows=4_000, columns=10, pool_rows=8_000), seed=1, progress=Progress()),
        journal=Journal(Progress()),
    )
    population_seed = np.random.SeedSequence(1).spawn(4)[0]
    second = new_population(10, np.random.default_rng(population_seed)).draw(4_000, np.random.default_rng(99))
    pq.write_table(pa.Table.from_batches([second]), tmp_path / "second.parquet")
    real = read_case(tmp_path / "training.csv", tmp_path / "second.parquet", journal=Journal(Progress()))
    with open_workers(1) as workers:
        perturbed, sound = measure(
            case.training.codes,
            [case.pool.codes[:, :4_000], real.pool.codes],
            case.n_codes,
            workers=workers,
            label="test",
        )
    assert perturbed.univariate < sound.univariate - 0.01
    assert perturbed.bivariate < sound.bivariate - 0.01
    assert not np.isin(case.pool.fingerprints, case.training.fingerprints).any()


def test_columns_are_correlated_and_missing_values_depend_on_another_column():
    population = new_population(ALL_KINDS, np.random.default_rng(3))
    frame = pa.Table.from_batches([population.draw(20_000, np.random.default_rng(4))]).to_pandas()
    assert {name.partition("_")[0] for name in frame} == {"amount", "category", "count", "day"}
    numbers = frame.select_dtypes("number")
    correlations = numbers.corr("spearman").to_numpy()[np.triu_indices(numbers.shape[1], 1)]
    assert np.abs(correlations).max() > 0.2
    missing = frame["category_006"].isna()
    assert missing.any()
    before = frame["amount_005"]
    assert before[missing].median() > before.quantile(0.7)


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ({"rows": 99}, "at least 100 rows"),
        ({"columns": 0}, "1 column, not"),
        ({"rows": 500, "pool_rows": 499}, "pool_rows=499: must be at least the 500 training rows"),
    ],
)
def test_sizes_that_make_no_case_are_refused(size, text):
    with pytest.raises(ValueError, match=text):
        CaseSize(**size)


def test_a_file_is_never_overwritten(case_files, capsys):
    before = case_files[0].read_bytes()
    with pytest.raises(SystemExit) as exit:
        main([str(case_files[0].parent), "--rows", "200"])
    assert exit.value.code == 2
    assert "training.csv: exists already" in capsys.readouterr().err
    assert case_files[0].read_bytes() == before


def test_a_failure_leaves_no_half_written_file(tmp_path, monkeypatch):
    def fail(*_):
        raise RuntimeError("disk")

    monkeypatch.setattr("postprocess.runtime.outputs.publish", fail)
    with pytest.raises(RuntimeError, match="disk"):
        make_case(tmp_path, SIZE, seed=1, progress=Progress())
    assert list(tmp_path.iterdir()) == []
