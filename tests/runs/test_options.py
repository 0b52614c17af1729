"""Tests what a call may ask for beside its files: rows, seed, columns, parameters, weights and shares."""

import json
import re

import numpy as np
import pandas as pd
import pytest

import main
from postprocess.report.__main__ import main as report_again
from tests.runs.support import PROJECT, STEM, call, read_texts, refusal, save, text_frame


def result_of(output):
    return read_texts(output / "results" / f"{STEM}.csv")


def summary_of(output):
    return json.loads((output / "results" / f"{STEM}_summary.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("rows", [100, 450])
def test_a_result_may_have_another_number_of_rows(training, output, tmp_path, pool_frame, rows):
    pool = save(pool_frame, tmp_path / "pool.csv")
    assert call(training, "--pool", pool, "--output", output, "--rows", rows) == 0
    first = (output / "results" / f"{STEM}.csv").read_bytes()
    assert len(result_of(output)) == rows
    summary = summary_of(output)
    assert summary["settings"] == {"rows": rows} and summary["parameters"]["selection"]["rows"] == rows
    assert summary["result"]["rows"] == rows and summary["training"]["rows"] == 200
    assert summary["accuracy"]["refined"]["overall"] > summary["accuracy"]["pool_sample"]["overall"]
    assert call(training, "--pool", pool, "--output", output, "--rows", rows) == 0
    assert (output / "results" / f"{STEM}_2.csv").read_bytes() == first


def test_the_sampling_limit_is_that_of_the_rows_asked_for(training, output, tmp_path, pool_frame):
    pool = save(pool_frame, tmp_path / "pool.csv")
    limits = {}
    for rows in (100, 400):
        assert call(training, "--pool", pool, "--output", output / str(rows), "--rows", rows) == 0
        limits[rows] = summary_of(output / str(rows))["sampling_limit"]["overall"]
    assert limits[100] < limits[400]


def test_rows_are_trained_for_as_well(training, output):
    assert call(training, "--output", output, "--rows", 300) == 0
    assert len(result_of(output)) == 300


def test_columns_may_be_left_out(training, output, capsys):
    assert call(training, "--output", output, "--exclude", "text,day") == 0
    assert list(result_of(output)) == ["whole", "decimal", "truth"]
    (pool,) = (output / "pool_data").glob("*.csv")
    assert not {"text", "day"} & set(read_texts(pool))
    assert call(training, "--output", output) == 0  # another pool, because it has more columns
    assert len(list((output / "pool_data").glob("*.csv"))) == 2


def test_what_a_call_sets_stands_in_log_and_summary(training, output, capsys):
    assert call(training, "--output", output, "--set", "sample_size=4", "--seed", 3, "--set", "ipf_iterations=1") == 0
    parameters = summary_of(output)["parameters"]
    assert parameters["pool"]["sample_size"] == 4 and parameters["selection"]["ipf_iterations"] == 1
    assert parameters["pool"]["seed"] == parameters["selection"]["seed"] == 3
    assert "sample_size=4, ipf_iterations=1, seed=3" in capsys.readouterr().err
    assert main.SELECTION.seed == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--rows", "99"], "rows=99: must be None or a whole number of at least 100"),
        (["--rows", "2000"], "rows=2000: the pool will have 1,600 rows only"),
        (["--exclude", "txt"], "exclude='txt': there is no such column; is 'text' meant?"),
        (["--exclude", "text,whole,decimal,truth,day"], "no column is left"),
        (["--set", "sampel_size=4"], "the closest one is 'sample_size'"),
        (["--set", "sample_size=big"], "sample_size='big': must be a number of at least 1"),
        (["--set", "weight_column=w"], "weight_column='w': there is no such column"),
        (["--set", "weight_column=text"], "is not a number"),
        (["--set", "target_shares={'truth': {'TRUE': 0.5}}"], "shares from 0 to 1 that sum to 1"),
        (["--set", "target_shares={'truth': {'maybe': 1}}"], "'maybe' is not a boolean"),
        (["--set", "target_shares={'trooth': {'TRUE': 1}}"], "is 'truth' meant?"),
    ],
)
def test_a_wrong_option_is_refused_before_any_work(training, output, capsys, arguments, word):
    assert word in refusal(capsys, output, training, *arguments)


