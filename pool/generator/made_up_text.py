"""New text in the shape of text that is too rare to be shown.

A value is cut into tokens: words, numbers and the characters between them. A made-up value has the sequence of tokens
of a rare one, but its words are drawn anew from the words that many values have, and its digits from the digits of
other values. So it has the look of the original's values and says nothing of any of them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

MIN_WORD_ROWS = 10  # a word of fewer values is not shown
MAX_TRIES = 10  # for a value that no training row has
MAX_TOKENS = 200  # of a made-up value; longer text is cut

Look = tuple[str, int]

_TOKEN = re.compile(r"[^\W\d_]+|\d+|[\W_]+")


@dataclass(frozen=True)
class TextMaker:
    """Makes up values like the given ones. values: the rare values of a column, one for each row."""

    values: tuple[str, ...]

    def make(self, number: int, rng: np.random.Generator) -> list[str]:
        """Return that many made-up values. A value that equals a real one is made again, at most MAX_TRIES times."""
        shapes = rng.integers(len(self.values), size=number).tolist()
        made = [self._like(self.values[shape], rng) for shape in shapes]
        for _ in range(MAX_TRIES):
            real = [place for place, text in enumerate(made) if text in self._real]
            if not real:
                break
            for place in real:
                made[place] = self._like(self.values[shapes[place]], rng)
        return made

    def _like(self, value: str, rng: np.random.Generator) -> str:
        tokens = _TOKEN.findall(value)[:MAX_TOKENS]
        return "".join(self._token(token, place, rng) for place, token in enumerate(tokens))

    def _token(self, token: str, place: int, rng: np.random.Generator) -> str:
        kind = _kind(token)
        if kind == "9":
            return "".join(self._character(("9", len(token), at), rng) for at in range(len(token)))
        if not kind:
            return token if self._word_rows[token] >= MIN_WORD_ROWS or not token.strip() else token[0]
        look = _look(token)
        words = self._words.get((look, place)) or self._words.get((look, None))
        if words:
            return words[int(rng.integers(len(words)))]
        return "".join(self._character((kind, len(token), at), rng) for at in range(len(token)))

    def _character(self, key: tuple[str, int, int], rng: np.random.Generator) -> str:
        characters = self._characters[key]
        return characters[int(rng.integers(len(characters)))]

    @cached_property
    def _real(self) -> frozenset[str]:
        return frozenset(self.values)

    @cached_property
    def _word_rows(self) -> Counter[str]:
        return Counter(token for value in self.values for token in set(_TOKEN.findall(value)))

    @cached_property
    def _words(self) -> dict[tuple[Look, int | None], list[str]]:
        """The words to show, as often as they occur, by their look and by their place (None: any)."""
        words: defaultdict[tuple[Look, int | None], list[str]] = defaultdict(list)
        for value in self.values:
            for place, token in enumerate(_TOKEN.findall(value)[:MAX_TOKENS]):
                if token[0].isalpha() and self._word_rows[token] >= MIN_WORD_ROWS:
                    words[_look(token), place].append(token)
                    words[_look(token), None].append(token)
        return dict(words)

    @cached_property
    def _characters(self) -> dict[tuple[str, int, int], Sequence[str]]:
        """The characters of words and numbers, by kind, length and place within the token."""
        characters: defaultdict[tuple[str, int, int], list[str]] = defaultdict(list)
        for value in self.values:
            for token in _TOKEN.findall(value):
                kind = _kind(token)
                for at, character in enumerate(token if kind else ""):
                    characters[kind, len(token), at].append(character)
        return dict(characters)


def _look(word: str) -> Look:
    """Return the kind of a word, and its length if it is in upper case, as in codes. Names may be longer or shorter."""
    kind = _kind(word)
    return kind, len(word) if kind == "A" else 0


def _kind(token: str) -> str:
    """Return 9 for a number, a, Aa or A for a word in lower, mixed or upper case, and nothing for other tokens."""
    if token[0].isdecimal():
        return "9"
    if not token[0].isalpha():
        return ""
    return "A" if token.isupper() else "a" if token.islower() else "Aa"
