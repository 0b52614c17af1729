"""mostlyai-qa's own figures for a result, if original rows were kept apart as a holdout."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from postprocess.runtime.outputs import publish, unfinished_file
from postprocess.runtime.progress import Progress
from postprocess.runtime.threads import open_workers
from postprocess.tables.accuracy import measure

MAX_EMBEDDED_ROWS = 10_000  # of each data set, for the distances, whose time and memory grow with the square
SEEDS = (1, 2, 3, 4, 5)  # of the repeated distances, each on other rows
MAX_REPEATED_ROWS = 3_000  # of each data set for each seed: all seeds together then take about a minute

Found = TypeVar("Found")


@dataclass(frozen=True)
class QaReport:
    """The figures of mostlyai-qa.

    accuracy: against training and holdout rows together. privacy: distances of the result to either. dcr_share: share
    of result rows closer to a training row than to a holdout row, ties counted as half; 0.5 is ideal. nndr_ratio:
    nearest-neighbour distance ratio to the training rows over that to the holdout rows. ims_*: share of rows identical
    to one of the other data set. Of all columns and some sets of columns, qa takes the one with the highest dcr_share.
    privacy_by_seed: the same for each of SEEDS, on `rows` random rows of each data set. together: exact
    accuracies over all tables, in bins of training and holdout rows together and against both: of the result, and of a
    perfect copy of the training rows.
    """

    accuracy: dict[str, float | None]
    privacy: dict[str, float | None]
    privacy_by_seed: tuple[dict[str, float], ...] = ()
    together: dict[str, dict[str, float | None]] | None = None


def evaluate(
    *,
    training: pd.DataFrame,
    holdout: pd.DataFrame,
    result: pd.DataFrame,
    page: Path,
    threads: int | None = None,
    warn: Callable[[str], None],
    progress: Progress,
) -> QaReport | None:
    """Run mostlyai-qa's report, whose page goes to `page`; typed frames of the same columns.

    Returns None, and warns, if qa fails or declines. If only the repeated distances or the joint accuracy fail, the
    report's own figures are still returned.
    """

    def tried(what: str, part: Callable[..., Found], *arguments: Any, **options: Any) -> Found | None:
        try:
            return part(training, holdout, result, *arguments, progress=progress, **options)
        except Exception as error:
            warn(f"mostlyai-qa failed, so {what} missing: {type(error).__name__}: {error}")
            return None

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # qa's own libraries warn about each other, on many lines
        metrics = tried("its figures are", _report, page, warn=warn)
        if metrics is None:
            return None
        return QaReport(
            accuracy=metrics.accuracy.model_dump(),
            privacy=_distances_of(metrics),
            privacy_by_seed=tuple(tried("its distances by seed are", privacy_by_seed) or ()),
            together=tried("the accuracy with the holdout is", accuracy_together, threads=threads),
        )


def _distances_of(metrics: Any) -> dict[str, float | None]:
    distances = metrics.distances.model_dump()
    near, far = distances["nndr_training"], distances["nndr_holdout"]
    return distances | {"nndr_ratio": near / far if near is not None and far else None}


def _report(
    training: pd.DataFrame,
    holdout: pd.DataFrame,
    result: pd.DataFrame,
    page: Path,
    *,
    warn: Callable[[str], None],
    progress: Progress,
) -> Any:
    """Return qa's metrics, or None if qa declines. Its page appears whole or not at all."""
    from mostlyai import qa  # takes seconds to load

    with unfinished_file(page) as unfinished, progress.task("mostlyai-qa's report", total=100, unit="") as task:

        def follow(total: float | None = None, completed: float | None = None, **_: object) -> None:
            if completed is not None and total == 100:
                task.update(completed)

        qa.set_random_state(SEEDS[0])
        _, metrics = qa.report(
            syn_tgt_data=result,
            trn_tgt_data=training,
            hol_tgt_data=holdout,
            report_path=unfinished,
            max_sample_size_embeddings=MAX_EMBEDDED_ROWS,
            update_progress=follow,
        )
        if metrics is None:
            warn("mostlyai-qa gives no figures, because it needs at least 10 holdout rows")
        else:
            publish(unfinished, page)
        return metrics