def test_more_rows_than_may_be_selected_are_refused(training, output, tmp_path, pool_frame, capsys):
    pool = save(pd.concat([pool_frame, text_frame().assign(extra="x", more=1)]), tmp_path / "pool.csv")
    assert "rows=1200: only 1,0" in refusal(capsys, output, training, "--pool", pool, "--rows", "1200")


def unequal(n_rows, seed):
    draw = np.random.default_rng(seed)
    churn = draw.random(n_rows) < 0.1
    return pd.DataFrame(
        {
            "churn": np.where(churn, "yes", "no"),
            "calls": draw.poisson(np.where(churn, 6, 2)),
            "plan": draw.choice(list("abcd"), n_rows),
            "cost": np.round(draw.normal(40 + 20 * churn, 10), 2),
        }
    )


def test_shares_are_met_and_the_other_tables_follow_the_weighted_rows(output, tmp_path):
    original = unequal(1000, 1)
    training = save(original, tmp_path / "training.csv")
    pool = save(unequal(10_000, 2), tmp_path / "pool.csv")
    shares = "target_shares={'churn': {'yes': 0.3, 'no': 0.7}}"
    assert call(training, "--pool", pool, "--output", output, "--set", shares) == 0
    result = pd.read_csv(output / "results" / f"{STEM}.csv")
    assert abs((result["churn"] == "yes").sum() - 300) <= 0.5
    expected = original.groupby("churn")["calls"].mean() @ pd.Series({"no": 0.7, "yes": 0.3})
    assert expected > original["calls"].mean() + 0.5
    assert result["calls"].mean() == pytest.approx(expected, abs=0.3)
    summary = summary_of(output)
    assert summary["weighting"]["target_shares"] == {"churn": {"yes": 0.3, "no": 0.7}}
    assert summary["accuracy"]["refined"]["overall"] > summary["accuracy"]["pool_sample"]["overall"] + 0.1


def test_shares_that_the_pool_cannot_meet_are_warned_of(output, tmp_path):
    training, pool = save(unequal(1000, 1), tmp_path / "training.csv"), save(unequal(3000, 2), tmp_path / "pool.csv")
    shares = "target_shares={'churn': {'yes': 0.9, 'no': 0.1}}"
    assert call(training, "--pool", pool, "--output", output, "--set", shares) == 0
    (warning,) = summary_of(output)["warnings"]
    short = 900 - (result_of(output)["churn"] == "yes").sum()
    assert 500 < short < 900 and f"target_shares: {short} of 1,000 rows have other values" in warning


def test_whole_weights_are_as_accurate_as_repeated_rows(output, tmp_path):
    original = unequal(300, 1)
    times = np.random.default_rng(1).integers(1, 4, 300)
    pool = save(unequal(4000, 2), tmp_path / "pool.csv")
    weighted = save(original.assign(w=times), tmp_path / "weighted.csv")
    repeated = save(original.loc[original.index.repeat(times)], tmp_path / "repeated.csv")
    exact = ["--set", "target_smoothing=0", "--set", "privacy_filter=0"]
    assert call(repeated, "--pool", pool, "--output", output / "r", *exact) == 0
    rows = ["--rows", times.sum(), "--set", "weight_column=w"]
    assert call(weighted, "--pool", pool, "--output", output / "w", *exact, *rows) == 0
    assert summary_of(output / "w")["weighting"]["weight_column"] == "w"
    found, expected = (summary_of(output / name)["accuracy"]["refined"] for name in "wr")
    assert "w" not in result_of(output / "w")
    assert found["overall"] == pytest.approx(expected["overall"], abs=0.02)  # the bins of repeated rows are others


