import numpy as np
import pandas as pd
import pytest

from postprocess.rules.of_training import MAX_LOGGED, rules_of_training

DRAW = np.random.default_rng(1)
CODE = DRAW.integers(0, 8, 500)
FRAME = pd.DataFrame(
    {"code": pd.Series(CODE, dtype="Int64"), "name": pd.Series([f"n{code}" for code in CODE], dtype="str")}
)


def test_given_rules_stand_before_those_found():
    lines = []
    rules = rules_of_training(FRAME, ("code >= 0",), find=True, log=lines.append, warn=pytest.fail)
    assert set(rules.texts) == {"code >= 0", "code <-> name"}
    assert lines == ["rule found: code <-> name"]
    assert rules_of_training(FRAME, (), find=False, log=pytest.fail, warn=pytest.fail).texts == ()


def test_a_given_rule_that_training_rows_break_is_warned_of():
    warnings = []
    rules_of_training(FRAME, ("code > 0",), find=False, log=pytest.fail, warn=warnings.append)
    (warning,) = warnings
    assert f"{np.count_nonzero(CODE == 0)} of 500 training rows break it" in warning


def test_the_log_lists_only_the_first_rules():
    many = pd.concat([FRAME.add_suffix(f"_{number}") for number in range(MAX_LOGGED + 5)], axis=1)
    lines = []
    found = rules_of_training(many, (), find=True, log=lines.append, warn=pytest.fail)
    assert len(lines) == MAX_LOGGED + 1
    assert lines[-1].startswith(f"rules found: {len(found) - MAX_LOGGED} more")
