"""What the page says first: whether the result is good, where it is weak, whether it looks real and is private."""

from collections.abc import Mapping, Sequence

from postprocess.report.privacy_checks import SMALL_GAIN, is_found, not_kept, worst_attack
from postprocess.report.privacy_figures import NOT_MET, privacy_rows
from postprocess.report.sentences import EQUAL_WITHIN, percent

ORDERS = {"columns": "univariate", "pairs": "bivariate", "triples": "trivariate"}
SIZES = {"columns": "one", "pairs": "two", "triples": "three"}  # how many columns the tables of an order have
MAX_LOST_COLUMNS = 3  # that are named
WEAK_BY = 0.01  # from so far below its limit on, a table is named as weak
AUC_WORDS = ((0.55, "cannot tell"), (0.65, "can hardly tell"), (0.8, "can often tell"), (1.0, "can tell"))
NEARLY = 0.03  # a score that is lower by no more is nearly as good

Sentence = tuple[str, str]  # what it is about, and what it says


def verdict(summary: Mapping) -> list[Sentence]:
    """Return what the figures of a summary mean, the most important first. What was not measured is left out."""
    found = [
        ("Tables", _tables(summary)),
        ("Weak", " ".join(filter(None, (_weakest(summary), _lost_values(summary))))),
        ("Rows", " ".join(filter(None, (_classifier(summary), rules_kept(summary))))),
        ("Use", _usefulness(summary)),
        ("Privacy", _privacy(summary)),
    ]
    return [(subject, words) for subject, words in found if words]


def rules_kept(summary: Mapping) -> str:
    """Return how many rules the result keeps; an empty text if there are none."""
    if not (rules := summary.get("rules")):
        return ""
    broken = sum(rule["result_broken"] > 0 for rule in rules)
    if broken:
        return f"{broken:,} of {_rule_count(rules)} broken by some rows."
    return f"All {_rule_count(rules)} kept." if len(rules) > 1 else "The rule is kept."


def mean_scores(summary: Mapping) -> list[tuple[str, int, dict[str, float]]]:
    """Return each measure of usefulness, its number of targets, and the mean scores by what was trained on."""
    targets = summary.get("usefulness", {}).get("targets", ())
    means = []
    for measure in dict.fromkeys(target["measure"] for target in targets):
        same = [target for target in targets if target["measure"] == measure]
        roles = [role for role in ("training", "result", "pool_sample") if all(role in target for target in same)]
        scores = {role: sum(target[role]["score"] for target in same) / len(same) for role in roles}
        means.append((measure, len(same), scores))
    return means


def _tables(summary: Mapping) -> str:
    accuracy, limit = summary["accuracy"]["refined"], summary["sampling_limit"]
    known = [order for order, key in ORDERS.items() if accuracy[key] is not None and limit[key] is not None]
    good = [order for order in known if accuracy[ORDERS[order]] >= limit[ORDERS[order]] - EQUAL_WITHIN]
    poor = [order for order in known if order not in good]
    figures = f"Overall accuracy is {percent(accuracy['overall'])}; a fresh sample of real rows reaches about"
    figures += f" {percent(limit['overall'])}"
    if sample := summary["accuracy"].get("pool_sample"):
        figures += f", and a random sample of the pool {percent(sample['overall'])}"
    if not poor:
        size = f"up to {SIZES[good[-1]]} columns" if len(good) > 1 else "one column"
        closeness = "they are at least as close to the training data as those of a fresh sample of real rows"
        return f"Good for tables of {size}: {closeness}. {figures}."
    lower = f"tables of {_columns(poor)} are less accurate than those of a fresh sample of real rows"
    return f"Good for tables of {_columns(good)}; {lower}. {figures}." if good else f"The {lower}. {figures}."


def _columns(orders: Sequence[str]) -> str:
    sizes = [SIZES[order] for order in orders]
    return f"{' and '.join(filter(None, (', '.join(sizes[:-1]), sizes[-1])))} column{'s' * (sizes != ['one'])}"


def _weakest(summary: Mapping) -> str:
    """Return the table that is farthest below its own limit, if any is far below, and how many are below."""
    tables = [table for of_order in summary["weakest"].values() for table in of_order]
    worst = max(tables, key=lambda table: table["sampling_limit"] - table["accuracy"], default=None)
    if worst is None or worst["sampling_limit"] - worst["accuracy"] < WEAK_BY:
        return ""
    below, number = (sum(order[key] for order in summary["tables"].values()) for key in ("below_limit", "number"))
    reached = f"{percent(worst['accuracy'], 1)}, where a fresh sample of real rows reaches"
    words = f"{' by '.join(worst['columns'])} is weakest ({reached} {percent(worst['sampling_limit'], 1)} on average)."
    return f"{words} {below:,} of {number:,} tables are less accurate than those of such a sample."


