"""Which rules the selected rows have to keep: all that leave enough pool rows to choose from."""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import numpy as np

MIN_CHOICE = 2.0  # pool rows per row to select; a rule that leaves fewer is dropped
MIN_SHARE = 0.5  # of the pool; a rule that the user has not given is dropped if it leaves less


class Enforced(NamedTuple):
    """The texts of the rules that hold in every eligible row, and the pool rows that break one of them: (n_rows,)."""

    rules: tuple[str, ...]
    breaking: np.ndarray


def enforce(
    broken: Mapping[str, np.ndarray], given: Collection[str], n_pool: int, n: int, *, warn: Callable[[str], None]
) -> Enforced:
    """Drop the rules, with a warning, that would leave too few pool rows to choose `n` from.

    broken: by the text of each rule, (n_pool,) bool, whether a pool row breaks it. given: the rules of the user. They
    come first, and then those that fewest rows break. So a rule that hardly any row keeps does no harm to the others.
    """
    numbers = {text: int(np.count_nonzero(rows)) for text, rows in broken.items()}
    breaking, dropped = np.zeros(n_pool, bool), set()
    for text in sorted(broken, key=lambda text: (text not in given, numbers[text])):
        left = n_pool - int(np.count_nonzero(breaking | broken[text]))
        least = MIN_CHOICE * n if text in given else max(MIN_CHOICE * n, MIN_SHARE * n_pool)
        if numbers[text] == 0 or left >= least:
            breaking |= broken[text]
        else:
            dropped.add(text)
            warn(
                f"the rule {text!r} is dropped: {n_pool - numbers[text]:,} of {n_pool:,} pool rows keep it, and "
                f"{left:,} keep the other rules too, too few to choose {n:,} from; make or bring a larger pool"
            )
    return Enforced(tuple(text for text in broken if text not in dropped), breaking)
