"""The page's sentences, from the summary alone: what the figures mean, how each step ended, what more would buy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from postprocess.runtime.progress import format_seconds
from postprocess.selection.eligibility import KEPT_OUT

NARROW = "\N{NARROW NO-BREAK SPACE}"
FROM = "≥ "  # how the label of a bin begins that goes up to the next one
PACE_PART = 0.2  # of refinement's time, at its end: what is gained there tells what more time would buy
NEAR = 0.001  # overall accuracies this close are called equal

DCR_LIMIT, NNDR_LIMIT = 0.52, 0.5  # the MOSTLY AI Prize's: at most so large, at least so large

STEPS = {
    "pool_sample": "a random sample of the pool",
    "ipf": "after IPF: the oversized subset",
    "trimmed": "after trimming",
    "refined": "after refinement: the result",
}
PRIVACY_FIGURES = {  # key: name, decimals
    "dcr_share": "share of rows nearer to training than to holdout rows (DCR share)",
    "nndr_ratio": "ratio of the nearest-neighbour distance ratios (NNDR ratio)",
    "ims_training": "rows identical to a training row in those columns",
    "ims_holdout": "rows identical to a holdout row in those columns",
    "ims_trn_hol": "holdout rows identical to a training row, for comparison",
}


def percent(share: float | None, decimals: int = 2, sign: str = f"{NARROW}%") -> str:
    """A share as a percentage: 97.75 %; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.{decimals}f}{sign}"


def points(difference: float, decimals: int = 2) -> str:
    """A difference of shares, of at least 0, in percentage points."""
    return f"{100 * difference:.{decimals}f}"


def verdict(summary: Mapping) -> str:
    """What the overall accuracy means against the sampling limit."""
    overall, limit = summary["accuracy"]["refined"]["overall"], summary["sampling_limit"]["overall"]
    if overall > limit + NEAR:
        return (
            "The result's tables are closer to the training data's than those of a fresh sample of as many real rows "
            "would be on average. Part of what lies beyond that limit follows the training rows' own chance variation, "
            "which is worth nothing on unseen rows; the parameter target_smoothing says how far that may go."
        )
    if overall > limit - NEAR:
        return "The result's tables are as close to the training data's as those of a fresh sample of real rows."
    return (
        f"A fresh sample of as many real rows would come {points(limit - overall)} percentage points closer "
        "to the training data's tables on average: what is missing cannot be put down to chance."
    )


def worse_than_a_sample(summary: Mapping) -> str:
    """A warning where the selection has done harm; else nothing."""
    sample, refined = (summary["accuracy"].get(step, {}).get("overall") for step in ("pool_sample", "refined"))
    if sample is None or refined >= sample:
        return ""
    told = f"A plain random sample of the pool would be more accurate than the result, at {percent(sample)}"
    if any(stage.get("status") == "out of time" for stage in summary.get("stages", ())):
        return (
            f"{told}: a step that was stopped by its limit long before its end does harm. Raise the limits, or lower "
            "trimming_data_multiplier."
        )
    return (
        f"{told}: so many rows may have been kept out that the others cannot match the tables. Bring a larger pool, "
        "lower privacy_filter, or set allow_training_copies where few columns make equal rows common."
    )


def below_limit(tables: Mapping[str, Mapping[str, int]]) -> str:
    """How many tables of each level are further off than a fresh sample's would be."""
    counts = [
        f"{level['below_limit']:,} of {level['number']:,} {name}" for name, level in tables.items() if level["number"]
    ]
    return f"Below their own limit: {', '.join(counts)}."


def steps(summary: Mapping) -> list[str]:
    """How each step of the selection ended, and what more time would buy."""
    ended = {stage["name"]: stage for stage in summary.get("stages", ())}
    told = [_ipf(ended["ipf"])] if "ipf" in ended else []
    if "trimming" in ended:
        told.append(_trimming(ended["trimming"], summary))
    if "refinement" in ended:
        told.append(_refinement(ended["refinement"], summary))
    return told


def _ipf(stage: Mapping) -> str:
    errors = f"the tables it fits were off by {percent(stage['mean_error'], 3)} on average in the last sweep"
    errors += f", by {percent(stage['largest_error'])} at most"
    sweeps = _count(stage["sweeps"], "sweep")
    return {
        "converged": f"IPF converged after {sweeps}: {errors}.",
        "stalled": f"IPF stopped after {sweeps}, as another one would hardly change the weights: {errors}. "
        "The pool does not have the rows to match these tables exactly.",
    }.get(
        stage["status"],
        f"IPF did not converge: it was stopped after {sweeps} (ipf_iterations), when {errors}. "
        "More sweeps usually buy little.",
    )


def _trimming(stage: Mapping, summary: Mapping) -> str:
    if stage["status"] == "nothing to trim":
        return "Trimming had nothing to do: the subset had the result's size already."
    dropped = summary_rows(summary, "oversized subset") - stage["rows"]
    if stage["status"] == "out of time":
        limit = f"its time limit (max_trimming_time{_parameter(summary, 'max_trimming_time', ' minutes')})"
        return (
            f"Trimming was stopped by {limit}: of {dropped:,} rows to drop, only {stage['removed_greedily']:,} were "
            "chosen one by one, the others by their last score. A higher limit would choose better."
        )
    return f"Trimming ended by itself: it chose all {dropped:,} rows to drop one by one, and no time limit stopped it."


