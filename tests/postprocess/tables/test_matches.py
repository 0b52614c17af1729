import numpy as np
import pytest

from postprocess.tables.matches import MAX_BYTES_PER_BLOCK, ROWS_PER_COUNT, MatchCounter, standing


@pytest.mark.parametrize("n_rows", [0, 1, 1000, 100_000, 600_000])
@pytest.mark.parametrize("n_columns", [1, 12])
def test_blocks_cover_the_rows_and_fit_the_cache(n_rows, n_columns):
    blocks = MatchCounter(np.zeros((n_columns, n_rows), dtype=np.uint8)).blocks
    sizes = [block.stop - block.start for block in blocks]
    assert [block.start for block in blocks] == np.cumsum([0, *sizes])[:-1].tolist() and sum(sizes) == n_rows
    assert all(0 < size * n_columns <= MAX_BYTES_PER_BLOCK for size in sizes)


@pytest.mark.parametrize("columns", [None, 3])
@pytest.mark.parametrize("number", [1, 8, 9, ROWS_PER_COUNT])
def test_matches_are_counted(number, columns):
    codes = np.random.default_rng(1).integers(0, 3, (5, 70)).astype(np.uint8)
    counter = MatchCounter(codes)
    expected = (codes[:columns, :number, None] == codes[:columns, None]).sum(axis=0)
    assert counter.count(slice(20, 50), standing(codes[:, :number]), columns).tolist() == expected[:, 20:50].tolist()
