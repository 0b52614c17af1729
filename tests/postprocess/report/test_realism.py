import json

import numpy as np
import pandas as pd
import pytest

from postprocess.report.realism import MAX_ROWS, odd_cells, realism, tell_apart
from postprocess.report.recurring_numbers import MAX_COLUMNS, decimals_of, in_units, recurring

HUGE = 2**63 - 1


pytestmark = pytest.mark.usefixtures("no_warnings")


def people(n_rows, seed):
    """Return rows of all types: prices that end in .99, salaries that are round or not, codes, missing values."""
    draw = np.random.default_rng(seed)
    salary = np.where(draw.random(n_rows) < 0.6, draw.integers(20, 90, n_rows) * 50, draw.integers(1000, 4500, n_rows))
    price = draw.integers(1, 300, n_rows) + np.where(
        draw.random(n_rows) < 0.7, 0.99, draw.integers(0, 99, n_rows) / 100
    )
    code = [
        f"{letters}-{number}"
        for letters, number in zip(draw.choice(["AB", "XY"], n_rows), draw.integers(10, 99, n_rows), strict=True)
    ]
    return pd.DataFrame(
        {
            "salary": pd.array(salary, "Int64"),
            "price": np.where(draw.random(n_rows) < 0.1, np.nan, price.round(2)),
            "height": draw.normal(170, 9, n_rows),
            "member": pd.array(draw.random(n_rows) < 0.3, "boolean"),
            "since": pd.Series(np.datetime64("2020-01-01", "us") + draw.integers(0, 900, n_rows).astype("m8[D]")),
            "code": pd.Series(code, dtype="str").mask(draw.random(n_rows) < 0.1),
        }
    )


def result_auc(training, result, **others):
    return tell_apart(training, {"result": result, **others}, seed=1)["result"]


def kind(training, result, name):
    return odd_cells(training, {"result": result})[name]["result"]


def test_new_rows_of_the_same_source_pass_for_training_rows():
    found = realism(people(2000, 1), {"result": people(2000, 2), "pool_sample": people(1500, 3)}, seed=1)
    for role, rows in (("result", 2000), ("pool_sample", 1500)):
        figures = found["classifier"][role]
        assert abs(figures["auc"] - 0.5) < 3 * figures["standard_error"] < 0.05
        assert (figures["training_rows"], figures["rows"]) == (2000, rows)
    assert found["classifier"]["result"]["columns"] == [] and "columns" not in found["classifier"]["pool_sample"]
    assert found["cells"]["new_shapes"]["result"]["cells"] == 0
    assert found["recurring"]["largest_difference"] < 0.05


def test_the_same_seed_gives_the_same_plain_figures():
    training, others = people(400, 1), {"result": people(300, 2), "pool_sample": people(500, 3)}
    found = realism(training, others, seed=2**40)
    assert json.loads(json.dumps(found, allow_nan=False)) == found == realism(training, others, seed=2**40)


def test_the_rows_that_are_compared_are_limited_and_drawn_by_the_seed():
    training, result = people(MAX_ROWS + 500, 1)[["height"]], people(MAX_ROWS + 900, 2)[["height"]]
    found = [tell_apart(training, {"result": result}, seed=seed)["result"] for seed in (1, 2)]
    assert [(each["training_rows"], each["rows"]) for each in found] == [(MAX_ROWS, MAX_ROWS)] * 2
    assert found[0]["auc"] != found[1]["auc"]


DEFECTS = {
    "salary": lambda rows: rows["salary"] + pd.array(np.arange(len(rows)) % 50, "Int64"),  # no longer round
    "price": lambda rows: rows["price"].round(0),
    "height": lambda rows: rows["height"].round(0),
    "since": lambda rows: rows["since"].where(rows["since"].dt.day_of_week < 5, rows["since"] - np.timedelta64(2, "D")),
    "code": lambda rows: rows["code"].where(np.arange(len(rows)) % 3 > 0, rows["code"].str.replace("-", "")),
    "member": lambda rows: rows["member"].mask(np.arange(len(rows)) % 3 == 0),
}


