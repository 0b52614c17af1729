"""The page's sentences, from the summary alone: what figures mean, how each step ended, what more time would gain."""

from collections.abc import Mapping, Sequence

from postprocess.selection.context import Step
from postprocess.selection.eligibility import EXCLUSION_REASONS

NARROW = "\N{NARROW NO-BREAK SPACE}"
FROM = "≥ "  # begins the label of a bin that ends where the next one begins
THOUSAND, LARGE = 1000, 1e15  # numbers of this size have no decimals, and a power of ten
GROUPED_FROM = 10_000  # smaller numbers may be years or times of day, in which a comma misleads
EQUAL_WITHIN = 0.001  # overall accuracies this close are called equal

ACCURACY_NAMES = {  # of the summary's accuracies, in order
    "pool_sample": "a random sample of the pool",
    "ipf": "after IPF: the oversized subset",
    "trimmed": "after trimming",
    "refined": "after refinement: the result",
}
END_WORDS = {  # of a stage, for its status
    "iteration limit": "made all its passes",
    "out of time": "stopped by its time limit",
    "stalled": "had nothing more to gain",
}


def percent(share: float | None, decimals: int = 2, sign: str = f"{NARROW}%") -> str:
    """Return a share as a percentage, such as 97.75 %; a dash for None."""
    return "–" if share is None else f"{100 * share:.{decimals}f}{sign}"


def points(difference: float) -> str:
    """Return a difference of shares, at least 0, in percentage points."""
    return f"{100 * difference:.2f}"


def figure(value: float | str | None) -> str:
    """Return a number with a few digits, text as it is, and an empty text for None."""
    if value is None or isinstance(value, str):
        return value or ""
    size = abs(value)
    if size < LARGE and (size >= THOUSAND or value == int(value)):
        return f"{value + 0:{',' if size >= GROUPED_FROM else ''}.0f}"  # a negative zero is zero
    return f"{value:.4g}"


def against_limit(summary: Mapping) -> str:
    """Return what the overall accuracy means, compared with the sampling limit."""
    overall, limit = summary["accuracy"]["refined"]["overall"], summary["sampling_limit"]["overall"]
    if overall > limit + EQUAL_WITHIN:
        return (
            "The result's tables are closer to the training data's tables than those of a fresh sample of the same "
            "number of real rows would be on average. Part of the accuracy beyond the sampling limit follows the "
            "chance variation of the training rows, which is worth nothing on unseen rows. The parameter "
            "target_smoothing controls how far this may go."
        )
    if overall > limit - EQUAL_WITHIN:
        return "The result's tables are as close to the training data's tables as those of a fresh sample of real rows."
    return (
        "On average, the tables of a fresh sample of the same number of real rows would be "
        f"{points(limit - overall)} percentage points closer to the training data's tables. Chance does not explain "
        "this gap."
    )


def worse_than_a_sample(summary: Mapping) -> str:
    """Return a warning if the selection has made the accuracy worse, otherwise an empty text."""
    sample, refined = (summary["accuracy"].get(key, {}).get("overall") for key in ("pool_sample", "refined"))
    if sample is None or refined >= sample:
        return ""
    warning = f"A plain random sample of the pool would be more accurate ({percent(sample)}) than the result."
    if any(stage.get("status") == "out of time" for stage in summary.get("stages", ())):
        return (
            f"{warning} A step does harm if its time limit stops it long before its end. Raise the time limits, or "
            "lower trimming_data_multiplier."
        )
    return (
        f"{warning} Too many rows may be excluded for the others to match the tables. Bring a larger pool, lower "
        "privacy_filter, or set allow_training_copies if few columns make equal rows common."
    )


def of_the_call(summary: Mapping) -> list[str]:
    """Return which parameters the call has changed, and how the training rows were weighted."""
    found = []
    if settings := summary.get("settings"):
        values = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        found.append(f"Parameters that the call gave in place of main.py's: {values}.")
    if weighting := summary.get("weighting"):
        by = [f"column {weighting['weight_column']}"] * (weighting["weight_column"] is not None)
        for column, shares in weighting["target_shares"].items():
            wanted = ", ".join(f"{value} {percent(share, 1)}" for value, share in shares.items())
            by.append(f"shares of {column} ({wanted})")
        found.append(
            f"The training rows are weighted by {' and '.join(by)}. Accuracies are measured against the weighted "
            f"tables, which are as precise as those of {weighting['effective_rows']:,.0f} unweighted rows."
        )
        if "membership_attacks" in summary or summary.get("privacy"):
            found.append(
                "The attacks and the figures of mostlyai-qa count each training row and each holdout row once, so a "
                "weighted result scores low."
            )
    return found


def below_limit(tables: Mapping[str, Mapping[str, int]]) -> str:
    """Return how many tables of each order are less accurate than those of a fresh sample are on average."""
    counts = [
        f"{order['below_limit']:,} of {order['number']:,} {name}" for name, order in tables.items() if order["number"]
    ]
    return f"Tables below their own sampling limit: {', '.join(counts)}."


