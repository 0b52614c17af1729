"""One small case for all tests of the benchmarks."""

import pytest

from benchmarks.make_case import CaseSize, make_case
from postprocess.runtime.progress import Progress

SIZE = CaseSize(rows=400, columns=9, pool_rows=3_000)


@pytest.fixture(scope="session")
def case_files(tmp_path_factory):
    """Return the paths of training.csv and pool.parquet."""
    return make_case(tmp_path_factory.mktemp("case"), SIZE, seed=1, progress=Progress())
