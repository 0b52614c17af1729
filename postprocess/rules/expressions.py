"""The text of a rule that the user gives, and the expression that it stands for.

The text is parsed, never executed. Names of columns may stand in backticks, as in pandas.
"""

import ast
import warnings
from dataclasses import dataclass
from functools import lru_cache

MAX_LENGTH, MAX_DEPTH = 1000, 100  # of a text in characters, of an expression in nested parts
KEPT_EXPRESSIONS = 256
COLUMN_PREFIX = "column"


class RuleError(ValueError):
    """What is wrong with a rule, and what to do: the end of a line that names the rule."""


@dataclass(frozen=True)
class Expression:
    """A parsed expression. columns: what its identifiers stand for, if not for columns of the same names."""

    tree: ast.expr
    columns: dict[str, str]

    def column(self, node: ast.expr) -> str | None:
        """Return the column that a part is; None if it is more than a column."""
        return self.columns.get(node.id, node.id) if isinstance(node, ast.Name) else None

    def columns_of(self, node: ast.expr) -> tuple[str, ...]:
        """Return the columns in a part of the expression, from left to right, each once."""
        names = [part for part in ast.walk(node) if isinstance(part, ast.Name)]
        names.sort(key=lambda name: (name.lineno, name.col_offset))
        return tuple(dict.fromkeys(self.columns.get(name.id, name.id) for name in names))


@lru_cache(KEPT_EXPRESSIONS)
def parse(text: str) -> Expression:
    """Return the expression of a text. Blanks and line ends around it do not count.

    Raises RuleError if the text is no expression, or if it is too long or too deep.
    """
    text = text.strip()  # an error may show the end of the text, and has one line
    if len(text) > MAX_LENGTH:
        raise RuleError(f"longer than {MAX_LENGTH:,} characters; divide it into several rules")
    if len(text.splitlines()) != 1:
        raise RuleError("not one line of text; write one line for each rule, such as 'price >= amount'")
    code, columns = _with_identifiers(text)
    try:
        with warnings.catch_warnings(action="ignore"):  # such as of a backslash in a text
            tree = ast.parse(code, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise RuleError(
            "not an expression; write a comparison such as price >= amount, put texts in quotes, and put names of "
            "columns that are more than letters, digits and underscores in backticks"
        ) from None
    if _depth(tree) > MAX_DEPTH:
        raise RuleError(f"more than {MAX_DEPTH} parts within parts; divide it into several rules")
    return Expression(tree, columns)


def _with_identifiers(text: str) -> tuple[str, dict[str, str]]:
    """Return the text with an identifier for each name in backticks, and what the identifiers stand for."""
    prefix = COLUMN_PREFIX
    while prefix in text:
        prefix += "_"
    pieces: list[str] = []
    columns: dict[str, str] = {}
    place = 0
    while place < len(text):
        mark = text[place]
        end = _end(text, place) if mark in "'\"`" else place + 1
        piece = text[place:end]
        if mark == "`":
            identifier = f"{prefix}{len(columns)}"
            columns[identifier] = piece[1:-1]
            piece = f" {identifier} "
        pieces.append(piece)
        place = end
    return "".join(pieces).strip(), columns


def _end(text: str, start: int) -> int:
    """Return the place after a quoted text or name that starts with a mark.

    Raises RuleError if the mark at the end is lacking.
    """
    place = start + 1
    while place < len(text):
        if text[place] == text[start]:
            return place + 1
        place += 2 if text[place] == "\\" and text[start] != "`" else 1
    what = "name" if text[start] == "`" else "text"
    raise RuleError(f"the {what} that begins with {text[start : start + 20]} has no end; close it with {text[start]}")


def _depth(tree: ast.expr) -> int:
    """Return how many parts lie within each other at most."""
    depth, parts = 0, list[ast.AST]([tree])
    while parts:
        depth += 1
        parts = [child for part in parts for child in ast.iter_child_nodes(part)]
    return depth
