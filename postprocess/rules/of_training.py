"""The rules of a run: those that the user gives, and those that are found in the training data."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from postprocess.rules.find import find_rules
from postprocess.rules.given import parse_rules
from postprocess.rules.rule import Rules, in_repair_order

MAX_LOGGED = 20  # rules; the summary has all


def rules_of_training(
    frame: pd.DataFrame,
    given: Sequence[str],
    *,
    find: bool,
    log: Callable[[str], None],
    warn: Callable[[str], None],
) -> Rules:
    """Return the given rules and, with `find`, those found in the frame of training rows, in the order of repair.

    The log lists the rules found. A given rule that training rows break is warned of.

    Raises InputError if a given rule cannot be used.
    """
    from_user = parse_rules(given, frame)
    for rule in from_user:
        if broken := int(np.count_nonzero(~rule.holds(frame))):
            warn(f"rule {rule.text!r}: {broken:,} of {len(frame):,} training rows break it; no row of the result will")
    found = [each for each in (find_rules(frame) if find else ()) if each.text not in given]
    for each in found[:MAX_LOGGED]:
        log(f"rule found: {each.text}")
    if len(found) > MAX_LOGGED:
        log(f"rules found: {len(found) - MAX_LOGGED:,} more, see the summary")
    return Rules(in_repair_order((*from_user, *found)))
