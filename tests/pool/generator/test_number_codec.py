import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pool.generator.number_codec import MIN_FREQUENT_ROWS, PROTECTED, NumberCodec

N = 5_000


def through(values, seed=1):
    """Return the values as they come back if the generator gives each row its own class."""
    codec = NumberCodec.of(values.dropna())
    return codec.decode(codec.encode(values), np.random.default_rng(seed))


def share(condition):
    return float(np.mean(condition))


DRAW = np.random.default_rng(5)
CLOCK = DRAW.integers(0, 24 * 60, N)
COLUMNS = {
    "multiples of 50": np.where(DRAW.random(N) < 0.89, DRAW.integers(0, 2_000, N) * 50, DRAW.integers(0, 100_000, N)),
    "prices": np.round(np.where(DRAW.random(N) < 0.6, DRAW.integers(1, 90, N) + 0.99, DRAW.random(N) * 90), 2),
    "clock times": CLOCK // 60 * 100 + CLOCK % 60,
    "zero or an amount": np.where(DRAW.random(N) < 0.4, 0.0, np.exp(DRAW.normal(size=N))),
    "small counts": DRAW.poisson(2.0, N),
    "few far values": DRAW.choice([200, 733, 1_400, 2_475], N),
    "large numbers": DRAW.integers(-(2**62), 2**62, N),
    "heavy tail": np.exp(3 * DRAW.normal(size=N)),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_the_distribution_stays(name):
    values = pd.Series(COLUMNS[name])
    back = through(values).to_numpy(np.float64)
    for quantile in np.linspace(0.02, 0.98, 25):
        point = np.quantile(values.to_numpy(np.float64), quantile)
        assert share(back <= point) == pytest.approx(share(values <= point), abs=0.02)
    shown = np.sort(values)[[PROTECTED, -1 - PROTECTED]]
    assert back.min() >= shown[0] and back.max() <= shown[1]


@pytest.mark.parametrize("name", COLUMNS)
def test_frequent_values_come_out_as_often_as_they_occur(name):
    values = pd.Series(COLUMNS[name])
    back = through(values)
    for value, rows in values.value_counts().head(5).items():
        if rows >= MIN_FREQUENT_ROWS:
            assert share(back == value) == pytest.approx(rows / N, abs=0.01)


def test_numbers_are_as_round_as_the_original():
    back = through(pd.Series(COLUMNS["multiples of 50"])).to_numpy(np.int64)
    assert share(back % 50 == 0) == pytest.approx(share(COLUMNS["multiples of 50"] % 50 == 0), abs=0.01)
    cents = np.rint(100 * through(pd.Series(COLUMNS["prices"])).to_numpy(np.float64)).astype(int)
    assert share(cents % 100 == 99) == pytest.approx(share(np.rint(100 * COLUMNS["prices"]) % 100 == 99), abs=0.01)
    assert np.all(through(pd.Series(COLUMNS["clock times"])).to_numpy(np.int64) % 100 < 60)


def test_numbers_have_no_more_decimals_than_the_column():
    prices = through(pd.Series(COLUMNS["prices"])).to_numpy(np.float64)
    np.testing.assert_array_equal(prices, np.round(prices, 2))


def test_real_numbers_are_new():
    values = pd.Series(COLUMNS["heavy tail"])
    assert not set(through(values)) & set(values)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.one_of(
        st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=60),
        st.lists(st.integers(-20, 20), min_size=1, max_size=200),
        st.lists(st.floats(allow_nan=False), min_size=1, max_size=60),
        st.lists(st.booleans(), min_size=1, max_size=60),
    )
)
def test_any_column_comes_back_within_its_range(numbers):
    values = pd.Series(numbers)
    codec = NumberCodec.of(values)
    coded = codec.encode(values)
    back = codec.decode(coded, np.random.default_rng(1))
    assert back.notna().all() and back.min() >= values.min() and back.max() <= values.max()
    finite = values.to_numpy(np.float64)
    if np.isfinite(finite).all() and np.abs(finite).max() < 2**50:
        again = codec.encode(back.astype(values.dtype))
        assert share(again.to_numpy() == coded.to_numpy()) >= 0.5 or len(numbers) < MIN_FREQUENT_ROWS


def test_a_class_that_is_not_shown_becomes_one_of_the_others():
    codec = NumberCodec.of(pd.Series([3, 7] * 20))
    back = codec.decode(pd.Series(["_RARE_"] * 50 + [None]), np.random.default_rng(1))
    assert set(back[:50]) == {3, 7} and back.isna().tolist() == [False] * 50 + [True]


def test_a_column_of_only_infinite_values_comes_back_unchanged():
    values = pd.Series([np.inf, None, -np.inf])
    assert through(values).astype("float64").tolist()[::2] == [np.inf, -np.inf]


def test_the_same_stream_gives_the_same_numbers():
    values = pd.Series(COLUMNS["prices"])
    pd.testing.assert_series_equal(through(values, 3), through(values, 3))
    assert not through(values, 3).equals(through(values, 4))
