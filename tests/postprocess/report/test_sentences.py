import re

import pytest

from postprocess.report import sentences


def test_numbers_as_people_say_them():
    assert sentences.percent(0.97754) == "97.75\N{NARROW NO-BREAK SPACE}%" and sentences.percent(None) == "–"
    assert sentences.points(0.00123, 3) == "0.123" and sentences.points(0.5) == "50.00"


@pytest.mark.parametrize(
    ("overall", "expected"),
    [(0.98, "closer to the training data's than"), (0.9605, "as close to"), (0.95, "1.00 percentage points closer")],
)
def test_verdict(overall, expected):
    told = {"accuracy": {"refined": {"overall": overall}}, "sampling_limit": {"overall": 0.96}}
    assert expected in sentences.verdict(told)


def test_harm_is_told(told):
    assert (
        sentences.worse_than_a_sample(told)
        == ""
        == sentences.worse_than_a_sample({"accuracy": {"refined": {"overall": 1}}})
    )
    told["accuracy"]["pool_sample"]["overall"] = 0.98
    assert re.search(r"more accurate than the result, at 98.00.*Raise the limits", sentences.worse_than_a_sample(told))
    for stage in told["stages"]:
        stage.pop("status", None)
    assert re.search(
        r"more accurate than the result, at 98.00.*lower privacy_filter", sentences.worse_than_a_sample(told)
    )


def test_steps_tell_how_each_ended_and_what_more_time_would_buy(told):
    ipf, trimming, refinement = sentences.steps(told)
    assert ipf.startswith("IPF stopped after 3 sweeps, as another one would hardly change the weights")
    assert "all 120 rows to drop one by one" in trimming
    assert "time limit (max_refinement_time = 30 minutes) after 9 rounds and 1,234 swaps" in refinement
    assert "Over its last 10 s its fit to the targets still gained 0.100 percentage points: at that pace" in refinement
    assert "about 0.600" in refinement


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        ("ipf", "converged", "IPF converged after 3 sweeps"),
        ("ipf", "iteration limit", "IPF did not converge: it was stopped after 3 sweeps (ipf_iterations)"),
        ("trimming", "out of time", "its time limit (max_trimming_time = 30 minutes): of 120 rows to drop, only 120"),
        ("trimming", "nothing to trim", "Trimming had nothing to do"),
        ("refinement", "converged", "Refinement converged after 9 rounds"),
        ("refinement", "iteration limit", "its limit of rounds (refinement_iterations = 1000)"),
    ],
)
def test_every_end_has_its_sentence(told, name, status, expected):
    next(stage for stage in told["stages"] if stage["name"] == name)["status"] = status
    assert any(expected in sentence for sentence in sentences.steps(told))


def test_steps_of_a_result_without_its_run():
    assert sentences.steps({}) == [] and sentences.kept_out({}) == []


def test_kept_out_rows_have_their_reason(told):
    told["excluded"]["some_new_reason"] = 5
    assert sentences.kept_out(told) == [
        "Pool rows kept out: 1,234, equal to a training row.",
        "Pool rows kept out: 1, too near to a training row (privacy_filter).",
        "Pool rows kept out: 5, some new reason.",
    ]


def test_the_largest_difference_is_in_shares():
    table = {
        "columns": ["a", "b"],
        "bins": [["x", "y"], ["≥ 0", "≥ 5", "(missing)"]],
        "original": [20, 20, 20, 20, 10, 60],
        "synthetic": [5, 5, 5, 5, 12, 18],
    }
    expected = "Largest difference: a = y, b ≥ 5 in 10 original and 12 synthetic rows."
    assert sentences.largest_difference(table) == expected
    table["synthetic"] = [5, 5, 5, 25, 5, 5]
    assert "difference: a = y, b from 0 to below 5 in 20 original" in sentences.largest_difference(table)


def test_privacy_keeps_or_breaks_its_limits():
    privacy = {"dcr_share": 0.53, "nndr_ratio": 0.4, "ims_training": 0.0, "ims_holdout": None, "ims_trn_hol": None}
    kept = {row["name"]: row["kept"] for row in sentences.privacy_rows({"privacy": privacy})}
    assert list(kept.values()) == ["not kept", "not kept", "", "", ""]


@pytest.mark.parametrize(
    ("shares", "kept"),
    [([0.5, 0.52], "kept"), ([0.5, 0.53], "kept on average"), ([0.52, 0.53], "not kept"), ([None], "unknown")],
)
def test_a_limit_that_some_seeds_break(shares, kept):
    assert sentences._limit("dcr_share", shares)[1] == kept


@pytest.mark.parametrize("fit", [[], [[4.0, 0.93]], [[20.0, 0.97], [20.0, 0.975]]])
def test_no_pace_without_rounds_that_took_time(told, fit):
    told["stages"][-1]["fit"] = fit
    assert not any("at that pace" in sentence for sentence in sentences.steps(told))
