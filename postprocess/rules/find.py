"""Finds the rules that hold in every row of the training data, as far as its rows support them beyond chance.

A rule is found if no training row breaks it, and if at least MIN_EXPECTED rows would break it if the columns were
independent, their values shuffled against each other. The chance that independent columns look like a rule is then
below e^-20, also over thousands of candidates. The modules of the kinds say what else each of them needs.
"""

import pandas as pd

from postprocess.rules.dependencies import Dependencies, find_dependencies
from postprocess.rules.determined import Determined
from postprocess.rules.missing_together import find_missing
from postprocess.rules.orders import find_orders
from postprocess.rules.rule import Rule, in_repair_order
from postprocess.rules.totals import Total, find_totals


def find_rules(frame: pd.DataFrame) -> tuple[Rule, ...]:
    """Return the rules that a frame of training rows supports, those with a repair first, in the order to apply them.

    frame: typed as `read_typed` returns it. Rules that follow from others are left out. Of columns that decide each
    other, the earlier one decides. The result depends on the frame alone.
    """
    if not frame.size:
        return ()
    dependencies = find_dependencies(frame)
    totals = find_totals(frame)
    one_key, two_keys = _determined(frame, dependencies, totals)
    decided = dependencies.pairs()
    orders = [order for order in find_orders(frame) if not {order.columns, (order.upper, order.lower)} & decided]
    return in_repair_order((*one_key, *totals, *two_keys, *orders, *find_missing(frame, decided)))


def _determined(
    frame: pd.DataFrame, dependencies: Dependencies, totals: tuple[Total, ...]
) -> tuple[list[Determined], list[Determined]]:
    """Return the rules with one key and those with two, in the order in which they take a repair for themselves.

    A rule whose keys stand before the determined column takes precedence, and then the one with fewer keys. A column
    that a total or one key decides has no rule with two keys, and others have one at most: each such rule takes the few
    rows away whose combination of keys is new, and the next one hardly says more. For the same reason, three columns
    make one rule at most. If two others decide each of them, each of the rules says that the three values occur
    together in the training data.
    """
    names = dependencies.names
    one_key = [
        Determined.learnt(frame, (names[twin],), names[column], both_ways=True)
        for column, twin in enumerate(dependencies.twins)
        if twin != column
    ]
    ordered = sorted(dependencies.needed, key=lambda each: (max(each.keys) > each.determined, each.n_keys))
    learnt = [
        Determined.learnt(frame, tuple(names[key] for key in each.keys), names[each.determined]) for each in ordered
    ]
    one_key += [rule for rule in learnt if len(rule.key_columns) == 1]
    decided = {rule.determined for rule in one_key} | {total.total for total in totals}
    said = [frozenset(total.columns) for total in totals]
    two_keys = []
    for rule in learnt:
        columns = frozenset(rule.columns)
        if len(rule.key_columns) == 2 and rule.determined not in decided and columns not in said:
            two_keys.append(rule)
            decided.add(rule.determined)
            said.append(columns)
    return one_key, two_keys
