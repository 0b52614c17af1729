"""Tests that the first sentences and the tiles of the page say what the figures mean."""

import pytest

from postprocess.report.privacy_checks import not_kept, share_with_error
from postprocess.report.tiles import tiles
from postprocess.report.verdict import rules_kept, verdict

NEAR = {"rows": 5000, "identical": 0, "minimum": 2, "percentile_1": 4, "median": 6}


def said(summary, subject):
    """Return what the verdict says about a subject, with plain spaces; an empty text if it says nothing."""
    return dict(verdict(summary)).get(subject, "").replace("\N{NARROW NO-BREAK SPACE}", " ")


def tile_of(summary, title):
    return next((tile for tile in tiles(summary) if tile.title == title), None)


def of_accuracy(refined, limit):
    orders = ("univariate", "bivariate", "trivariate", "overall")
    return {
        "accuracy": {"refined": dict(zip(orders, refined, strict=True))},
        "sampling_limit": dict(zip(orders, limit, strict=True)),
        "weakest": {"columns": [], "pairs": [], "triples": []},
        "tables": {order: {"number": 10, "below_limit": 0} for order in ("columns", "pairs", "triples")},
    }


@pytest.mark.parametrize(
    ("refined", "expected"),
    [
        ((0.9, 0.9, 0.9, 0.9), ["Good for tables of up to three columns"]),
        ((0.9, 0.9, 0.5, 0.77), ["Good for tables of one and two columns", "tables of three columns are less"]),
        ((0.9, 0.5, 0.5, 0.63), ["Good for tables of one column", "two and three columns are less"]),
        ((0.5, 0.5, 0.5, 0.5), ["The tables of one, two and three columns are less"]),
        ((0.9, None, None, 0.9), ["Good for tables of one column:"]),
    ],
)
def test_the_verdict_names_the_tables_that_are_good(refined, expected):
    found = said(of_accuracy(refined, (0.9, 0.9, 0.9, 0.9)), "Tables")
    assert all(words in found for words in [*expected, f"{refined[-1]:.2%}".replace("%", " %"), "90.00 %"])


def test_the_verdict_names_the_table_farthest_below_its_limit():
    summary = of_accuracy((0.9,) * 4, (0.9,) * 4)
    summary["weakest"]["pairs"] = [
        {"columns": ["a", "b"], "accuracy": 0.44, "sampling_limit": 0.56},
        {"columns": ["a", "c"], "accuracy": 0.4, "sampling_limit": 0.41},
    ]
    summary["tables"]["pairs"]["below_limit"] = 2
    found = said(summary, "Weak")
    assert "a by b is weakest (44.0 %" in found and "56.0 %" in found and "2 of 30 tables" in found
    summary["weakest"]["pairs"][0]["accuracy"] = 0.555
    summary["weakest"]["pairs"][1]["accuracy"] = 0.405
    assert said(summary, "Weak") == ""


def test_the_verdict_names_the_columns_that_lack_most_values():
    summary = of_accuracy((0.9,) * 4, (0.9,) * 4)
    columns = {"a": 0, "b": 2, "c": 7, "d": 3, "e": 5}
    summary["profiles"] = [
        {"column": name, "training": {"distinct": 10}, **({"lost": lost} if lost else {})}
        for name, lost in columns.items()
    ]
    assert "7 of 10 in c, 5 of 10 in e, 3 of 10 in d." in said(summary, "Weak")


@pytest.mark.parametrize(
    ("auc", "words"),
    [(0.48, "cannot tell"), (0.55, "cannot tell"), (0.63, "hardly"), (0.75, "often"), (0.95, "can tell")],
)
def test_the_verdict_says_how_well_a_classifier_finds_the_rows(run_summary, auc, words):
    run_summary["realism"]["classifier"]["result"]["auc"] = auc
    found = said(run_summary, "Rows")
    assert words in found and f"{auc:.2f}" in found and "0.70" in found
    assert tile_of(run_summary, "Realism").figure == f"{auc:.2f}"


def test_broken_rules_are_counted(run_summary):
    assert rules_kept(run_summary) == "1 of 2 rules are broken by some rows."
    tile = tile_of(run_summary, "Rules kept")
    assert tile.figure == "1 of 2" and tile.bad
    run_summary["rules"][1]["result_broken"] = 0
    assert rules_kept(run_summary) == "All 2 rules are kept." and not tile_of(run_summary, "Rules kept").bad
    assert rules_kept({"rules": run_summary["rules"][:1]}) == "The rule is kept." and rules_kept({}) == ""