def privacy_by_seed(
    training: pd.DataFrame, holdout: pd.DataFrame, result: pd.DataFrame, *, progress: Progress
) -> list[dict[str, float]]:
    """Return qa's distances on rows drawn anew for each of SEEDS: they show how much its figures vary with the draw."""
    from mostlyai import qa

    from postprocess.report import qa_internals

    found = []
    with progress.task("Distances by seed", total=len(SEEDS), unit="seed") as task:
        for seed in SEEDS:
            qa.set_random_state(seed)
            synthetic, known, apart = qa_internals.prepare_data_for_embeddings(
                syn_tgt_data=result, trn_tgt_data=training, hol_tgt_data=holdout, max_sample_size=MAX_REPEATED_ROWS
            )
            distances = qa_internals.calculate_distances(syn_embeds=synthetic, trn_embeds=known, hol_embeds=apart)
            near, far = distances["dcr_syn_trn"], distances["dcr_syn_hol"]
            ratio = qa_internals.calculate_nndr_ratio(distances["nndr_syn_trn"], distances["nndr_syn_hol"])
            found.append(
                {
                    "seed": seed,
                    "rows": len(synthetic),
                    "dcr_share": float(qa_internals.calculate_dcr_share(near, far)),
                    "nndr_ratio": float(ratio),
                    "ims_training": float(qa_internals.calculate_ims(near)),
                    "ims_holdout": float(qa_internals.calculate_ims(far)),
                    "ims_trn_hol": float(qa_internals.calculate_ims(distances["dcr_trn_hol"])),
                }
            )
            task.advance()
    return found


def accuracy_together(
    training: pd.DataFrame,
    holdout: pd.DataFrame,
    result: pd.DataFrame,
    *,
    threads: int | None = None,
    progress: Progress,
) -> dict[str, dict[str, float | None]]:
    """Return exact accuracies in qa's bins of training and holdout rows together, over all of their tables."""
    from mostlyai import qa

    from postprocess.report import qa_internals

    qa.set_random_state(SEEDS[0])
    prepared, dtypes = [], None
    for frame in (training, holdout, result):
        prepared.append(qa_internals.prepare_data_for_accuracy(df_tgt=frame, setup="1:1", ori_dtypes=dtypes))
        dtypes = dtypes or prepared[0].dtypes.to_dict()
    original, bins = qa_internals.bin_data(pd.concat(prepared[:2], ignore_index=True), bins=10)
    synthetic, copy = qa_internals.bin_data(prepared[2], bins)[0], original[: len(training)]
    codes, n_codes = _common_codes([original, synthetic, copy])
    with open_workers(threads, progress=progress) as workers:
        found = measure(codes[0], codes[1:], n_codes, workers=workers, label="Measuring with the holdout")
    return {name: accuracy.as_dict() for name, accuracy in zip(("result", "copy_of_training"), found, strict=True)}


def _common_codes(frames: Sequence[pd.DataFrame]) -> tuple[list[np.ndarray], np.ndarray]:
    """Return codes (n_columns, n_rows) of binned frames, the same for the same bin, and each column's number of
    codes."""
    codes = [np.empty(frame.shape[::-1], np.uint8) for frame in frames]
    n_codes = []
    for place, name in enumerate(frames[0].columns):
        labels = pd.Index(pd.unique(np.concatenate([frame[name].cat.categories.astype(str) for frame in frames])))
        for frame, row_codes in zip(frames, codes, strict=True):
            row_codes[place] = labels.get_indexer(frame[name].astype(str))
        n_codes.append(len(labels))
    return codes, np.array(n_codes)
