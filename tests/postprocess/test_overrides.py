from dataclasses import dataclass

import pytest

from postprocess.overrides import parse_setting, with_settings
from postprocess.runtime.exits import InputError


@dataclass(frozen=True)
class Pool:
    size: float = 2.0
    seed: int = 1

    def __post_init__(self):
        if self.size < 1:
            raise ValueError(f"size={self.size!r}: must be a number of at least 1")


@dataclass(frozen=True)
class Choice:
    names: tuple = ()
    seed: int = 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("size=3", ("size", 3)),
        ("size = 3.5", ("size", 3.5)),
        ("names=('a', 'b')", ("names", ("a", "b"))),
        ("shares={'x': {'yes': 0.3}}", ("shares", {"x": {"yes": 0.3}})),
        ("model=MOSTLY_AI/Small", ("model", "MOSTLY_AI/Small")),
        ("name=a=b", ("name", "a=b")),
        ("nothing=None", ("nothing", None)),
    ],
)
def test_a_value_is_read_as_in_python(text, expected):
    assert parse_setting(text) == expected


@pytest.mark.parametrize("text", ["size", "=3", ""])
def test_a_setting_without_name_or_value_is_refused(text):
    with pytest.raises(InputError, match="give NAME=VALUE"):
        parse_setting(text)


def test_a_name_counts_for_all_that_have_it():
    assert with_settings([Pool(), Choice()], {"seed": 7, "size": 4}) == (Pool(4, 7), Choice((), 7))


def test_a_misspelt_name_is_answered_with_the_closest_one():
    with pytest.raises(InputError, match=r"^there is no parameter 'sede'; the closest one is 'seed'$"):
        with_settings([Pool(), Choice()], {"sede": 7})


def test_a_value_that_is_not_allowed_is_refused_as_the_parameters_refuse_it():
    with pytest.raises(InputError, match=r"^size=0: must be a number of at least 1$"):
        with_settings([Pool()], {"size": 0})