@pytest.mark.parametrize(
    ("score", "r2", "words"), [(0.88, 0.1, "nearly as well"), (0.6, 0.1, "less well"), (0.88, 0.01, "less well")]
)
def test_usefulness_is_the_mean_over_the_targets_of_each_measure(run_summary, score, r2, words):
    def target(measure, training, result):
        return {"target": "x", "measure": measure, "training": {"score": training}, "result": {"score": result}}

    targets = [target("AUC", 0.8, score), target("AUC", 1.0, score), target("R2", 0.1, r2)]
    run_summary["usefulness"] = {"targets": targets}
    found = said(run_summary, "Use")
    assert words in found and f"AUC {score:.2f} against 0.90, over 2 columns" in found
    assert f"R2 {r2:.2f} against 0.10, over 1 column." in found
    assert tile_of(run_summary, "Usefulness").figure == f"{score:.2f}"


def test_an_untested_result_has_advice_and_its_copies(run_summary):
    assert "--holdout" in said(run_summary, "Privacy") and tile_of(run_summary, "Copies") is None
    assert "ept" not in said(run_summary, "Privacy"), "nothing was measured"
    run_summary["closest_training_row"] = {"result": NEAR, "pool_sample": NEAR | {"identical": 3}, "training": NEAR}
    assert "None of 5,000" in said(run_summary, "Privacy") and "the pool, 3." in said(run_summary, "Privacy")
    assert tile_of(run_summary, "Copies").figure == "0"


@pytest.mark.parametrize(
    ("result", "training", "kept"),
    [
        ({"identical": 7}, {}, True),  # chance explains so few
        ({"identical": 17}, {}, False),
        ({"identical": 17}, {"identical": 18}, True),
        ({"close": 70}, {"close": 50}, True),
        ({"close": 120}, {"close": 50}, False),
    ],
)
def test_more_close_rows_than_among_real_rows_are_not_kept(run_summary, result, training, kept):
    near = NEAR | {"close": 50}
    run_summary["closest_training_row"] = {"result": near | result, "training": near | training}
    assert said(run_summary, "Privacy").startswith("Not kept") is not kept
    assert ("raise privacy_filter" in said(run_summary, "Privacy")) != kept and len(not_kept(run_summary)) == (not kept)
    run_summary["weighting"] = {"weight_column": "w"}
    assert not_kept(run_summary) == []


def test_real_rows_are_not_kept(run_summary):
    run_summary["real_rows"] = 1200
    (reason,) = not_kept(run_summary)
    assert "the result contains 1,200 real rows" in reason and reason[1:] in said(run_summary, "Privacy")


def test_a_share_has_its_standard_error():
    assert share_with_error(100, 10_000).replace("\N{NARROW NO-BREAK SPACE}", " ") == "1.00 % ± 0.10"


@pytest.mark.parametrize(
    ("auc", "words"),
    [
        (0.51, ["do not tell"]),
        (0.56, ["a little", "target_smoothing"]),
        (0.73, ["Not kept", "0.73", "target_smoothing and privacy_filter"]),
        (0.44, ["keeps away", "Lower privacy_filter"]),
    ],
)
def test_attacks_are_judged_by_the_one_that_finds_most(run_summary, auc, words):
    def attack(auc):
        return {"all_rows": {"auc": auc, "error": 0.005}, "outlying": None}

    run_summary["membership_attacks"] = {"tables": attack(auc), "distance": attack(0.5)}
    found = said(run_summary, "Privacy")
    assert all(each in found for each in words) and "--holdout" not in found
    assert tile_of(run_summary, "Privacy").figure == f"{auc:.2f}"


@pytest.mark.parametrize(("share", "advice"), [(0.51, False), (0.6, True)])
def test_a_share_above_its_limit_has_advice(run_summary, share, advice):
    run_summary["privacy"] = {"dcr_share": share}
    assert ("raise privacy_filter" in said(run_summary, "Privacy")) == advice
    assert tile_of(run_summary, "Privacy").bad == advice


def test_what_was_not_measured_is_left_out():
    summary = of_accuracy((0.9,) * 4, (0.9,) * 4)
    assert [subject for subject, _ in verdict(summary)] == ["Tables", "Privacy"]
    assert [tile.title for tile in tiles(summary)] == ["Accuracy"]
