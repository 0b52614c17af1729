"""Tests that each sentence of the page has the figures and parameters of its case."""

import pytest

from postprocess.report import sentences
from postprocess.report.privacy_figures import privacy_rows
from postprocess.selection.context import Step
from postprocess.selection.eligibility import EXCLUSION_REASONS


def has(text, *facts):
    """Return whether all these words and figures are in a text, whatever the case of its letters."""
    return all(fact.lower() in text.lower() for fact in facts)


def test_shares_are_written_in_percent_and_points():
    assert sentences.percent(0.97754) == "97.75\N{NARROW NO-BREAK SPACE}%" and sentences.percent(None) == "–"
    assert sentences.points(0.5) == "50.00"


def test_accuracy_is_compared_with_the_limit():
    above, equal, below = (
        sentences.against_limit({"accuracy": {"refined": {"overall": overall}}, "sampling_limit": {"overall": 0.96}})
        for overall in (0.98, 0.9605, 0.95)
    )
    assert has(above, "target_smoothing") and "1.00" not in above
    assert has(below, "1.00 percentage points") and "target_smoothing" not in below
    assert has(equal, "as close") and "percentage points" not in equal and "target_smoothing" not in equal


def test_a_result_worse_than_a_sample_has_a_warning(run_summary):
    assert sentences.worse_than_a_sample(run_summary) == ""
    assert sentences.worse_than_a_sample({"accuracy": {"refined": {"overall": 1}}}) == ""
    run_summary["accuracy"]["pool_sample"]["overall"] = 0.98
    assert has(sentences.worse_than_a_sample(run_summary), "98.00", "time limit", "trimming_data_multiplier")
    for stage in run_summary["stages"]:
        stage.pop("status", None)
    assert has(sentences.worse_than_a_sample(run_summary), "98.00", "privacy_filter", "allow_training_copies")


def test_tables_below_their_limit_are_counted_for_each_order():
    orders = {"columns": (2, 1), "pairs": (1000, 1234), "triples": (0, 0)}
    tables = {name: {"below_limit": below, "number": number} for name, (below, number) in orders.items()}
    found = sentences.below_limit(tables)
    assert has(found, "2 of 1 columns", "1,000 of 1,234 pairs") and "triples" not in found


def test_each_step_has_its_figures(run_summary):
    ipf, trimming, refinement = sentences.steps(run_summary)
    assert has(ipf, "IPF", "3 sweeps", "0.333", "2.00")
    assert has(trimming, "trimming", "all 120 rows")
    assert has(refinement, "refinement", "max_refinement_time = 30 minutes", "9 rounds", "1,234 swaps")


@pytest.mark.parametrize(
    ("step", "status", "expected"),
    [
        (Step.IPF, "converged", ["IPF made 3 sweeps", "converged"]),
        (Step.IPF, "stalled", ["IPF made 3 sweeps", "stopped"]),
        (Step.IPF, "iteration limit", ["IPF made 3 sweeps", "ipf_iterations"]),
        (
            Step.TRIMMING,
            "out of time",
            ["trimming was stopped", "max_trimming_time = 30 minutes", "only 120", "120 rows"],
        ),
        (Step.TRIMMING, "nothing to trim", ["trimming had nothing to do"]),
        (Step.REFINEMENT, "converged", ["refinement converged", "9 rounds", "refinement_tolerance"]),
        (Step.REFINEMENT, "iteration limit", ["refinement was stopped", "refinement_iterations = 1000"]),
    ],
)
def test_every_end_of_a_step_has_its_sentence(run_summary, step, status, expected):
    next(stage for stage in run_summary["stages"] if stage["name"] == step)["status"] = status
    assert any(has(sentence, *expected) for sentence in sentences.steps(run_summary))


def test_a_result_without_its_run_has_no_steps():
    assert sentences.steps({}) == [] and sentences.excluded({}) == []


def test_excluded_rows_have_their_number_and_reason(run_summary):
    run_summary["excluded"]["some_new_reason"] = 5
    copies, near, new = sentences.excluded(run_summary)
    assert has(copies, "1,234 pool rows", EXCLUSION_REASONS["training_copies"])
    assert has(near, "1 pool row ", EXCLUSION_REASONS["near_copies"])
    assert has(new, "5 pool rows", "some_new_reason")


def test_the_largest_difference_is_in_shares():
    table = {
        "columns": ["a", "b"],
        "bins": [["x", "y"], ["≥ 0", "≥ 5", "(missing)"]],
        "original": [20, 20, 20, 20, 10, 60],
        "synthetic": [5, 5, 5, 5, 12, 18],
    }
    assert has(sentences.largest_difference(table), "6.67", "24.00", "a = y, b ≥ 5")
    table["synthetic"] = [number * 3 for number in (20, 10, 5, 5, 5, 5)]
    assert has(sentences.largest_difference(table), "60 original", "15 synthetic", "(missing)")
    table["synthetic"] = [5, 5, 5, 25, 5, 5]
    assert has(sentences.largest_difference(table), "13.33", "50.00", "a = y, b from 0 to below 5")


def test_privacy_figures_meet_their_limits_or_not():
    privacy = {"dcr_share": 0.53, "nndr_ratio": 0.4, "ims_training": 0.0, "ims_holdout": None, "ims_trn_hol": None}
    rows = privacy_rows({"privacy": privacy})
    assert [row["met"] for row in rows] == ["not met", "not met", "", "", ""]
    assert [row["report"][:4] for row in rows] == ["53.0", "0.40", "0.00", "–", "–"]


@pytest.mark.parametrize(
    ("shares", "met"), [([0.5, 0.52], "met"), ([0.5, 0.53], "met on average"), ([0.52, 0.53], "not met")]
)
def test_a_limit_may_be_met_by_the_mean_of_the_seeds(shares, met):
    others = {"nndr_ratio": 0.9, "ims_training": 0.0, "ims_holdout": 0.0, "ims_trn_hol": 0.0}
    seeds = [others | {"dcr_share": share} for share in shares]
    rows = privacy_rows({"privacy": {}, "privacy_by_seed": seeds})
    assert rows[0]["met"] == met and rows[1]["met"] == "met"


def test_whether_an_unknown_figure_meets_its_limit_is_unknown():
    assert privacy_rows({"privacy": {}})[0]["met"] == "unknown"
