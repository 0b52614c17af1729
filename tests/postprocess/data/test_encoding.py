"""Tests that files become codes, in any column order and any spelling of the values, and that errors are clear."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from postprocess.data.binning import fit_binning, read_typed
from postprocess.data.codes import Codes
from postprocess.data.column_bins import MISSING, OTHER, UNSEEN
from postprocess.data.encoding import encode_frame, read_codes
from postprocess.data.sources import open_source
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress
from tests.postprocess.oracles import Recorder


def table(n_rows=500, seed=1):
    """Return a frame of text values of every format, some of them missing."""
    draw = np.random.default_rng(seed)
    days = pd.Timestamp(2024, 1, 1) + pd.to_timedelta(draw.integers(0, 60, n_rows), "D")
    frame = pd.DataFrame(
        {
            "whole": draw.integers(2**53 - 1000, 2**53 - 100, n_rows).astype(str),
            "decimal": [f"{number:.2f}" for number in draw.normal(size=n_rows)],
            "truth": draw.choice(["TRUE", "FALSE"], n_rows),
            "day": days.strftime("%d/%m/%Y"),
            "text": draw.choice(["a", 'b "x", y', "c\nd", "e"], n_rows),
        }
    )
    return frame.mask(draw.random(frame.shape) < 0.1)


def save(frame, path, role="pool"):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    return open_source(path, role=role)


def decimals(numbers):
    """Return the numbers with four exact decimals. They equal the training data's only after they are rounded."""
    exact = [None if pd.isna(number) else Decimal(f"{number:.2f}10") for number in numbers]
    return pd.Series(exact, dtype=pd.ArrowDtype(pa.decimal128(10, 4)))


def labels(binning, name):
    return binning.columns[binning.names.index(name)].labels


@pytest.fixture
def training(tmp_path):
    return save(table(), tmp_path / "training.csv", role="training")


def test_read_codes_agree_with_encode_and_count_the_training_rows(training):
    binning = fit_binning(training, progress=Progress())
    codes = read_codes(training, binning, progress=Progress())
    (batch,) = training.batches()
    np.testing.assert_array_equal(codes.codes, binning.encode(batch))
    assert codes.codes.dtype == np.uint8
    assert codes.codes.flags.c_contiguous
    assert codes.n_rows == binning.n_rows == 500
    for column, codes_of_column in zip(binning.columns, codes.codes, strict=True):
        rows = np.bincount(codes_of_column, minlength=len(column.labels))
        assert [label for label, count in zip(column.labels, rows, strict=True) if not count] in ([], [UNSEEN])
    missing = table().isna().sum()
    for column, name in enumerate(binning.names):
        assert (codes.codes[column] == labels(binning, name).index(MISSING)).sum() == missing[name]


def test_order_types_and_surplus_columns_do_not_change_the_codes(training, tmp_path):
    binning = fit_binning(training, progress=Progress())
    expected = read_codes(training, binning, progress=Progress())
    typed = read_typed(training, binning)
    assert list(map(str, typed.dtypes)) == ["Int64", "float64", "boolean", "datetime64[us]", "str"]
    mixed = typed[["text", "day", "decimal", "truth", "whole"]].assign(surplus=1, more=2)
    coarse = mixed.astype({"decimal": "float32", "text": "category"})
    spelt = mixed.assign(text=mixed["text"].fillna("NA"), whole=mixed["whole"].astype("float64").astype("Int64"))
    for name, frame in (
        ("pool.parquet", mixed),
        ("pool.csv", mixed),
        ("pool.csv.gz", mixed),
        ("coarse.parquet", coarse),
        ("spelt.parquet", spelt),
        ("decimals.parquet", mixed.assign(decimal=decimals(mixed["decimal"]))),
    ):
        log = Recorder()
        pool = read_codes(save(frame, tmp_path / name), binning, progress=log)
        np.testing.assert_array_equal(pool.codes, expected.codes)
        np.testing.assert_array_equal(pool.fingerprints, expected.fingerprints)
        assert not pool.rare.any()
        assert len(log.lines) == 1
        assert "'surplus', 'more'" in log.lines[0]


