"""Parameters in place of those that a program holds: NAME=VALUE on a command line."""

import ast
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from postprocess.runtime.exits import InputError


def parse_setting(text: str) -> tuple[str, Any]:
    """Return the name and the value of a text NAME=VALUE. The value is as in Python; any other value is a text.

    Raises InputError if the text has another form.
    """
    name, mark, value = text.partition("=")
    if not mark or not name.strip():
        raise InputError(f"--set {text}: give NAME=VALUE, as in --set sample_size=10")
    try:
        return name.strip(), ast.literal_eval(value.strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return name.strip(), value.strip()  # a parameter that is no text refuses it by name


def with_settings(parameters: Sequence[Any], settings: Mapping[str, object]) -> tuple[Any, ...]:
    """Return the parameters, each a dataclass, with some values replaced. A name that several have counts for all.

    Raises InputError if a name is unknown or a value is not allowed.
    """
    names = [{field.name for field in fields(each)} for each in parameters]
    every = sorted(set().union(*names))
    for name in settings:
        if name not in every:
            like = difflib.get_close_matches(name, every, n=1, cutoff=0)
            raise InputError(f"there is no parameter {name!r}; the closest one is {like[0]!r}")
    try:
        return tuple(
            replace(each, **{name: value for name, value in settings.items() if name in known})
            for each, known in zip(parameters, names, strict=True)
        )
    except ValueError as error:  # one line that names the parameter, its value and what is allowed
        raise InputError(str(error)) from None
    except OverflowError as error:
        raise InputError(f"{', '.join(settings)}: a number is too large ({error})") from None


def plain(value: Any) -> Any:
    """Return a value with NumPy's numbers, alone or in a mapping, as those of Python."""
    if isinstance(value, Mapping):
        return {plain(key): plain(each) for key, each in value.items()}
    return value.item() if isinstance(value, np.generic) else value