def _lost_values(summary: Mapping) -> str:
    """Return how many values of the training data the result lacks, in the columns that lack most."""
    profiles = [profile for profile in summary.get("profiles", ()) if profile.get("lost")]
    profiles.sort(key=lambda profile: -profile["lost"])
    found = [f"{each['lost']:,} of {each['training']['distinct']:,} in {each['column']}" for each in profiles]
    return f"Rare values that do not occur in the result: {', '.join(found[:MAX_LOST_COLUMNS])}." if found else ""


def _classifier(summary: Mapping) -> str:
    found = summary.get("realism", {}).get("classifier", {})
    auc, sample = (found.get(role, {}).get("auc") for role in ("result", "pool_sample"))
    if auc is None:
        return ""
    beside = "" if sample is None else f"; a random sample of the pool {sample:.2f}"
    words = f"A classifier {_telling(auc)} the rows from real ones (AUC {auc:.2f}, 0.5 is guessing{beside})."
    columns = [each["column"] for each in found["result"].get("columns", ())]
    return f"{words} {columns[0]} tells most." if columns else words


def _telling(auc: float) -> str:
    return next(words for limit, words in AUC_WORDS if auc <= limit)


def _rule_count(rules: Sequence) -> str:
    return f"{len(rules):,} rules are" if len(rules) > 1 else "1 rule is"


def _usefulness(summary: Mapping) -> str:
    if not (means := mean_scores(summary)):
        return ""
    near = all(scores["result"] >= scores["training"] - NEARLY for _, _, scores in means)
    found = []
    for measure, number, scores in means:
        beside = f" and {scores['pool_sample']:.2f} of a random sample of the pool" if "pool_sample" in scores else ""
        columns = f"over {number} column{'s' * (number != 1)}"
        found.append(f"mean {measure} {scores['result']:.2f} against {scores['training']:.2f}{beside}, {columns}")
    return (
        f"Models that are trained on the result predict real rows {'nearly as well as' if near else 'less well than'} "
        f"models of real rows: {'; '.join(found)}."
    )


def _privacy(summary: Mapping) -> str:
    reasons = [f"{reason[0].upper()}{reason[1:]}." for reason in not_kept(summary)]
    attacks, tested = summary.get("membership_attacks"), summary.get("privacy")
    found = ["Not kept.", *reasons] if reasons else []
    if not reasons and (attacks or tested):
        found.append("Kept, as far as it was measured.")
    if attacks:
        found += _attacks(worst_attack(attacks))
    if tested and (share := privacy_rows(summary)[0])["met"] != NOT_MET:
        found.append(
            f"{share['mean'] or share['report']} of the rows are closer to a training row than to an unseen one; the "
            f"limit is {share['limit']}, {share['met']}."
        )
    if not attacks and not tested:
        found += [
            *_copies(summary),
            "Whether the rows give away who was in the training data was not tested. Set real rows aside and run again "
            "with --holdout.",
        ]
    return " ".join(found)


def _attacks(worst: Mapping) -> list[str]:
    """Return what the attack that differs most from guessing finds, and what to do about it; nothing if it finds so
    much that privacy is not kept."""
    figures = f"(AUC {worst['auc']:.2f}, 0.5 gives nothing away)"
    if not is_found(worst):
        return [f"The attacks do not tell training rows from unseen ones {figures}."]
    if worst["auc"] < 0.5:
        return [f"The result keeps away from its training rows, which shows them {figures}. Lower privacy_filter."]
    if worst["auc"] <= SMALL_GAIN:
        return [f"An attack tells training rows from unseen ones a little {figures}. A higher target_smoothing helps."]
    return []


def _copies(summary: Mapping) -> list[str]:
    """Return how many rows of the result, and of a random sample of its pool, equal a training row in their bins."""
    near = summary.get("closest_training_row")
    if not near:
        return []
    result, sample = near["result"], near.get("pool_sample")
    beside = f"; of a random sample of the pool, {sample['identical']:,}" if sample else ""
    if not result["identical"]:
        words = "compared rows falls into the same bins as a training row in all columns"
        return [f"None of {result['rows']:,} {words}{beside}."]
    words = "compared rows fall into the same bins as a training row"
    return [f"{result['identical']:,} of {result['rows']:,} {words}{beside}."]