def test_typed_values_become_the_training_text_again(training):
    binning = fit_binning(training, progress=Progress())
    text = binning.to_text(read_typed(training, binning))
    pd.testing.assert_frame_equal(text, table().astype(object).where(table().notna(), None))


def test_a_typed_value_that_does_not_fit_is_named_with_its_column(training):
    binning = fit_binning(training, progress=Progress())
    with pytest.raises(InputError, match="'day': 'soon' is not a date"):
        binning.to_text(read_typed(training, binning).assign(day="soon"))


def test_fingerprints_differ_if_and_only_if_rows_do(tmp_path):
    frame = pd.DataFrame({"a": ["1", "2"] * 50, "b": ["2", "1"] * 50, "c": ["x", None] * 50})
    frame.loc[2] = ["1", "2", None]
    frame.loc[3] = ["1", None, None]
    frame.loc[4] = ["1.0", "+2.0", "x"]
    frame.loc[7] = ["2", "1", "x"]  # the values of row 0, two of them exchanged
    source = save(frame, tmp_path / "training.csv", role="training")
    fingerprints = read_codes(source, fit_binning(source, progress=Progress()), progress=Progress()).fingerprints
    assert fingerprints[0] == fingerprints[4] == fingerprints[6]
    assert fingerprints[1] == fingerprints[5]
    assert len(set(fingerprints)) == 5


def test_combinations_are_equal_if_and_only_if_the_quasi_identifiers_are(training, tmp_path):
    binning = fit_binning(training, progress=Progress())
    frame = table().iloc[[0, 1, 2]]
    changed = frame.copy()
    changed["text"] = ["a", "e", "a"] if frame["text"].iloc[0] != "a" else ["e", "e", "e"]  # no quasi-identifier
    changed.loc[1, "day"] = "31/12/2024"  # one
    pool = save(pd.concat([frame, changed]), tmp_path / "pool.csv")
    read = read_codes(pool, binning, quasi_identifiers=("whole", "day"), progress=Progress())
    assert (read.combinations[:3] == read.combinations[3:]).tolist() == [True, False, True]
    assert read.fingerprints[0] != read.fingerprints[3]
    assert read_codes(pool, binning, progress=Progress()).combinations is None


def test_rare_values_are_flagged_if_the_training_column_has_none(tmp_path):
    frame = pd.DataFrame({"number": range(100), "text": "x", "known": ["_RARE_", "y"] * 50})
    binning = fit_binning(save(frame, tmp_path / "training.csv", role="training"), progress=Progress())
    pool = frame.head(4).astype(object)
    pool.loc[0, "number"] = pool.loc[1, "text"] = "_RARE_"
    codes = read_codes(save(pool, tmp_path / "pool.csv"), binning, progress=Progress())
    assert codes.rare.tolist() == [True, True, False, False]
    assert labels(binning, "number")[codes.codes[0, 0]] == UNSEEN  # missing, which no training number is
    assert labels(binning, "known")[codes.codes[2, 0]] == "_RARE_"


