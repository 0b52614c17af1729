"""Tests the parts of the attacks that need no anonymeter, which the project's environment lacks."""

import importlib.util

import numpy as np
import pandas as pd
import pytest

from benchmarks.attack import FEWEST_ROWS, FIGURES, FILES, equal_sizes, filled, levels, main, read_rows, tables, typed

TEXT = 'it\'s "text"\\'


def frame(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "amount": [f"{value:.1f}" for value in rng.normal(0, 10, rows)],
            "some": ["" if each % 4 == 0 else str(each) for each in range(rows)],
            "day": pd.date_range("2024-01-01", periods=rows).strftime("%Y-%m-%d"),
            TEXT: rng.choice(["a'b", 'c"d', "None", "e\\f"], rows),
            "empty": "",
        }
    )


@pytest.fixture
def paths(tmp_path):
    found = [tmp_path / f"{name}.csv" for name in FILES]
    for seed, (path, rows) in enumerate(zip(found, (40, 50, 30), strict=True)):
        frame(rows, seed).sample(frac=1, axis=1, random_state=seed).to_csv(path, index=False)
    return found


@pytest.fixture
def rows(paths):
    return read_rows(paths)


def refusal(capsys, *arguments):
    with pytest.raises(SystemExit) as exit:
        main([*map(str, arguments)])
    assert exit.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_all_files_get_the_same_columns_and_kinds(rows):
    assert set(rows) == set(frame(1, 0)) - {"empty"}
    assert [len(rows.loc[name]) for name in FILES] == [40, 50, 30]
    assert {name for name in rows if rows[name].dtype == float} == {"amount", "some", "day"}


def test_dates_become_days_and_texts_become_marks(rows):
    assert typed(pd.Series(["1970-01-03", None, "1970-01-01 12:00"])).dropna().tolist() == [2, 0.5]
    assert typed(pd.Series(["inf", "1", None])).tolist()[:2] == ["v0", "v1"]
    assert typed(pd.Series(["x y", None, "x y"]))[[0, 2]].nunique() == 1
    assert rows[TEXT].dropna().str.fullmatch(r"v\d+").all()


def test_missing_values_are_filled(rows):
    some = rows["some"]
    assert some.isna().any()
    assert rows[TEXT].isna().any()
    assert not filled(rows).isna().any(axis=None)
    assert (filled(rows)["some"] == some.fillna(some.median())).all()
    assert ((filled(rows)[TEXT] == "missing") == rows[TEXT].isna()).all()


def test_the_levels_of_a_number_are_ranges_with_equally_many_training_rows(rows):
    training = levels(rows["amount"])["training"]
    assert sorted(training.unique()) == list(range(20))
    assert training.value_counts().max() <= 3
    assert training[rows["amount"]["training"].sort_values().index].is_monotonic_increasing


def test_a_missing_secret_is_a_level_of_its_own(rows):
    assert ((levels(rows["some"]) == -1) == rows["some"].isna()).all()
    assert ((levels(rows[TEXT]) == "missing") == rows[TEXT].isna()).all()


def test_the_levels_of_a_text_are_the_texts(rows):
    there = rows[TEXT].notna()
    assert (levels(rows[TEXT])[there] == rows[TEXT][there]).all()


@pytest.mark.parametrize("sizes", [(40, 50, 30), (30, 50, 40), (30, 20, 30)])
def test_training_and_control_get_equal_sizes(sizes):
    rows = pd.concat([frame(size, seed) for seed, size in enumerate(sizes)], keys=FILES)
    twice = pd.concat([rows, rows.loc[["training"]]])
    training, result, control = equal_sizes(twice)
    assert [len(training), len(result), len(control)] == [30, sizes[1], 30]
    for drawn, name in ((training, "training"), (control, "control")):
        assert not drawn.duplicated().any()
        pd.testing.assert_frame_equal(drawn.sort_index(), rows.loc[name].loc[sorted(drawn.index)])
    pd.testing.assert_frame_equal(training, equal_sizes(twice)[0])


def test_the_intervals_above_0_are_counted_by_kind():
    def line(kind, what, **figures):
        return {"attack": kind, "with": what, "attacks": 9, **dict.fromkeys(FIGURES), **figures}

    made = dict.fromkeys(FIGURES, 0.5)
    first, second = tables(
        [
            line("linking", "halves", **made | {"low": 0.0, "risk": 0.25}),
            line("linking", "others", **made),
            line("linking", "thirds"),
            line("inference", "amount", **made),
            line("singling out", "columns: 1"),
        ]
    ).split("\n\n")
    assert first.count("-") == 2 * len(FIGURES)
    *_, linking, inference = second.splitlines()
    assert linking.split() == ["linking", "0.500", "0.500", "0.500", "0.375", "1", "of", "2"]
    assert inference.split() == ["inference", "0.500", "0.500", "0.500", "0.500", "1", "of", "1"]


def test_a_table_without_any_figures_is_shown():
    shown = tables([{"attack": "linking", "with": "halves", "attacks": 0, **dict.fromkeys(FIGURES)}])
    assert shown.count("  -") == len(FIGURES)


def test_a_lacking_column_is_refused(paths, capsys):
    frame(40, 1).drop(columns=["amount", "day"]).to_csv(paths[1], index=False)
    error = refusal(capsys, *paths)
    assert error.startswith(f"attack.py: {paths[1]}: lacks columns of {paths[0]}: ")
    assert "amount" in error
    assert error.count("\n") == 1


def test_too_few_rows_are_refused(paths, capsys):
    frame(FEWEST_ROWS - 1, 1).to_csv(paths[2], index=False)
    assert refusal(capsys, *paths) == f"attack.py: {paths[2]}: 19 rows; at least {FEWEST_ROWS} are needed\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [(b"", "No columns to parse"), (b"\xff\xfe\xff", "codec can't decode"), (b"a\n1,2\n3,4,5\n", "tokenizing")],
)
def test_files_that_are_not_csv_are_refused(content, text, paths, capsys):
    paths[2].write_bytes(content)
    error = refusal(capsys, *paths)
    assert error.startswith(f"attack.py: {paths[2]}: ")
    assert text in error
    assert error.count("\n") == 1


def test_a_missing_file_is_refused(paths, capsys):
    paths[0].unlink()
    error = refusal(capsys, *paths)
    assert str(paths[0]) in error
    assert "No such file" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("secret", ["empty", "other"])
def test_an_unknown_secret_is_refused(secret, paths, capsys):
    error = refusal(capsys, *paths, "--secret", "amount", "--secret", secret)
    assert error.startswith(f"attack.py: --secret {secret}: no column with values; there are ")
    assert error.count("\n") == 1


def test_a_json_file_that_exists_is_refused(paths, capsys):
    error = refusal(capsys, *paths, "--json", paths[0])
    assert error == f"attack.py: {paths[0]}: exists already; remove it, or give another name\n"


def test_no_attacks_are_refused(paths, capsys):
    assert refusal(capsys, *paths, "--attacks", "0") == "attack.py: --attacks: at least 1 is needed\n"


@pytest.mark.skipif(importlib.util.find_spec("anonymeter") is not None, reason="anonymeter is there")
def test_without_anonymeter_one_line_says_how_to_run_it(paths, capsys):
    error = refusal(capsys, *paths, "--attacks", "9")
    assert error.startswith("attack.py: anonymeter is missing; run uv run ")
    assert error.endswith(f"benchmarks/attack.py {' '.join(map(str, paths))} --attacks 9\n")
