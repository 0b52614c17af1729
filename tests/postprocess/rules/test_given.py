"""Rules that the user gives: their repairs, and what is said of those that cannot be used."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postprocess.rules.given import Given, parse_rules
from postprocess.runtime.exits import InputError
from tests.postprocess.rules.frames import check_rule, column, few_examples, frames, typed

REPAIRED = [
    ("decimal == whole / 3", "decimal"),
    ("whole * 2.6 == decimal", "decimal"),
    ("whole == decimal * 3", "whole"),
    ("whole == other", "whole"),
    ("flag == (whole > 1)", "flag"),
    ("name == name2.str[0]", "name"),
    ("'a' == name", "name"),
    ("day == day2.dt.date", "day"),
    ("day == '2024-05-05'", "day"),
    ("decimal == 2", "decimal"),
]


@few_examples
@given(frames(), frames(), st.sampled_from(REPAIRED))
def test_a_repaired_row_keeps_the_rule(frame, other, case):
    text, repaired = case
    for new, name in (("other", "whole"), ("name2", "name"), ("day2", "day")):
        frame[new] = other[name].reindex(frame.index)
    rule = Given(text, (("whole", 0), ("decimal", 2), ("other", 0)), repaired)
    result = check_rule(rule, frame)
    # a number that whole numbers of 64 bits cannot hold is not written
    assert (rule.holds(result) | (frame["whole"].abs() > 2**50).fillna(False).to_numpy()).all()
    pd.testing.assert_series_equal(result[repaired].isna(), frame[repaired].isna())


FRAME = typed(
    {
        "whole": [2, 5, None, -3],
        "decimal": [0.25, 2.5, 1.0, None],
        "flag": [True, False, None, True],
        "day": ["2024-01-31", None, "2023-12-24 18:30", "2024-02-29"],
        "name": ["abc", " Ab", None, ""],
    }
).assign(**{"Dep time": column([1, 2, 3, 4], "Int64")})


@pytest.mark.parametrize(
    ("text", "repaired", "columns"),
    [
        ("decimal == whole * 2", "decimal", ("decimal", "whole")),
        ("whole * 2 == decimal", "decimal", ("whole", "decimal")),
        ("whole == `Dep time`", "whole", ("whole", "Dep time")),
        ("whole == whole * `Dep time`", None, ("whole", "Dep time")),
        ("whole <= decimal * 100", None, ("whole", "decimal")),
        ("flag or whole == `Dep time`", None, ("flag", "whole", "Dep time")),
    ],
)
def test_what_a_rule_repairs(text, repaired, columns):
    (rule,) = parse_rules([text], FRAME)
    assert (rule.repaired, rule.columns) == (repaired, columns)


def test_numbers_get_the_decimals_of_the_training_data():
    (rule,) = parse_rules(["decimal == whole / 7"], typed({"decimal": [0.14, 0.3], "whole": [1, 2]}))
    frame = typed({"decimal": [0.29, 0.0, None], "whole": [2, 2, 2]})
    assert rule.holds(frame).tolist() == [True, False, True]
    assert rule.repair(frame)["decimal"].fillna(-1).tolist() == [0.29, 0.29, -1]


def test_each_rule_once_and_as_it_is_written():
    rules = parse_rules([" whole  > 1", " whole  > 1", "`Dep time` > 0"], FRAME)
    assert [rule.text for rule in rules] == ["whole  > 1", "`Dep time` > 0"]
    assert parse_rules([], FRAME) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hole > 1", "'hole' is not a column of the training data; is 'whole' meant?"),
        ("`Dep tim` > 1", "is 'Dep time' meant?"),
        ("whole >", "not an expression; write a comparison"),
        ("whole + 1", "a computed number gives a number, not true or false for each row"),
        ("whole", "'whole' gives a number, not true or false"),
        ("True", "True is the same for all rows"),
        ("1 < 2", "are the same for all rows; compare a column"),
        ("flag and True", "and True is the same for all rows"),
        ("whole > 'a'", "'whole' is a number and 'a' is a text, which cannot be compared; leave out the quotes"),
        ("name > 1", "'name' is a text and 1 is a number, which cannot be compared"),
        ("flag == 1", "'flag' is true or false and 1 is a number"),
        ("flag < True", "has no order"),
        ("day == whole", "'day' is a date and 'whole' is a number"),
        ("day > 'monday'", "'monday' is not a date; write it as in '2024-12-31'"),
        ("name + 'a' == 'b'", "arithmetic needs a number, and 'name' is a text"),
        ("day - day > 1", "arithmetic needs a number"),
        ("whole > 1 & whole < 3", "join comparisons in parentheses"),
        ("whole ** 1000 > 1", "after **, only a number from -10 to 10"),
        ("9 ** 9 ** 9 > whole", "after **"),
        ("whole ** whole > 1", "after **"),
        ("whole > 1e999", "too large"),
        ("whole > 99999999999999999999", "too large"),
        ("whole == None", "write x.isna()"),
        ("whole is None", "'is' is not allowed"),
        ("whole in decimal", "a list of values"),
        ("whole in [name]", "'name' is not the same for all rows"),
        ("whole in [1] == flag", "a list is only allowed after in"),
        ("1 in [1]", "the same for all rows"),
        ("name.str.len", "name.str.len is not allowed"),
        ("name.str.contains('a', regex=True)", "not allowed"),
        ("name.str.contains(name)", "not the same for all rows"),
        ("name.str.match('a')", ".str.match() is not allowed"),
        ("name.str[99999999] == 'a'", "is not a whole number up to 10,000"),
        ("name.str[0:2:1] == 'a'", "two numbers"),
        ("whole.str.len() > 1", ".str needs a text, and 'whole' is a number"),
        ("name.dt.year > 1", ".dt needs a date"),
        ("day.dt.week > 1", ".dt.week is not allowed"),
        ("whole.round(99) > 1", "is not a whole number up to 15"),
        ("whole.sum() > 1", ".sum() is not allowed"),
        ("whole.values > 1", "whole.values is not allowed"),
        ("whole.__class__ == 1", "not allowed"),
        ("abs(whole) > 1", "abs(whole) is not allowed; allowed are"),
        ("__import__('os').system('true') == 0", "not allowed"),
        ("(lambda: 1)() == whole", "not allowed"),
        ("f'{whole}' == name", "not allowed"),
        ("[w for w in whole]", "not allowed"),
        ("name == b'a'", "not allowed"),
        ("whole > 1 if flag else flag", "not allowed"),
        ("whole > 100 and decimal > 100", "false in all rows of the training data"),
        ("'\x1b' + '\x85' > whole", "not one line"),
        (3, "not a text"),
    ],
)
def test_refusals_are_one_line(text, message):
    frame = FRAME[:2] if "false in all" in message else FRAME
    with pytest.raises(InputError) as error:
        parse_rules([text], frame)
    assert message in str(error.value)
    assert str(error.value).startswith(f"rules={text!r}: ")
    assert len(str(error.value).splitlines()) == 1


def test_a_text_is_no_list():
    with pytest.raises(InputError, match=r"^rules='whole > 1': not a list"):
        parse_rules("whole > 1", FRAME)


def test_long_rules_are_shortened_in_messages():
    with pytest.raises(InputError, match=r"^rules='x{79}\.\.\.: longer"):
        parse_rules(["x" * 5000], FRAME)


COLUMNS = ("whole", "decimal", "flag", "day", "name", "`Dep time`")
LITERALS = ("1", "2.5", "'a'", "'2024-01-01'", "True", "None", "[1, 2]")
METHODS = (".str", ".dt", ".len()", ".isna()", ".isin([1, 2])", ".between(1, 2)", ".abs()", ".year", ".str[0]")
OPERATIONS = ("+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", ">=", "in", "not", "and", "or", "&", "|", "~")
PARTS = st.sampled_from((*COLUMNS, *LITERALS, *METHODS, *OPERATIONS, "(", ")", "[", "]", ",", ".", "lambda:"))


@given(st.lists(PARTS, max_size=12))
def test_any_text_is_a_rule_or_refused(parts):
    try:
        (rule,) = parse_rules([" ".join(parts)], FRAME)
    except InputError as error:
        assert len(str(error).splitlines()) == 1
    else:
        check_rule(rule, FRAME)
