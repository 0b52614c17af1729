"""Text as classes that a generator can learn: the frequent values, and one class for all that are too rare to show."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pool.generator.made_up_text import TextMaker

MIN_FREQUENT_ROWS = 8  # a generator shows values of at least 5 to 7 rows
UNTOUCHED = 10  # the most frequent values: their shares stay as they are, because others take the place of rare ones

_RARE = "rare"


@dataclass(frozen=True)
class TextCodec:
    """The classes of a column of text.

    frequent: values by falling frequency. rows: (n_frequent,) their training rows. maker: makes up rare values; None if
    there are none. replaced: frequent values take the place of the rare ones, and nothing is made up.
    """

    frequent: tuple[str, ...]
    rows: np.ndarray
    maker: TextMaker | None
    replaced: bool
    kind: str = "category"

    @classmethod
    def of(cls, known: pd.Series, *, replaced: bool) -> "TextCodec":
        """Find the classes of values, none of which is missing."""
        texts = known.astype(object)
        counts = texts.value_counts().sort_index(kind="stable").sort_values(ascending=False, kind="stable")
        frequent = counts[counts >= MIN_FREQUENT_ROWS]
        rare = texts[~texts.isin(frequent.index)]
        maker = TextMaker(tuple(rare)) if len(rare) else None
        return cls(tuple(frequent.index), frequent.to_numpy(), maker, replaced)

    def encode(self, values: pd.Series) -> pd.Series:
        """Return the label of the class of each value; missing values stay missing."""
        labels = {value: f"v{number}" for number, value in enumerate(self.frequent)}
        coded = values.astype(object).map(labels)
        return coded.mask(coded.isna() & values.notna().to_numpy(), _RARE).astype("str")

    def decode(self, coded: pd.Series, rng: np.random.Generator) -> pd.Series:
        """Return values of these classes. Any class that the generator does not show counts as rare."""
        meanings = {f"v{number}": value for number, value in enumerate(self.frequent)}
        values = np.array([meanings.get(label) for label in coded], dtype=object)
        rare = np.flatnonzero(coded.notna().to_numpy() & pd.isna(values))
        values[rare] = self._in_place_of_rare(len(rare), rng)
        return pd.Series(values, dtype=object)

    def _in_place_of_rare(self, number: int, rng: np.random.Generator) -> np.ndarray | list[str]:
        if self.maker is not None and not (self.replaced and self.frequent):
            return self.maker.make(number, rng)
        rows = np.where(np.arange(len(self.rows)) < UNTOUCHED, 0, self.rows)
        rows = rows if rows.any() else self.rows
        return np.array(self.frequent, dtype=object)[rng.choice(len(rows), number, p=rows / rows.sum())]