def test_text_without_a_bin_of_its_own_is_other(tmp_path):
    frame = pd.DataFrame({"text": [f"v{number % 12:02}" for number in range(100)]})
    binning = fit_binning(save(frame, tmp_path / "training.csv", role="training"), progress=Progress())
    codes = read_codes(
        save(pd.DataFrame({"text": ["new", "v11"]}), tmp_path / "pool.csv"), binning, progress=Progress()
    )
    assert [labels(binning, "text")[code] for code in codes.codes[0]] == [OTHER, OTHER]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"whole": "7 apples"}, "'whole', row 401 .*'7 apples' is not a number"),
        ({"decimal": "1,5"}, "'decimal', row 401 .*'1,5' is not a number"),
        ({"truth": "maybe"}, "'truth', row 401 .*'maybe' is not a boolean"),
        ({"day": "31/02/2024"}, "'day', row 401 .*'31/02/2024' is not a date"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_file_column_and_row(training, tmp_path, change, message):
    frame = pd.concat([table(400), table(100).assign(**change)])
    with pytest.raises(InputError, match=message) as caught:
        read_codes(save(frame, tmp_path / "pool.csv"), fit_binning(training, progress=Progress()), progress=Progress())
    assert str(caught.value).startswith(f"{tmp_path / 'pool.csv'}: ")


def test_the_row_number_of_a_bad_value_counts_all_batches(tmp_path):
    training = save(pd.DataFrame({"a": range(100)}), tmp_path / "training.csv", role="training")
    pool = save(pd.DataFrame({"a": ["1"] * 90_000 + ["x"]}), tmp_path / "pool.csv")
    with pytest.raises(InputError, match=r"row 90001 .*'x' is not a number"):
        read_codes(pool, fit_binning(training, progress=Progress()), progress=Progress())


def test_missing_columns_are_named(training, tmp_path):
    pool = save(table().drop(columns=["day", "truth"]), tmp_path / "pool.csv")
    with pytest.raises(InputError, match=r"pool\.csv: missing columns 'truth', 'day';"):
        read_codes(pool, fit_binning(training, progress=Progress()), progress=Progress())
    numbered = save(pd.DataFrame({"a1": range(100), "a2": 1}), tmp_path / "numbered.csv", role="training")
    pool = save(pd.DataFrame({"a1": range(100)}), tmp_path / "one.csv")
    with pytest.raises(InputError, match=r"one\.csv: missing column 'a2';"):  # a1 is no misspelt a2: it is needed, too
        read_codes(pool, fit_binning(numbered, progress=Progress()), progress=Progress())
    other = save(table().rename(columns={"day": " Day"}), tmp_path / "other.csv")
    with pytest.raises(InputError, match=r"other\.csv: missing column 'day' \(' Day' is not 'day'\)"):
        read_codes(other, fit_binning(training, progress=Progress()), progress=Progress())


def test_codes_of_different_numbers_of_rows_are_refused():
    with pytest.raises(ValueError, match="same number of rows"):
        Codes(np.zeros((2, 3), np.uint8), np.zeros(3, np.uint64), np.zeros(2, bool))


def test_a_typed_frame_has_the_codes_of_its_csv(training, tmp_path):
    binning = fit_binning(training, progress=Progress())
    typed = read_typed(training, binning)
    codes = encode_frame(typed[typed.columns[::-1]], binning)
    np.testing.assert_array_equal(codes, read_codes(training, binning, progress=Progress()).codes)
    assert codes.dtype == np.uint8


def test_text_that_means_missing_in_a_csv_is_missing_in_a_frame(tmp_path):
    frame = pd.DataFrame({"text": ["NA", "x", "", None] * 50, "number": range(200)})
    binning = fit_binning(save(frame, tmp_path / "training.parquet", role="training"), progress=Progress())
    pool = save(binning.to_text(frame), tmp_path / "pool.csv")
    codes = encode_frame(frame, binning)
    np.testing.assert_array_equal(codes, read_codes(pool, binning, progress=Progress()).codes)
    assert [labels(binning, "text")[code] for code in codes[0, :4]] == [MISSING, "x", MISSING, MISSING]


def test_a_frame_with_a_value_that_does_not_fit_is_refused(training):
    binning = fit_binning(training, progress=Progress())
    with pytest.raises(InputError, match="'decimal': 'much' is not a number"):
        encode_frame(read_typed(training, binning).astype({"decimal": object}).assign(decimal="much"), binning)


def test_a_value_that_cannot_be_typed_is_named_with_file_column_and_row(training, tmp_path):
    binning = fit_binning(training, progress=Progress())
    other = save(table(40).assign(day=[*["01/02/2024"] * 38, "soon", None]), tmp_path / "other.csv")
    with pytest.raises(InputError, match=r"other\.csv: .*'day', row 39 .*'soon' is not a date"):
        read_typed(other, binning)


def test_training_dates_that_text_cannot_show_are_refused(tmp_path):
    days = pd.DataFrame({"day": np.array([0] * 150 + [2**40], "datetime64[s]")})
    with pytest.raises(InputError, match=r"far\.parquet: .*'day', row 151 .*years 1 to 9999"):
        fit_binning(save(days, tmp_path / "far.parquet", role="training"), progress=Progress())