@pytest.mark.parametrize("column", DEFECTS)
def test_a_planted_defect_is_told_by_the_classifier_and_its_column_is_named(column):
    result = people(2000, 2)
    figures = result_auc(people(2000, 1), result.assign(**{column: DEFECTS[column](result)}))
    assert figures["auc"] > 0.55
    assert [each["column"] for each in figures["columns"]] == [column] and figures["columns"][0]["auc"] > 0.55


def test_columns_that_only_together_tell_raise_the_auc_but_none_is_named():
    draw = np.random.default_rng(1)
    training = pd.DataFrame({"a": draw.normal(size=2000)}).assign(b=lambda rows: rows["a"])
    figures = result_auc(training, pd.DataFrame(draw.normal(size=(2000, 2)), columns=["a", "b"]))
    assert figures["auc"] > 0.9 and figures["columns"] == []


def test_a_copy_of_the_training_rows_is_closer_than_two_samples():
    training = people(1000, 1)
    figures = result_auc(training, training)
    assert figures["auc"] < 0.5 and figures["columns"] == []


def test_fewer_rows_than_folds_have_no_auc():
    figures = result_auc(people(100, 1), people(2, 2))
    assert figures == {"training_rows": 100, "rows": 2, "auc": None, "standard_error": None}


def test_numbers_and_dates_out_of_range_are_counted_and_their_column_is_named():
    training, result = people(500, 1), people(500, 2)
    result.loc[:9, "height"] = [np.inf, -np.inf] * 5
    result.loc[:2, "since"] = pd.Timestamp("1999-01-01")
    figures = kind(training, result, "out_of_range")
    assert figures["worst_column"] == "height" and figures["worst_share"] >= 10 / 500
    names = ["salary", "price", "height", "since"]
    cells = {name: result[name].dropna() for name in names}
    outside = sum(np.count_nonzero(~cells[name].between(training[name].min(), training[name].max())) for name in names)
    of = sum(map(len, cells.values()))
    assert (figures["cells"], figures["of"], figures["share"]) == (outside, of, round(outside / of, 6))


def test_new_texts_and_new_shapes_are_counted_and_their_columns_are_named():
    training = pd.DataFrame({"city": ["Bonn", "Köln"] * 50, "plate": ["K-12", None] * 50}, dtype="str")
    result = pd.DataFrame(
        {"city": ["Bonn", "Ulm", "_RARE_", None], "plate": ["B-7", "b-7", "B-7 ", "K-12"]}, dtype="str"
    )
    assert kind(training, result, "new_values") == {
        "cells": 5, "of": 7, "worst_column": "plate", "worst_share": 0.75, "share": round(5 / 7, 6),
    }  # fmt: skip
    shapes = kind(training, result, "new_shapes")
    assert (shapes["cells"], shapes["of"], shapes["worst_column"]) == (3, 7, "plate")


@pytest.mark.parametrize(
    ("text", "same"),
    [("Jean-Luc 12", "Ève-Zoë 7"), ("ABC1", "Ä22"), ("a.b", "xyz.é"), ("٣", "4"), ("北京", "b"), ("", ""), ("?", "?")],
)
def test_a_shape_has_one_sign_for_a_run_of_letters_or_digits(text, same):
    training = pd.DataFrame({"text": [text]}, dtype="str")
    assert kind(training, pd.DataFrame({"text": [same]}, dtype="str"), "new_shapes")["cells"] == 0
    assert kind(training, pd.DataFrame({"text": [same + " "]}, dtype="str"), "new_shapes")["cells"] == 1


def test_identifiers_of_new_rows_are_no_defect():
    """All of them are new, as they would be in new real rows, but one malformed city is beyond expectation."""
    ids = [f"id{number}" for number in range(400)]
    training = pd.DataFrame({"id": ids[:200], "city": ["Bonn", "Ulm"] * 100}, dtype="str")
    found = odd_cells(training, {"result": training.assign(id=ids[200:], city=["Bonn"] * 199 + ["Bnon"])})["new_values"]
    assert found["training"] == {"cells": 200, "of": 400, "share": 0.5}
    assert (found["result"]["cells"], found["result"]["worst_column"]) == (201, "city")


