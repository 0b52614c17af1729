"""Whether the result keeps away from single training rows as well as real rows do, and what to do if it does not."""

from collections.abc import Mapping
from math import sqrt

from postprocess.report.privacy_figures import NOT_MET, privacy_rows
from postprocess.report.sentences import percent

SIGMAS = 3  # standard errors by which a figure differs from chance
SMALL_GAIN = 0.6  # AUC of an attack, up to which it gains little


def not_kept(summary: Mapping) -> list[str]:
    """Return in which ways the result is closer to its training rows than it should be, each with what to do."""
    found = []
    if rows := summary.get("real_rows"):
        found.append(f"the result contains {rows:,} real rows: they equal training rows; unset allow_training_copies")
    if not summary.get("weighting"):  # weighted rows may lie closer together than those of the training data
        found += _near(summary.get("closest_training_row") or {})
    if attacks := summary.get("membership_attacks"):
        worst = worst_attack(attacks)
        if is_found(worst) and worst["auc"] > SMALL_GAIN:
            words = f"an attack tells training rows from unseen ones (AUC {worst['auc']:.2f}, 0.5 gives nothing away)"
            found.append(f"{words}; raise target_smoothing and privacy_filter")
    for row in privacy_rows(summary) if summary.get("privacy") else ():
        if row["met"] == NOT_MET:
            figure = f"{row['name']}: {row['mean'] or row['report']}, the limit is {row['limit']}"
            found.append(f"{figure}; raise privacy_filter, or bring a larger pool")
    return found


def worst_attack(attacks: Mapping) -> Mapping:
    """Return the figures of the attack that differs most from guessing."""
    return max((attack["all_rows"] for attack in attacks.values()), key=lambda found: abs(found["auc"] - 0.5))


def is_found(attack: Mapping) -> bool:
    """Return whether an attack finds more than chance."""
    return abs(attack["auc"] - 0.5) > SIGMAS * attack["error"]


def share_with_error(number: int, rows: int) -> str:
    """Return a number of rows as a share, with its standard error."""
    share = number / rows
    return f"{percent(share)} ± {percent(sqrt(share * (1 - share) / rows), sign='')}"


def _near(near: Mapping) -> list[str]:
    """Return what the distances to the closest training rows show, if they show more than chance."""
    if "training" not in near:
        return []
    words = {
        "identical": "fall into the same bins as a training row",
        "close": "are as close to a training row as the closest 1 % of the training rows are to each other",
    }
    result, real = near["result"], near["training"]
    found = [
        f"{percent(result[key] / result['rows'])} of the compared rows {text} (of the training rows: "
        f"{percent(real[key] / real['rows'])}); raise privacy_filter"
        for key, text in words.items()
        if key in result and _exceeds(result[key], result["rows"], real[key], real["rows"])
    ]
    return found[:1]  # equal rows are close as well


def _exceeds(number: int, rows: int, real_number: int, real_rows: int) -> bool:
    """Return whether a share is higher than that of real rows by more than chance."""
    both = (number + real_number) / (rows + real_rows)
    error = sqrt(both * (1 - both) * (1 / rows + 1 / real_rows))
    return number / rows - real_number / real_rows > SIGMAS * error
