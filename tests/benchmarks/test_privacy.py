"""Tests selections by one half of the training rows."""

import json

import pytest

from benchmarks import plot
from benchmarks.privacy import POOL_SAMPLE, main

pytestmark = pytest.mark.slow

FAST = ("--set", "threads=1", "--set", "refinement_iterations=0")


@pytest.fixture(scope="module")
def found(case_files, tmp_path_factory):
    path = tmp_path_factory.mktemp("privacy") / "privacy.json"
    setting = "plain:target_smoothing=0.0,privacy_filter=0.0"
    main([*map(str, case_files), "--seeds", "2", "--setting", setting, "--json", str(path), *FAST])
    return path, json.loads(path.read_text())


def test_every_setting_is_measured_with_every_seed(found):
    _, facts = found
    assert [(each["seed"], each["setting"]) for each in facts["seen"]] == [
        (seed, setting) for seed in (1, 2) for setting in (POOL_SAMPLE, "main.py's", "plain")
    ]
    assert facts["settings"]["plain"]["privacy_filter"] == 0
    assert facts["settings"]["main.py's"]["privacy_filter"] > 0


def test_a_selection_by_one_half_is_more_accurate_for_it_than_for_the_other(found):
    _, facts = found
    for each in facts["seen"]:
        assert 0.3 < each["dcr_share"] < 0.9
        assert 0.3 < each["pool_dcr_share"] < 0.7
        if each["setting"] == "plain":
            assert each["accuracy_selected_by"] > each["accuracy_both"] > each["accuracy_unseen"]


def test_the_picture_is_a_png_file(found, tmp_path):
    assert plot.main(["--privacy", str(found[0]), "--pictures", str(tmp_path)]) == 0
    assert (tmp_path / "privacy.png").read_bytes().startswith(b"\x89PNG")


def test_a_setting_without_a_label_ends_with_one_line(case_files, capsys):
    with pytest.raises(SystemExit) as exit:
        main([*map(str, case_files), "--setting", "privacy_filter=0"])
    assert exit.value.code == 2
    assert "--setting privacy_filter=0: give LABEL:NAME=VALUE" in capsys.readouterr().err
