"""Tests runs that select from a given pool, and runs with a holdout."""

import json
import re
from collections import Counter

import numpy as np
import pytest

from postprocess.data.sources import MISSING_TOKENS
from tests.runs.support import STEM, call, files_below, lines_of_rows, pool_file, read_texts, save, text_frame


@pytest.mark.parametrize("name", ["pool.csv", "pool.csv.gz", "POOL.CSV", "pool.parquet"])
def test_a_pool_may_have_any_file_type_and_columns_by_information(training, output, tmp_path, pool_frame, capsys, name):
    pool = pool_file(tmp_path / name, pool_frame)
    assert call(training, "--pool", pool, "--output", output) == 0
    assert f"{pool}: ignoring columns 'more', 'extra', not in the training data" in capsys.readouterr().err
    assert not (output / "pool_data").exists()
    result = output / "results" / f"{STEM}.csv"
    chosen = lines_of_rows(result)
    assert result.read_bytes().decode() == "text,whole,decimal,truth,day\n" + "".join(chosen)
    in_order = lines_of_rows(save(pool_frame, tmp_path / "text.csv"), list(text_frame()))
    assert len(chosen) == 200 and Counter(chosen) <= Counter(in_order)


@pytest.mark.parametrize("name", ["training.csv.gz", "training.parquet"])
def test_training_data_may_have_any_file_type(output, tmp_path, name):
    frame = text_frame()
    frame["text"] = frame["text"].where(
        frame["text"].notna() | (np.arange(200) % 2 == 0), "NA"
    )  # as if it were a value
    assert call(pool_file(tmp_path / name, frame), "--output", output) == 0
    result = read_texts(output / "results" / f"{STEM}.csv")
    assert result.shape == (200, 5) and set(result["text"].dropna()) == set(text_frame()["text"].dropna())
    summary = json.loads((output / "results" / f"{STEM}_summary.json").read_text())
    assert summary["result_accuracy"] == pytest.approx(summary["accuracy"]["refined"])
    assert (result["whole"].dropna() == result["whole"].dropna().astype(int).astype(str)).all()


@pytest.mark.slow
def test_a_holdout_adds_qa_s_figures_and_leaves_the_result_unchanged(training, output, tmp_path, pool_frame):
    pool = save(pool_frame, tmp_path / "pool.csv")
    holdout = save(text_frame(50, seed=3), tmp_path / "holdout.csv")
    assert call(training, "--pool", pool, "--output", output) == 0
    assert call(training, "--pool", pool, "--holdout", holdout, "--output", output) == 0
    assert (output / "results" / f"{STEM}.csv").read_bytes() == (output / "results" / f"{STEM}_2.csv").read_bytes()
    summary = json.loads((output / "results" / f"{STEM}_2_summary.json").read_text(encoding="utf-8"))
    assert 0 < summary["official_accuracy"]["overall"] < 1 and 0 <= summary["privacy"]["dcr_share"] <= 1
    assert summary["official_page"] == f"{STEM}_2_official.html" and len(summary["privacy_by_seed"]) == 5
    assert summary["accuracy_with_holdout"]["copy_of_training"]["overall"] > 0.8
    attacks = summary["membership_attacks"]
    assert {name: attacks[name]["all_rows"]["controls"] for name in attacks} == {"tables": 50, "distance": 50}
    assert (output / "results" / f"{STEM}_2_official.html").stat().st_size > 0
    assert not (output / "results" / f"{STEM}_official.html").exists()


def test_result_and_page_are_kept_after_an_interrupt_of_qa(training, output, tmp_path, pool_frame, monkeypatch):
    def interrupt(**_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("postprocess.report.write.evaluate", interrupt)
    pool, holdout = save(pool_frame, tmp_path / "pool.csv"), save(text_frame(50, seed=3), tmp_path / "holdout.csv")
    assert call(training, "--pool", pool, "--holdout", holdout, "--output", output) == 130
    endings = (".csv", "_summary.json", "_report.html")
    assert files_below(output) == {f"results/{STEM}{ending}" for ending in endings}
    assert "accuracy" in json.loads((output / "results" / f"{STEM}_summary.json").read_text(encoding="utf-8"))


def test_rewritten_values_are_counted(training, output, tmp_path, pool_frame, capsys):
    pool = pool_frame.assign(whole=pool_frame["whole"] + ".0")
    assert call(training, "--pool", save(pool, tmp_path / "pool.csv"), "--output", output) == 0
    result = read_texts(output / "results" / f"{STEM}.csv")
    assert result["whole"].dropna().str.fullmatch(r"-?\d+").all()
    log = capsys.readouterr().err
    assert re.search(rf"{result['whole'].count()} values of the result .* in 'whole'\n", log)


def test_missing_values_of_a_pool_keep_their_spelling(training, output, tmp_path, pool_frame):
    spelt = pool_frame.fillna(dict(zip(text_frame(), MISSING_TOKENS[1:], strict=False)))
    assert call(training, "--pool", save(spelt, tmp_path / "pool.csv"), "--output", output) == 0
    chosen = lines_of_rows(output / "results" / f"{STEM}.csv")
    assert Counter(chosen) <= Counter(lines_of_rows(tmp_path / "pool.csv", list(text_frame())))
