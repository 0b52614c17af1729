"""Texts of rules, and the expressions that they stand for."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postprocess.rules.expressions import RuleError, parse


def test_backticks_name_columns():
    expression = parse("`Dep time` + b > `it's` and column0 == '`no` name' or b == \"\\\"`\"")
    assert expression.columns_of(expression.tree) == ("Dep time", "b", "it's", "column0")


def test_blanks_around_a_text_do_not_count():
    assert ast.dump(parse("  a > 1 \n").tree) == ast.dump(parse("a > 1").tree)


def test_a_lone_column():
    expression = parse("`a b` == c + 1")
    assert isinstance(expression.tree, ast.Compare)
    assert expression.column(expression.tree.left) == "a b"
    assert expression.column(expression.tree.comparators[0]) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a >", "not an expression"),
        ("a = 1", "not an expression"),
        ("", "not one line"),
        (" ", "not one line"),
        ("a >\n1", "not one line"),
        ("`a > 1", "the name that begins with `a > 1 has no end"),
        ("`a\r", "the name that begins with `a has no end"),
        ("a == 'b", "the text that begins with 'b has no end"),
        ("a" * 1001, "longer than 1,000 characters"),
        ("(" * 400 + "a" + ")" * 400, "not an expression"),
        ("not " * 240 + "a", "more than 100 parts within parts"),
        ("-" * 900 + "a", "more than 100 parts within parts"),
        ("a" + "+a" * 400, "more than 100 parts within parts"),
        ("a\0", "not an expression"),
    ],
)
def test_texts_that_are_no_expression(text, message):
    with pytest.raises(RuleError, match=message):
        parse(text)


@given(st.text(max_size=40) | st.text("()[]'\"`ab.+-*~ \\1,:=<", max_size=1100))
def test_no_text_is_too_odd(text):
    try:
        parse(text)
    except RuleError as error:
        assert len(str(error).splitlines()) == 1