def steps(summary: Mapping) -> list[str]:
    """Return how each step of the selection ended, and what more time would gain."""
    ended = {stage["name"]: stage for stage in summary.get("stages", ())}
    parameters = summary.get("parameters", {}).get("selection", {})
    found = [_ipf(ended[Step.IPF])] if Step.IPF in ended else []
    if Step.TRIMMING in ended:
        found.append(_trimming(ended[Step.TRIMMING], ended[Step.ROUNDING]["rows"], parameters))
    if Step.REFINEMENT in ended:
        found.append(_refinement(ended[Step.REFINEMENT], parameters))
    return found


def _ipf(stage: Mapping) -> str:
    end, advice = f"made {_count(stage['sweeps'], 'sweep')}", ""
    if stage["status"] == "converged":
        end += " and converged"
    elif stage["status"] == "stalled":
        end += " and stopped, because another one would hardly change the weights"
        advice = " The pool does not have the rows to match these tables exactly."
    else:
        end += ", as many as ipf_iterations asks for"
        advice = " More sweeps usually gain little."
    errors = f"{percent(stage['mean_error'], 3)} on average and by at most {percent(stage['largest_error'])}"
    return f"IPF {end}. In the last sweep, the fitted tables were off by {errors}.{advice}"


def _trimming(stage: Mapping, subset_rows: int, parameters: Mapping) -> str:
    if stage["status"] == "nothing to trim":
        return "Trimming had nothing to do, because the oversized subset already had the result's size."
    dropped = subset_rows - stage["rows"]
    if stage["status"] == "out of time":
        return (
            f"Trimming was stopped by {_time_limit('max_trimming_time', parameters)}. It chose only "
            f"{stage['removed_greedily']:,} of the {dropped:,} rows to drop one by one, and the others by their last "
            "score. A higher limit would choose better."
        )
    return f"Trimming ended before its time limit. It chose all {dropped:,} rows to drop one by one."


def _refinement(stage: Mapping, parameters: Mapping) -> str:
    done = f"after {_count(stage['rounds'], 'round')} and {_count(stage['swaps'], 'swap')}"
    if stage["status"] == "converged":
        return (
            f"Refinement converged {done}: a pass over all candidate rows gained less than "
            f"{_parameter('refinement_tolerance', parameters)}. A higher time limit would change nothing. A lower "
            "tolerance would change a little."
        )
    if stage["status"] == "out of time":
        limit = _time_limit("max_refinement_time", parameters)
    else:
        limit = f"its limit on rounds ({_parameter('refinement_iterations', parameters)})"
    return f"Refinement was stopped by {limit} {done}. A higher limit would let it go on."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _time_limit(name: str, parameters: Mapping) -> str:
    return f"its time limit ({_parameter(name, parameters, ' minutes')})"


def _parameter(name: str, parameters: Mapping, unit: str = "") -> str:
    """Return the name of a parameter, with its value if that is known."""
    value = parameters.get(name)
    return name if value is None else f"{name} = {value:g}{unit}"


def excluded(summary: Mapping) -> list[str]:
    """Return how many pool rows could not be selected, and why."""
    return [
        f"Excluded: {_count(number, 'pool row')} {EXCLUSION_REASONS.get(reason, f'({reason})')}."
        for reason, number in summary.get("excluded", {}).items()
        if number
    ]


def largest_difference(table: Mapping) -> str:
    """Return the cell whose shares differ most, in words, with its counts."""
    original_rows, synthetic_rows = sum(table["original"]), sum(table["synthetic"])
    counts = list(zip(table["original"], table["synthetic"], strict=True))
    differences = [abs(synthetic / synthetic_rows - original / original_rows) for original, synthetic in counts]
    place = differences.index(max(differences))
    original, synthetic = counts[place]
    parts = []
    for name, labels in zip(reversed(table["columns"]), reversed(table["bins"]), strict=True):
        place, code = divmod(place, len(labels))
        parts.append(f"{name} {_bin(labels, code)}")
    cell = ", ".join(reversed(parts))
    if original_rows != synthetic_rows or original != int(original):
        shares = percent(original / original_rows), percent(synthetic / synthetic_rows)
        return f"{shares[0]} of the original and {shares[1]} of the synthetic rows with {cell}"
    return f"{original:,.0f} original and {synthetic:,} synthetic rows with {cell}"


def _bin(labels: Sequence[str], code: int) -> str:
    """Return what a code means. A bin of numbers or dates is named after its beginning; such bins are in order."""
    label, *after = labels[code : code + 2]
    if not label.startswith(FROM):
        return f"= {label}"
    if after and after[0].startswith(FROM):
        return f"from {label.removeprefix(FROM)} to below {after[0].removeprefix(FROM)}"
    return label