def test_the_page_of_a_weighted_run_can_be_made_again(output, tmp_path, capsys):
    training = save(unequal(300, 1).assign(w=2, id=range(300)), tmp_path / "training.csv")
    pool = save(unequal(3000, 2), tmp_path / "pool.csv")
    shares = "target_shares={'churn': {'yes': 0.3, 'no': 0.7}}"
    given = ["--exclude", "id", "--set", "weight_column=w", "--set", shares]
    assert call(training, "--pool", pool, "--output", output, *given) == 0
    page = output / "again.html"
    again = ["--training", training, "--result", output / "results" / f"{STEM}.csv", "--output", page]
    assert report_again([str(argument) for argument in again]) == 0
    first = (output / "results" / f"{STEM}_report.html").read_text(encoding="utf-8")
    sentence = "The training rows are weighted by column w and shares of churn (yes 30.0"
    accuracy = re.search(r"<b>(\d\d\.\d\d)", first)[0]
    assert all(sentence in text and accuracy in text for text in (first, page.read_text(encoding="utf-8")))


def test_functions_take_and_give_frames():
    draw = np.random.default_rng(1)
    frame = unequal(200, 1).assign(
        day=pd.Timestamp(2024, 1, 1) + pd.to_timedelta(draw.integers(0, 60, 200), "D"),
        plan=lambda each: each["plan"].astype("category"),
        new=draw.random(200) < 0.5,
    )
    rows = main.synthesise(
        frame, rows=np.int64(150), seed=3, target_shares={"new": {np.True_: np.float64(0.5), False: 0.5}}
    )
    assert rows["new"].sum() == 75
    assert rows.shape == (150, 6) and rows.dtypes.to_dict() == frame.dtypes.to_dict()
    assert set(rows["plan"]) <= set(frame["plan"])
    pool = pd.concat([frame] * 3).assign(calls=lambda each: each["calls"] + 300, plan="new")
    kept = main.select(frame.astype({"calls": "uint8"}), pool)
    assert kept["calls"].min() >= 300 and kept["plan"].eq("new").all()  # values that the dtypes cannot hold
    chosen = main.select(frame, pd.concat([frame] * 3), allow_training_copies=True, exclude=("day",))
    assert len(chosen) == 200 and list(chosen) == [name for name in frame if name != "day"]
    assert chosen.dtypes.to_dict() == frame.drop(columns="day").dtypes.to_dict()


def test_the_example_of_the_readme_runs(monkeypatch):
    monkeypatch.chdir(PROJECT)
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(import pandas\nfrom main .*?)```", readme, re.DOTALL)
    names = {}
    exec(example, names)
    assert len(names["synthetic"]) == 500 and "date" not in names["synthetic"]
    assert len(names["chosen"]) == 1000 and names["chosen"].dtypes.equals(names["rows"].dtypes)


@pytest.mark.parametrize(
    ("frame", "parameters", "word"),
    [
        ([1, 2], {}, "must be a pandas DataFrame, not list"),
        (pd.DataFrame({1: range(200)}), {}, "the column name 1 is no text"),
        (pd.DataFrame({"a": [object()] * 200}), {}, "a column cannot be stored"),
        (pd.DataFrame(np.zeros((200, 2)), columns=["a", "a"]), {}, "duplicate column names: 'a'"),
        (pd.DataFrame(np.zeros((200, 1)), columns=pd.Index(["a\udcff"], dtype=object)), {}, "is no text"),
        (pd.DataFrame({"a": range(99)}), {}, "^frame: only 99 rows"),
        (pd.DataFrame({"a": range(200)}), {"max_memory": 10**400}, "a number is too large"),
        (pd.DataFrame({"a": range(200)}), {"sede": 1}, "the closest one is 'seed'"),
    ],
)
def test_functions_refuse_what_they_cannot_use(frame, parameters, word):
    with pytest.raises(ValueError, match=word):
        main.synthesise(frame, **parameters)