def test_recurring_numbers_and_endings_are_described_with_their_shares():
    training, other = people(3000, 1), people(3000, 3)
    result = people(3000, 2).assign(price=lambda rows: rows["price"].round(1), salary=lambda rows: rows["salary"] + 1)
    found = recurring(training, {"result": result, "pool_sample": other})
    by_column = {row["column"]: row for row in found["columns"]}
    assert by_column["salary"]["description"] == "multiples of 50"
    assert by_column["price"]["description"] == "ends in .99"
    assert list(by_column) == ["price", "salary"] and by_column["price"]["result"] == 0
    for row in by_column.values():
        assert row["training"] == pytest.approx(row["pool_sample"], abs=0.05)
    assert found["largest_difference"] == round(by_column["price"]["training"], 6) > 0.65


def test_the_most_frequent_values_of_a_column_recur_together():
    draw = np.random.default_rng(1)
    values = draw.normal(size=1000)
    training = pd.DataFrame({"rain": np.where(draw.random(1000) < 0.4, 0.0, values)})
    (row,) = recurring(training, {"result": pd.DataFrame({"rain": values})})["columns"]
    assert row["description"] == "the most frequent value" and row["result"] == 0 and 0.35 < row["training"] < 0.45
    training = pd.DataFrame({"rain": np.where(draw.random(1000) < 0.4, draw.choice(values[:7], 1000), values)})
    (row,) = recurring(training, {"result": pd.DataFrame({"rain": values})})["columns"]
    assert row["description"] == "the 5 most frequent values" and row["result"] == 0.005


@pytest.mark.parametrize(
    ("numbers", "description"),
    [
        (np.arange(500) * 0.5, "multiples of 0.5"),
        (np.arange(500) * 1000.0, "multiples of 1000"),
        (np.arange(500) + 0.95, "ends in .95"),
        (np.arange(500) + 0.125, "ends in 25, of 3 decimals"),
        (np.where(np.arange(500) % 3, np.arange(500), np.arange(500) + 0.123456789), "whole numbers"),
        (np.arange(500) * 10 + 9.5, "ends in 9.5"),
        (np.arange(1, 501) * -100 - 99, "ends in 99"),
        (np.arange(500) * 10 + 7, "ends in 7"),
    ],
)
def test_an_ending_is_described_in_words(numbers, description):
    column = pd.Series(numbers) if numbers.dtype == "float64" else pd.Series(numbers, dtype="Int64")
    (row,) = recurring(column.to_frame("x"), {"result": column.to_frame("x")})["columns"]
    assert row["description"] == description and row["training"] == row["result"] > 0.5


@pytest.mark.parametrize("seed", range(5))
def test_random_numbers_have_no_ending(seed):
    draw = np.random.default_rng(seed)
    few = draw.choice(draw.integers(0, 5000, 60), 5000)  # each in less than 2 % to 2 % of the rows, as distances are
    data = {"few": few, "small": draw.integers(0, 900, 5000), "large": draw.integers(0, HUGE, 5000)}
    frame = pd.DataFrame(data).astype("Int64").assign(normal=draw.normal(size=5000))
    frame["rounded"] = frame["normal"].round(3)
    found = recurring(frame, {"result": frame})["columns"]
    assert {row["column"] for row in found} <= {"few"} and all("frequent" in row["description"] for row in found)


def test_the_columns_with_the_largest_difference_come_first_and_are_limited():
    draw = np.random.default_rng(1)
    training = pd.DataFrame({f"c{number}": draw.integers(0, 500, 400) * 10 for number in range(30)}, dtype="Int64")
    result = training.copy()
    for number in range(30):
        result.loc[: 10 * number, f"c{number}"] += 1
    found = recurring(training, {"result": result})
    assert [row["column"] for row in found["columns"]] == [f"c{number}" for number in range(29, 29 - MAX_COLUMNS, -1)]
    assert found["largest_difference"] == pytest.approx(291 / 400)


def test_digits_are_exact():
    units, exact = in_units(pd.Series([1.15, 0.1 + 0.2, -2.5, np.nan, np.inf, 1e300, 0.0]), 2)
    assert exact.tolist() == [True, False, True, False, False, False, True]
    assert units[exact].tolist() == [115, 250, 0]
    units, exact = in_units(pd.Series([HUGE, -HUGE - 1, None], dtype="Int64"), 0)
    assert units[exact].tolist() == [HUGE, HUGE] and exact.tolist() == [True, True, False]
    assert [decimals_of(pd.Series(values)) for values in ([1.0, np.inf], [1.25, 3.1], [1 / 3], [np.nan])] == [
        0,
        2,
        6,
        0,
    ]


