"""mostlyai-qa's privacy figures for the page, with the limits that they should meet."""

from collections.abc import Mapping, Sequence

from postprocess.report.sentences import percent

MAX_DCR_SHARE, MIN_NNDR_RATIO = 0.52, 0.5  # the limits of the MOSTLY AI Prize
NOT_MET = "not met"

PRIVACY_NAMES = {  # of mostlyai-qa's privacy figures, in order
    "dcr_share": "share of rows closer to a training row than to a holdout row (DCR share)",
    "nndr_ratio": "ratio of the nearest-neighbour distance ratios (NNDR ratio)",
    "ims_training": "rows identical to a training row in that set of columns",
    "ims_holdout": "rows identical to a holdout row in that set of columns",
    "ims_trn_hol": "holdout rows identical to a training row, for comparison",
}


def privacy_rows(summary: Mapping) -> list[dict[str, str]]:
    """Return mostlyai-qa's privacy figures: of its report, their mean and range over the seeds, and their limits."""
    seeds = summary.get("privacy_by_seed") or []
    rows = []
    for key, name in PRIVACY_NAMES.items():
        show = _ratio if key == "nndr_ratio" else percent
        values, reported = [seed[key] for seed in seeds], summary["privacy"].get(key)
        limit, met = _limit(key, values or [reported])
        rows.append(
            {
                "name": name,
                "report": show(reported),
                "mean": show(sum(values) / len(values)) if values else "",
                "range": f"{show(min(values))} to {show(max(values))}" if values else "",
                "limit": limit,
                "met": met,
            }
        )
    return rows


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _limit(key: str, values: Sequence[float | None]) -> tuple[str, str]:
    """Return a figure's limit in words, and whether it is met: by all values, by their mean, or by neither.

    Both are empty for a figure without a limit.
    """
    if key == "dcr_share":
        words, meets = f"at most {percent(MAX_DCR_SHARE, 0)} (MOSTLY AI Prize)", MAX_DCR_SHARE.__ge__
    elif key == "nndr_ratio":
        words, meets = f"at least {MIN_NNDR_RATIO} (MOSTLY AI Prize)", MIN_NNDR_RATIO.__le__
    else:
        return "", ""
    known = [value for value in values if value is not None]
    if not known:
        return words, "unknown"
    if all(meets(value) for value in known):
        return words, "met"
    return words, "met on average" if meets(sum(known) / len(known)) else NOT_MET
