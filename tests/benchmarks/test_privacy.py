"""Tests selections by a part of the training rows, and the attacks on them."""

import json

import pytest

from benchmarks import plot
from benchmarks.privacy import COPY, FRESH, POOL_SAMPLE, main

pytestmark = pytest.mark.slow

ROWS = "60"  # fewer than a third, so that a fresh sample can be measured
FAST = ("--set", "threads=1", "--set", "refinement_iterations=0")


@pytest.fixture(scope="module")
def found(case_files, tmp_path_factory):
    path = tmp_path_factory.mktemp("privacy") / "privacy.json"
    setting = "plain:target_smoothing=0.0,privacy_filter=0.0"
    main([*map(str, case_files), "--rows", ROWS, "--seeds", "2", "--setting", setting, "--json", str(path), *FAST])
    return path, json.loads(path.read_text())


def test_every_setting_is_measured_with_every_seed(found):
    _, facts = found
    assert [(each["seed"], each["setting"]) for each in facts["seen"]] == [
        (seed, setting) for seed in (1, 2) for setting in (POOL_SAMPLE, COPY, FRESH, "main.py's", "plain")
    ]
    assert facts["settings"]["plain"]["privacy_filter"] == 0
    assert facts["settings"]["main.py's"]["privacy_filter"] > 0


def test_the_fullest_fit_gives_more_away_than_a_sample_and_less_than_a_copy(found):
    _, facts = found
    auc = {each["setting"]: each["attacks"]["tables"]["all_rows"]["auc"] for each in facts["seen"]}
    assert max(auc[POOL_SAMPLE], auc[FRESH]) < auc["plain"] < auc[COPY]
    for each in facts["seen"]:
        if each["setting"] == "plain":
            assert each["accuracy_selected_by"] > each["accuracy_unseen"]


def test_the_picture_is_a_png_file(found, tmp_path):
    assert plot.main(["--privacy", str(found[0]), "--pictures", str(tmp_path)]) == 0
    assert (tmp_path / "privacy.png").read_bytes().startswith(b"\x89PNG")


def test_a_setting_without_a_label_ends_with_one_line(case_files, capsys):
    with pytest.raises(SystemExit) as exit:
        main([*map(str, case_files), "--setting", "privacy_filter=0"])
    assert exit.value.code == 2
    assert "--setting privacy_filter=0: give LABEL:NAME=VALUE" in capsys.readouterr().err


def test_rows_that_leave_no_others_end_with_one_line(case_files, capsys):
    with pytest.raises(SystemExit) as exit:
        main([*map(str, case_files), "--rows", "1_000_000"])
    assert exit.value.code == 2
    assert "--rows 1000000: " in capsys.readouterr().err