def odd_frames(n_rows):
    """Return columns that are hard to handle, by name."""
    draw = np.random.default_rng(n_rows)
    numbers = draw.normal(size=n_rows)
    huge = pd.array(draw.integers(HUGE - 10**6, HUGE, n_rows, dtype=np.int64), "Int64")
    return {
        "no number": pd.Series(np.nan, range(n_rows)),
        "no whole number": pd.Series([None] * n_rows, dtype="Int64"),
        "no boolean": pd.Series([None] * n_rows, dtype="boolean"),
        "no date": pd.Series([pd.NaT] * n_rows, dtype="M8[us]"),
        "no text": pd.Series([None] * n_rows, dtype="str"),
        "one number": pd.Series(numbers).where(np.arange(n_rows) == 5),
        "one text": pd.Series("x", range(n_rows), dtype="str").where(np.arange(n_rows) == 5),
        "constant": pd.Series(7, range(n_rows), dtype="Int64"),
        "constant text": pd.Series("_RARE_", range(n_rows), dtype="str"),
        "infinite": pd.Series(np.where(draw.random(n_rows) < 0.3, np.inf, np.where(numbers > 1, -np.inf, numbers))),
        "large": pd.Series(numbers * 1e307),
        "huge": pd.Series(huge),
        "smallest": pd.Series(-huge - 1).where(draw.random(n_rows) < 0.9),
        "zeros": pd.Series(np.where(numbers > 0, 0.0, -0.0)),
        "booleans": pd.Series(pd.array(numbers > 0, "boolean")).mask(numbers > 1),
        "dates": pd.Series(np.array(["0001-01-01", "9999-12-31T23:59:59"] * (n_rows // 2), "M8[us]")),
        "times": pd.Series(np.datetime64("1969-12-30", "us") + draw.integers(0, 10**12, n_rows).astype("m8[us]")),
        "texts": pd.Series([f"Ü{number}\n𝒳" for number in draw.permutation(n_rows)], dtype="str"),
    }


@pytest.mark.parametrize("name", odd_frames(100))
@pytest.mark.parametrize(("n_training", "n_result"), [(100, 300), (100, 10), (6, 2)])
def test_any_column_alone_has_figures(name, n_training, n_result):
    frames = [pd.DataFrame({name: odd_frames(n_rows)[name]}) for n_rows in (n_training, n_result)]
    for training, result in (frames, frames[::-1]):
        found = realism(training, {"result": result}, seed=1)
        json.dumps(found, allow_nan=False)
        auc = found["classifier"]["result"]["auc"]
        assert (auc is None) == (n_result == 2) and (auc is None or 0 <= auc <= 1)


def test_all_columns_together_have_figures_and_constants_tell_nothing():
    frames = [pd.DataFrame(odd_frames(n_rows)) for n_rows in (200, 300)]
    json.dumps(realism(frames[0], {"result": frames[1]}, seed=1), allow_nan=False)
    names = [name for name in frames[0] if name.startswith(("no ", "constant"))]
    figures = result_auc(frames[0][names], frames[1][names])
    assert figures["auc"] == 0.5 and figures["columns"] == []


def test_values_where_training_has_none_are_odd():
    training = pd.DataFrame({"a": pd.Series([None] * 9, dtype="Int64"), "b": pd.Series([None] * 9, dtype="str")})
    found = odd_cells(training, {"result": training.fillna({"a": 1, "b": "x"})})
    assert all((found[name]["result"]["cells"], found[name]["training"]["share"]) == (9, 0) for name in found)


def test_many_distinct_texts_are_no_burden():
    texts = [pd.Series([f"{start + number:x}" for number in range(100_000)], dtype="str") for start in (0, 50_000)]
    training, result = (pd.DataFrame({"text": each}) for each in texts)
    found = realism(training, {"result": result}, seed=1)
    assert found["cells"]["new_values"]["result"]["cells"] == 50_000
    assert found["recurring"] == {"largest_difference": 0.0, "columns": []}
