"""What to say of a name that does not exist."""

import difflib
from collections.abc import Collection


def closest(name: str, names: Collection[str]) -> str | None:
    """Return the name that was probably meant, whatever its case and its blanks; None if none is alike."""
    by_folded = {known.casefold().strip(): known for known in names}
    like = difflib.get_close_matches(name.casefold().strip(), by_folded, n=1)
    return by_folded[like[0]] if like else None


def question(name: str, names: Collection[str]) -> str:
    """Return `; is 'zip' meant?` for the end of a message; nothing if no name is alike."""
    like = closest(name, names)
    return "" if like is None else f"; is {like!r} meant?"
