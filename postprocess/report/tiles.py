"""The page's tiles: the figures that answer most, large, each with a few words."""

from collections.abc import Mapping
from dataclasses import dataclass

from postprocess.report.privacy_figures import NOT_MET, privacy_rows
from postprocess.report.sentences import percent
from postprocess.report.verdict import mean_scores
from postprocess.runtime.progress import format_seconds


@dataclass(frozen=True)
class Tile:
    """A figure, its title, and what it is compared with. bad: whether it needs attention."""

    title: str
    figure: str
    words: str
    bad: bool = False


def tiles(summary: Mapping) -> list[Tile]:
    """Return the tiles of a summary. A tile without figures is left out."""
    found = [_accuracy(summary), _realism(summary), _rules(summary), _usefulness(summary), _privacy(summary)]
    return [tile for tile in [*found, _time(summary)] if tile is not None]


def _accuracy(summary: Mapping) -> Tile:
    others = [f"{percent(summary['sampling_limit']['overall'])} is what a fresh sample of real rows reaches"]
    if sample := summary["accuracy"].get("pool_sample"):
        others.append(f"{percent(sample['overall'])} a random sample of the pool")
    return Tile("Accuracy", percent(summary["accuracy"]["refined"]["overall"]), "; ".join(others))


def _realism(summary: Mapping) -> Tile | None:
    found = summary.get("realism", {}).get("classifier", {})
    auc, sample = (found.get(role, {}).get("auc") for role in ("result", "pool_sample"))
    if auc is None:
        return None
    words = "AUC of a classifier that looks for made-up rows; 0.5, which is guessing, is best"
    return Tile("Realism", f"{auc:.2f}", words if sample is None else f"{words}; {sample:.2f} for a sample of the pool")


def _rules(summary: Mapping) -> Tile | None:
    if not (rules := summary.get("rules")):
        return None
    in_result, in_pool = (sum(not rule[key] for rule in rules) for key in ("result_broken", "pool_broken"))
    words = f"hold in all rows of the result; before the selection, {in_pool:,} held in all rows of the pool"
    return Tile("Rules kept", f"{in_result:,} of {len(rules):,}", words, bad=in_result < len(rules))


def _usefulness(summary: Mapping) -> Tile | None:
    if not (means := mean_scores(summary)):
        return None
    (measure, _, scores), *others = means
    words = f"mean {measure} of models that are trained on the result; {scores['training']:.2f} if on real rows"
    for other, _, its in others:
        words += f". Mean {other} {its['result']:.2f}; {its['training']:.2f} if on real rows"
    return Tile("Usefulness", f"{scores['result']:.2f}", words)


def _privacy(summary: Mapping) -> Tile | None:
    if attacks := summary.get("membership_attacks"):
        aucs = [attack["all_rows"]["auc"] for attack in attacks.values()]
        words = "AUC of the attack that tells training rows from unseen ones best; the aim is 0.5"
        return Tile("Privacy", f"{max(aucs, key=lambda auc: abs(auc - 0.5)):.2f}", words)
    if summary.get("privacy"):
        share = privacy_rows(summary)[0]
        words = (
            f"of the rows are closer to a training row than to an unseen one; limit {share['limit']}, {share['met']}"
        )
        return Tile("Privacy", share["mean"] or share["report"], words, bad=share["met"] == NOT_MET)
    if near := summary.get("closest_training_row", {}).get("result"):
        words = f"of {near['rows']:,} compared rows fall into the same bins as a training row"
        return Tile("Copies", f"{near['identical']:,}", words)
    return None


def _time(summary: Mapping) -> Tile | None:
    if not summary.get("seconds"):
        return None
    memory = summary.get("peak_memory_bytes")
    words = f"for the whole run, with at most {memory / 1e9:.2f} GB of memory" if memory else "for the whole run"
    return Tile("Time", format_seconds(summary["seconds"]), words)
