import numpy as np
import pytest

from postprocess.selection.row_rules import enforce


def broken(*numbers, of=100):
    return {f"rule {place}": np.arange(of) < number for place, number in enumerate(numbers)}


def test_rules_that_leave_enough_rows_are_kept():
    enforced = enforce(broken(0, 10, 40), (), 100, 10, warn=pytest.fail)
    assert enforced.rules == ("rule 0", "rule 1", "rule 2")
    assert np.count_nonzero(enforced.breaking) == 40


def test_a_rule_that_few_rows_keep_is_dropped_with_a_warning_and_its_count():
    warnings = []
    enforced = enforce(broken(90, 10), (), 100, 10, warn=warnings.append)
    assert enforced.rules == ("rule 1",) and np.count_nonzero(enforced.breaking) == 10
    (warning,) = warnings
    assert "'rule 0' is dropped: 10 of 100 pool rows keep it" in warning


def test_a_given_rule_may_leave_less_of_the_pool_than_one_that_was_found():
    assert enforce(broken(60), (), 100, 10, warn=lambda text: None).rules == ()
    assert enforce(broken(60), ("rule 0",), 100, 10, warn=pytest.fail).rules == ("rule 0",)
    assert enforce(broken(85), ("rule 0",), 100, 10, warn=lambda text: None).rules == ()


def test_a_rule_that_no_row_breaks_is_kept_in_any_pool():
    assert enforce(broken(0, of=10), (), 10, 10, warn=pytest.fail).rules == ("rule 0",)
