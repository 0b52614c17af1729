"""Runs with rules, with kinds of columns, and with numbers in dress."""

import json

import numpy as np
import pandas as pd

from main import select
from tests.runs.support import STEM, call, read_texts, refusal, save

N = 300


def orders(n_rows=N, seed=1):
    """Return rows in which the city decides the country, and the total is price plus tax."""
    draw = np.random.default_rng(seed)
    city = draw.integers(0, 6, n_rows)
    price, tax = draw.integers(10, 2_000, n_rows), draw.integers(0, 400, n_rows)
    return pd.DataFrame(
        {
            "city": [f"city {number}" for number in city],
            "country": [f"country {number // 2}" for number in city],
            "price": price,
            "tax": tax,
            "total": [f"${value:,}.00" for value in price + tax],
            "zip": 10_000 + city,
        }
    )


def summary_of(output):
    return json.loads((output / "results" / f"{STEM}_summary.json").read_text())


def money(texts):
    return texts.str.replace(r"[$,]", "", regex=True).astype(float)


def test_rules_are_found_and_hold_in_every_row_of_a_trained_pools_result(tmp_path, output, capsys):
    training = save(orders(), tmp_path / "orders.csv")
    assert call(training, "--output", output) == 0
    result = read_texts(output / "results" / f"{STEM}.csv")
    assert set(zip(result["city"], result["country"], strict=True)) <= set(
        zip(orders()["city"], orders()["country"], strict=True)
    )
    assert (result["price"].astype(float) + result["tax"].astype(float)).tolist() == money(result["total"]).tolist()
    assert result["total"].str.fullmatch(r"\$\d{1,3}(,\d{3})*\.00").all()
    rules = {rule["rule"]: rule for rule in summary_of(output)["rules"]}
    assert {"city -> country", "total = price + tax"} <= rules.keys()
    assert all(rule["result_broken"] == 0 for rule in rules.values() if rule["enforced"])
    assert rules["total = price + tax"]["pool_repaired"] > 0 and rules["total = price + tax"]["pool_broken"] == 0
    assert "rule found: city -> country" in capsys.readouterr().err


def test_a_given_pool_is_not_repaired_and_its_rows_that_break_a_given_rule_are_left_out(tmp_path, output):
    training = save(orders(), tmp_path / "orders.csv")
    pool = save(orders(3_000, seed=2).assign(price=lambda rows: rows["price"] * 3 % 2_000), tmp_path / "pool.csv")
    rule = "price >= tax"
    call_with = ("--pool", pool, "--output", output, "--set", f"rules=({rule!r},)", "--set", "find_rules=False")
    assert call(training, *call_with) == 0
    result = read_texts(output / "results" / f"{STEM}.csv")
    assert (result["price"].astype(int) >= result["tax"].astype(int)).all()
    (found,) = summary_of(output)["rules"]
    broken = int((pd.read_csv(pool)["price"] < pd.read_csv(pool)["tax"]).sum())
    assert found == {
        "rule": rule,
        "enforced": True,
        "pool_repaired": None,
        "pool_broken": broken,
        "result_broken": 0,
    }


def test_other_rules_make_another_pool(tmp_path, output):
    training = save(orders(), tmp_path / "orders.csv")
    assert call(training, "--output", output) == 0
    assert call(training, "--output", output, "--set", "find_rules=False") == 0
    assert len(list((output / "pool_data").glob("*.csv"))) == 2


def test_a_rule_that_cannot_be_used_is_refused_in_one_line(tmp_path, output, capsys):
    training = save(orders(), tmp_path / "orders.csv")
    line = refusal(capsys, output, training, "--set", "rules=('prise > 0',)")
    assert "'prise'" in line and "'price'" in line


def test_the_kind_of_a_column_can_be_given(tmp_path, output, capsys):
    training = save(orders(), tmp_path / "orders.csv")
    assert call(training, "--output", output, "--set", "column_kinds={'zip': 'category'}") == 0
    kinds = {column["name"]: column["kind"] for column in summary_of(output)["columns"]}
    assert (kinds["zip"], kinds["total"], kinds["city"]) == ("category", "number", "category")
    line = refusal(capsys, tmp_path / "other", training, "--set", "column_kinds={'city': 'number'}")
    assert "column 'city' cannot be read as a number: row 1 after the header has 'city " in line


def test_kinds_work_for_frames():
    rows = orders(3_000, seed=2)
    chosen = select(orders(), pool=rows, column_kinds={"zip": "category"}, find_rules=False)
    assert chosen["zip"].dtype == rows["zip"].dtype and len(chosen) == N