def _refinement(stage: Mapping, summary: Mapping) -> str:
    done = f"after {_count(stage['rounds'], 'round')} and {_count(stage['swaps'], 'swap')}"
    if stage["status"] == "converged":
        return (
            f"Refinement converged {done}: a pass over all candidate rows gained less than refinement_tolerance"
            f"{_parameter(summary, 'refinement_tolerance')}. A higher time limit would change nothing; a lower "
            "tolerance, a little."
        )
    if stage["status"] == "out of time":
        limit = f"its time limit (max_refinement_time{_parameter(summary, 'max_refinement_time', ' minutes')})"
    else:
        limit = f"its limit of rounds (refinement_iterations{_parameter(summary, 'refinement_iterations')})"
    return f"Refinement was stopped by {limit} {done}. {_pace(stage.get('fit', ()), stage['seconds'])}".strip()


def _pace(rounds: Sequence[Sequence[float]], seconds: float) -> str:
    """What the last rounds say of more time. rounds: (seconds of refinement, overall fit to the targets) after each."""
    if len(rounds) < 2:
        return ""
    since = rounds[-1][0] - max(PACE_PART * seconds, 1e-9)
    before = [point for point in rounds if point[0] <= since] or rounds[:1]
    (began, low), (ended, high) = before[-1], rounds[-1]
    if ended <= began:
        return ""
    minute = 60 * (high - low) / (ended - began)
    return (
        f"Over its last {format_seconds(ended - began)} its fit to the targets still gained "
        f"{points(max(high - low, 0), 3)} percentage points: at that pace another minute would add about "
        f"{points(max(minute, 0), 3)}, and the pace falls as it goes."
    )


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _parameter(summary: Mapping, name: str, unit: str = "") -> str:
    value = summary.get("parameters", {}).get("selection", {}).get(name)
    return "" if value is None else f" = {value:g}{unit}"


def summary_rows(summary: Mapping, stage_name: str) -> int:
    """Rows that came out of a stage; 0 where it is not told."""
    return next((stage["rows"] for stage in summary["stages"] if stage["name"] == stage_name), 0)


def kept_out(summary: Mapping) -> list[str]:
    """How many pool rows could not be selected, and why."""
    return [
        f"Pool rows kept out: {count:,}, {KEPT_OUT.get(reason, reason.replace('_', ' '))}."
        for reason, count in summary.get("excluded", {}).items()
        if count
    ]


def largest_difference(table: Mapping) -> str:
    """The cell of a table whose shares differ most, with its counts."""
    rows = [sum(table[side]) for side in ("original", "synthetic")]
    shares = [
        synthetic / rows[1] - original / rows[0]
        for original, synthetic in zip(table["original"], table["synthetic"], strict=True)
    ]
    place = max(range(len(shares)), key=lambda cell: abs(shares[cell]))
    original, synthetic = table["original"][place], table["synthetic"][place]
    parts = []
    for name, labels in zip(reversed(table["columns"]), reversed(table["bins"]), strict=True):
        place, code = divmod(place, len(labels))
        parts.append(f"{name} {_bin(labels, code)}")
    cell = ", ".join(reversed(parts))
    return f"Largest difference: {cell} in {original:,} original and {synthetic:,} synthetic rows."


def _bin(labels: Sequence[str], code: int) -> str:
    """What a code stands for; bins of numbers and dates are named after where they begin, in order."""
    label, *after = labels[code : code + 2]
    if not label.startswith(FROM):
        return f"= {label}"
    if after and after[0].startswith(FROM):
        return f"from {label.removeprefix(FROM)} to below {after[0].removeprefix(FROM)}"
    return label


def privacy_rows(summary: Mapping) -> list[dict[str, str]]:
    """mostlyai-qa's privacy figures: its report's, the mean and range over seeds, and the limits."""
    seeds = summary.get("privacy_by_seed") or []
    told = []
    for key, name in PRIVACY_FIGURES.items():
        show = (lambda value: "–" if value is None else f"{value:.2f}") if key == "nndr_ratio" else percent
        values = [seed[key] for seed in seeds]
        mean = sum(values) / len(values) if values else None
        limit, kept = _limit(key, values or [summary["privacy"].get(key)])
        told.append(
            {
                "name": name,
                "report": show(summary["privacy"].get(key)),
                "mean": show(mean) if values else "",
                "range": f"{show(min(values))} to {show(max(values))}" if values else "",
                "limit": limit,
                "kept": kept,
            }
        )
    return told


def _limit(key: str, values: Sequence[float | None]) -> tuple[str, str]:
    """A figure's limit in words, and whether the values keep it: all of them, their mean, or neither."""
    if key == "dcr_share":
        words, keeps = f"at most {percent(DCR_LIMIT, 0)}", DCR_LIMIT.__ge__
    elif key == "nndr_ratio":
        words, keeps = f"at least {NNDR_LIMIT}", NNDR_LIMIT.__le__
    else:
        return "", ""
    known = [value for value in values if value is not None]
    if not known:
        return words, "unknown"
    if all(keeps(value) for value in known):
        return words, "kept"
    return words, "kept on average" if keeps(sum(known) / len(known)) else "not kept"
