"""Tests the figures from the parts of mostlyai-qa on small frames. tests/runs runs its whole report."""

import numpy as np
import pandas as pd
import pytest

from postprocess.report import mostlyai_qa
from postprocess.runtime.progress import Progress
from postprocess.runtime.stages import Journal
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


def test_a_copy_of_the_training_rows_is_nearer_to_them_with_every_seed(data):
    few, many = data[::-1]
    found = mostlyai_qa.privacy_by_seed(few, many, few, progress=Progress())
    assert [figures["seed"] for figures in found] == list(mostlyai_qa.SEEDS)
    for figures in found:
        assert figures["rows"] == 60
        assert figures["dcr_share"] > 0.95 and figures["ims_training"] == 1 and figures["ims_holdout"] < 1


def test_fresh_rows_are_equally_near_to_training_and_holdout_rows(data):
    found = mostlyai_qa.privacy_by_seed(*data, frame(200, 3), progress=Progress())
    shares = [figures["dcr_share"] for figures in found]
    assert 0.35 < np.mean(shares) < 0.65 and max(shares) > min(shares)


def test_accuracy_together_is_against_training_and_holdout_rows(data):
    training, holdout = data
    both = pd.concat([training, holdout], ignore_index=True)
    found = mostlyai_qa.accuracy_together(training, holdout, both, progress=Progress())
    assert found["result"]["overall"] == 1
    assert found["copy_of_training"]["univariate"] == pytest.approx(1, abs=0.1)
    assert found["copy_of_training"]["overall"] < 1
    fresh = mostlyai_qa.accuracy_together(training, holdout, frame(200, 3), progress=Progress())
    assert fresh["result"]["overall"] < fresh["copy_of_training"]["overall"] == found["copy_of_training"]["overall"]


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (None, "warning: mostlyai-qa gives no figures, because it needs at least 10 holdout rows"),
        (ValueError("no"), "warning: mostlyai-qa failed, so its figures are missing: ValueError: no"),
    ],
)
def test_if_qa_gives_no_figures_the_log_says_why(data, tmp_path, monkeypatch, answer, line):
    def report(*_arguments, **_options):
        if isinstance(answer, Exception):
            raise answer
        return None, answer

    monkeypatch.setattr("mostlyai.qa.report", report)
    training, holdout = data
    page, progress = tmp_path / "page.html", Recorder()
    frames = {"training": training, "holdout": holdout, "result": training}
    found = mostlyai_qa.evaluate(**frames, page=page, warn=Journal(progress).warn, progress=progress)
    assert found is None and progress.lines == [line] and not page.exists()


def test_the_figures_of_the_report_are_kept_if_later_ones_fail(data, tmp_path, monkeypatch):
    def fail(*_arguments, **_options):
        raise KeyError("gone")

    monkeypatch.setattr(mostlyai_qa, "privacy_by_seed", fail)
    monkeypatch.setattr(mostlyai_qa, "accuracy_together", fail)
    training, holdout = data
    page, progress = tmp_path / "page.html", Recorder()
    frames = {"training": training, "holdout": holdout, "result": training}
    found = mostlyai_qa.evaluate(**frames, page=page, warn=Journal(progress).warn, progress=progress)
    assert 0 < found.accuracy["overall"] <= 1 and 0 <= found.privacy["dcr_share"] <= 1
    assert found.privacy_by_seed == () and found.together is None and page.exists()
    assert progress.lines == [
        "warning: mostlyai-qa failed, so its distances by seed are missing: KeyError: 'gone'",
        "warning: mostlyai-qa failed, so the accuracy with the holdout is missing: KeyError: 'gone'",
    ]
