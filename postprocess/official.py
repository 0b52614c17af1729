"""mostlyai-qa's own figures for a result, where original rows were kept apart as a holdout."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from postprocess.progress import Progress
from postprocess.result import publish

EMBEDDED_ROWS = 10_000  # of each data set, for the distances: more take memory and time with the square


@dataclass(frozen=True)
class Official:
    """accuracy: against training and holdout rows together. privacy: distances of the result to either.

    dcr_share: share of result rows nearer to a training row than to a holdout row, ties half; 0.5 is ideal.
    nndr_ratio: nearest-neighbour distance ratio to the training rows over that to the holdout rows. ims_*: share of
    rows identical to one of the other data set.
    """

    accuracy: dict[str, float | None]
    privacy: dict[str, float | None]


def evaluate(
    *, training: pd.DataFrame, holdout: pd.DataFrame, result: pd.DataFrame, page: Path, progress: Progress
) -> Official | None:
    """Run mostlyai-qa's report, whose page goes to `page`; typed frames of the same columns.

    None, with a log line, where qa declines or fails: the result stands without its figures.
    """
    from mostlyai import qa  # takes seconds to load, and only a holdout needs it

    with warnings.catch_warnings(), progress.task("mostlyai-qa's report", total=100, unit="percent") as task:
        warnings.simplefilter("ignore")  # qa's own libraries warn about each other, on many lines

        def follow(total: float | None = None, completed: float | None = None, **_: object) -> None:
            if completed is not None and total == 100:
                task.update(completed)

        unfinished, metrics = page.with_name(f".{page.name}.unfinished"), None
        try:
            _, metrics = qa.report(
                syn_tgt_data=result,
                trn_tgt_data=training,
                hol_tgt_data=holdout,
                report_path=unfinished,
                max_sample_size_embeddings=EMBEDDED_ROWS,
                update_progress=follow,
            )
            if metrics is not None:
                publish(unfinished, page)
        except Exception as error:
            progress.log(f"warning: mostlyai-qa failed, so its figures are missing: {type(error).__name__}: {error}")
        finally:
            unfinished.unlink(missing_ok=True)
    if metrics is None:
        progress.log("warning: no figures of mostlyai-qa, which takes at least 10 holdout rows")
        return None
    distances = metrics.distances.model_dump()
    near, far = distances["nndr_training"], distances["nndr_holdout"]
    distances["nndr_ratio"] = near / far if near is not None and far else None
    return Official(metrics.accuracy.model_dump(), distances)
