"""What is made of mostlyai-qa's parts, on small frames; its whole report is run by the tests of main.py."""

import numpy as np
import pandas as pd
import pytest

from postprocess.report import mostlyai_qa as official
from postprocess.runtime.progress import Progress
from tests.postprocess.oracles import Recorder

pytest.importorskip("mostlyai.qa")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # the warnings are qa's own


def frame(n_rows, seed):
    draw = np.random.default_rng(seed)
    number = draw.normal(size=n_rows)
    return pd.DataFrame(
        {
            "x": number,
            "y": number + draw.normal(size=n_rows),
            "z": pd.Series(draw.choice(["a", "b"], n_rows), dtype=str),
        }
    ).mask(draw.random((n_rows, 3)) < 0.1)


@pytest.fixture
def data():
    return frame(200, 1), frame(60, 2)


def test_a_copy_of_the_training_rows_is_seen_through_where_all_of_them_are_drawn(data):
    few, many = data[::-1]
    found = official.privacy_by_seed(few, many, few, progress=Progress())
    assert [figures["seed"] for figures in found] == list(official.SEEDS)
    for figures in found:
        assert figures["rows"] == 60
        assert figures["dcr_share"] > 0.95 and figures["ims_training"] == 1 and figures["ims_holdout"] < 1


def test_fresh_rows_are_as_near_to_either(data):
    found = official.privacy_by_seed(*data, frame(200, 3), progress=Progress())
    shares = [figures["dcr_share"] for figures in found]
    assert 0.35 < np.mean(shares) < 0.65 and max(shares) > min(shares)


def test_accuracy_together_is_against_training_and_holdout_rows(data):
    training, holdout = data
    both = pd.concat([training, holdout], ignore_index=True)
    found = official.accuracy_together(training, holdout, both, progress=Progress())
    assert found["result"]["overall"] == 1
    assert found["copy_of_training"]["univariate"] == pytest.approx(1, abs=0.1)
    assert found["copy_of_training"]["overall"] < 1
    fresh = official.accuracy_together(training, holdout, frame(200, 3), progress=Progress())
    assert fresh["result"]["overall"] < fresh["copy_of_training"]["overall"] == found["copy_of_training"]["overall"]


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (None, "warning: mostlyai-qa gives no figures, because it needs at least 10 holdout rows"),
        (ValueError("no"), "warning: mostlyai-qa failed, so its figures are missing: ValueError: no"),
    ],
)
def test_a_result_stands_without_qas_figures(data, tmp_path, monkeypatch, answer, line):
    def report(*_arguments, **_options):
        if isinstance(answer, Exception):
            raise answer
        return None, answer

    monkeypatch.setattr("mostlyai.qa.report", report)
    training, holdout = data
    page, progress = tmp_path / "page.html", Recorder()
    found = official.evaluate(training=training, holdout=holdout, result=training, page=page, progress=progress)
    assert found is None and progress.lines == [line] and not page.exists()


def test_the_report_s_figures_stand_without_what_comes_after_them(data, tmp_path, monkeypatch):
    def fail(*_arguments, **_options):
        raise KeyError("gone")

    monkeypatch.setattr(official, "privacy_by_seed", fail)
    monkeypatch.setattr(official, "accuracy_together", fail)
    training, holdout = data
    page, progress = tmp_path / "page.html", Recorder()
    found = official.evaluate(training=training, holdout=holdout, result=training, page=page, progress=progress)
    assert 0 < found.accuracy["overall"] <= 1 and 0 <= found.privacy["dcr_share"] <= 1
    assert found.privacy_by_seed == () and found.together is None and page.exists()
    assert progress.lines == [
        "warning: mostlyai-qa failed, so its distances by seed are missing: KeyError: 'gone'",
        "warning: mostlyai-qa failed, so the accuracy with the holdout is missing: KeyError: 'gone'",
    ]
