"""Membership attacks: does a result tell which rows it was made from?

An attacker holds a result, real rows of the same population (the reference), and the rows of some people. Part of them
are members: the result was made from them. Part are controls, which had no part in it. Each attack gives each row a
score, the higher the more it looks like a member. The area under the ROC curve (AUC) is the chance that a member scores
higher than a control: 0.5 if the result gives nothing away. An AUC below 0.5 tells as much as one above it.

Two attacks fit a result whose tables are close to the original's:

- Table differences. The score of a row is the sum, over the cells of its tables of three columns, of (share in the
  result - share in the reference) / share in both. See Homer et al., 2008, "Resolving individuals contributing trace
  amounts of DNA to highly complex mixtures" (PLoS Genetics); Visscher and Hill, 2009, "The limits of individual
  identification from sample allele frequencies" (PLoS Genetics); Golob et al., 2024, MAMA-MIA (arXiv 2410.05506).
- Distance. The score of a row is minus its distance to the closest row of the result.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from scipy.stats import rankdata

from postprocess.privacy.nearest import dcr_to_training
from postprocess.runtime.threads import Workers
from postprocess.tables.counts import count_tables_starting_at
from postprocess.tables.crossing import KeyedRows
from postprocess.tables.layout import Layout

MAX_CANDIDATES = 5_000  # members, and controls, that are attacked: the standard error of an AUC is then below 0.006
OUTLYING_SHARE = 0.1  # of the rows attacked: those that lie farthest from all others
MAX_ORDER = 3  # columns of the tables that are compared
FALSE_POSITIVES = 0.01  # share of the controls that are taken for members, for the share of members found
MIN_CONTROLS = 2  # each is compared with the others
MIN_OUTLYING = 10  # members, and controls, in that tenth: with fewer, its figures say nothing


@dataclass(frozen=True)
class Advantage:
    """How well an attack tells members from controls.

    auc: chance that a member scores higher than a control; error: its standard error. found: share of members whose
    score is above those of all but FALSE_POSITIVES of the controls. members, controls: numbers of rows.
    """

    auc: float
    error: float
    found: float
    members: int
    controls: int


@dataclass(frozen=True)
class Attack:
    """An attack on all rows, and on those that lie farthest from all others; None if there are too few of them."""

    all_rows: Advantage
    outlying: Advantage | None

    def as_dict(self) -> dict[str, dict[str, float] | None]:
        """Return plain values, for JSON."""
        return asdict(self)


def attack(
    result: np.ndarray,
    training: np.ndarray,
    others: np.ndarray,
    n_codes: np.ndarray,
    *,
    rng: np.random.Generator,
    workers: Workers,
) -> dict[str, Attack]:
    """Attack a result with `tables` and with `distance`.

    result, training, others: (n_columns, n_rows) uint8 codes; others: real rows that had no part in the result, at
    least two. They are the reference, and the controls are drawn from them; a control is compared with the reference
    without itself. n_codes: (n_columns,) number of codes.
    """
    members = training[:, _drawn(rng, training.shape[1])]
    own = _drawn(rng, others.shape[1])
    controls = others[:, own]
    near = [
        dcr_to_training(rows, others, own_number=numbers, workers=workers, label="Finding outlying rows")
        for rows, numbers in ((members, None), (controls, own))
    ]
    outlying = _farthest(near, rng)
    scores = {
        "tables": table_differences(members, controls, result, others, n_codes, workers=workers),
        "distance": [
            -dcr_to_training(rows, result, workers=workers, label="Attack by distance").astype(np.float64)
            for rows in (members, controls)
        ],
    }
    return {
        name: Attack(
            advantage(*of_attack),
            advantage(*(values[far] for values, far in zip(of_attack, outlying, strict=True)))
            if min(map(np.count_nonzero, outlying)) >= MIN_OUTLYING
            else None,
        )
        for name, of_attack in scores.items()
    }


def table_differences(
    members: np.ndarray,
    controls: np.ndarray,
    result: np.ndarray,
    reference: np.ndarray,
    n_codes: np.ndarray,
    *,
    workers: Workers,
) -> list[np.ndarray]:
    """Return the scores of members and of controls by table differences.

    members, controls, result, reference: (n_columns, n_rows) uint8 codes. The controls are rows of the reference, and
    each is compared with the reference without itself. With fewer than three columns, the largest table decides.
    """
    layout = Layout(n_codes, len(n_codes), len(n_codes))
    counted = [KeyedRows(codes, layout) for codes in (result, reference)]
    candidates = [KeyedRows(codes, layout) for codes in (members, controls)]
    order_used, rows = min(MAX_ORDER, len(n_codes)), [result.shape[1], reference.shape[1]]

    def scores_from(i: int) -> list[np.ndarray]:
        sums = [np.zeros(rows.codes.shape[1]) for rows in candidates]
        for order, after, (found, known) in count_tables_starting_at(layout, i, counted):
            if order == order_used:
                for own, (some, total) in enumerate(zip(candidates, sums, strict=True)):
                    values = _relative_differences(found, known - own, rows[0], rows[1] - own)
                    first = (i, after)[: order - 1]
                    total += some.sums(values, first, len(n_codes)) if first else values[0, some.codes[i]]
        task.advance()
        return sums

    with workers.progress.task("Attack by tables", total=len(n_codes), unit="column") as task:
        parts = workers.map(scores_from, range(len(n_codes)))
    return [np.sum(scores, axis=0) for scores in zip(*parts, strict=True)]


def _relative_differences(found: np.ndarray, known: np.ndarray, n_found: int, n_known: int) -> np.ndarray:
    """Return (share in the result - share in the reference) / share in both, for each cell; 0 if the cell is empty."""
    together = np.maximum(found + known, 1)
    return ((found / n_found - known / n_known) * (n_found + n_known) / together).astype(np.float32)


def advantage(members: np.ndarray, controls: np.ndarray) -> Advantage:
    """Return how well scores tell members from controls; (n_members,) and (n_controls,) scores.

    The standard error is that of DeLong, DeLong and Clarke-Pearson, 1988, "Comparing the areas under two or more
    correlated receiver operating characteristic curves" (Biometrics).
    """
    m, c = len(members), len(controls)
    ranks = rankdata(np.concatenate([members, controls]))
    above = (ranks[:m] - rankdata(members)) / c  # for each member, the share of controls below it; ties count half
    below = 1 - (ranks[m:] - rankdata(controls)) / m
    error = np.sqrt(above.var(ddof=min(1, m - 1)) / m + below.var(ddof=min(1, c - 1)) / c)
    return Advantage(float(above.mean()), float(error), _found(members, controls), m, c)


def _found(members: np.ndarray, controls: np.ndarray) -> float:
    """Return the share of members that score above all but FALSE_POSITIVES of the controls.

    Members whose score equals that of the last such control count in part, by the share of ties that is still allowed.
    """
    allowed = FALSE_POSITIVES * len(controls)
    threshold = np.sort(controls)[::-1][int(allowed)]
    higher, equal = np.count_nonzero(controls > threshold), np.count_nonzero(controls == threshold)
    share = (allowed - higher) / equal
    return float(np.mean(members > threshold) + share * np.mean(members == threshold))


def _drawn(rng: np.random.Generator, n_rows: int) -> np.ndarray:
    return np.sort(rng.choice(n_rows, min(n_rows, MAX_CANDIDATES), replace=False))


def _farthest(distances: Sequence[np.ndarray], rng: np.random.Generator) -> list[np.ndarray]:
    """Return for members and controls (n_rows,) bool: the rows of the OUTLYING_SHARE with the largest distances."""
    together = np.concatenate(distances)
    order = np.lexsort([rng.random(len(together)), -together.astype(np.int64)])  # ties are broken at random
    farthest = np.zeros(len(together), dtype=bool)
    farthest[order[: round(OUTLYING_SHARE * len(together))]] = True
    return np.split(farthest, [len(distances[0])])
