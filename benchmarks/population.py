"""A made-up population of mixed columns that depend on a few latent factors, and perturbed copies of it.

Every column of a row starts as a standard normal score: a weighted sum of the factors and their products, plus noise of
its own. The products make three columns depend on each other beyond what their pairs show. Each column then turns its
score into an amount, a count, a category or a date. Whether a value is missing depends on another column's score.
"""

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
from scipy.special import ndtr, ndtri

N_FACTORS = 6
MIN_SHARED, MAX_SHARED = 0.3, 0.9  # share of a score's variance that comes from the factors
PRODUCTS = 0.6  # loadings on products of factors, relative to those on the factors
LEAN = 0.8  # correlation between the other column's score and the score that decides whether a value is missing
FIRST_DAY = date(2015, 1, 1).toordinal() - date(1970, 1, 1).toordinal()

# What a generator gets wrong: standard deviations of normal errors
LOADING_ERROR = 0.05
STRETCH_ERROR = 0.04
SHIFT_ERROR = 0.06
MISSING_ERROR = 0.1
NOISE_SHARE = 0.03  # of the values: drawn without regard to the rest of the row


@dataclass(frozen=True)
class Amount:
    """Skewed numbers with two decimals."""

    center: float
    spread: float
    type = pa.float64()

    def values(self, scores: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        """Return the column's values. scores: (n_rows,) float32. missing: (n_rows,) bool, or None if no value is."""
        return pa.array(np.round(np.exp(self.center + self.spread * scores.astype(np.float64)), 2), mask=missing)


@dataclass(frozen=True)
class Count:
    """Whole numbers, many of them 0."""

    start: float  # the count is 0 up to this score
    spread: float
    type = pa.int64()

    def values(self, scores: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        """Return the column's values; see `Amount.values`."""
        return pa.array(np.expm1(self.spread * np.maximum(scores - self.start, 0)).astype(np.int64), mask=missing)


@dataclass(frozen=True)
class Category:
    """Labels, of which a few are frequent and the others rare."""

    cuts: np.ndarray  # (n_labels - 1,) scores between the labels
    labels: tuple[str, ...]
    type = pa.dictionary(pa.int32(), pa.string())

    def values(self, scores: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        """Return the column's values; see `Amount.values`."""
        numbers = np.searchsorted(self.cuts, scores).astype(np.int32)
        return pa.DictionaryArray.from_arrays(pa.array(numbers, mask=missing), pa.array(self.labels))


@dataclass(frozen=True)
class Day:
    """Dates, evenly spread over a number of days."""

    days: int
    type = pa.date32()

    def values(self, scores: np.ndarray, missing: np.ndarray | None) -> pa.Array:
        """Return the column's values; see `Amount.values`."""
        return pa.array((FIRST_DAY + self.days * ndtr(scores)).astype(np.int32), mask=missing).cast(self.type)


KINDS = (Amount, Category, Count, Category, Amount, Category, Count, Day)  # of the columns, repeated in this order
LABEL_COUNTS = (2, 3, 4, 6, 9, 15, 40)


@dataclass(frozen=True)
class Population:
    """The population that rows are drawn from.

    loadings: (n_columns, 2 * N_FACTORS) of the scores on factors and products; each row has a norm below 1. stretch,
    shift: (n_columns,) the scores are multiplied by the one, then the other is added. missing_from: (n_columns,) a
    value is missing if the blurred score of the column before is above this (inf: never). noise_share: share of the
    scores that are drawn without regard to the rest of the row.
    """

    columns: tuple[Amount | Count | Category | Day, ...]
    loadings: np.ndarray
    stretch: np.ndarray
    shift: np.ndarray
    missing_from: np.ndarray
    noise_share: float = 0.0

    @property
    def schema(self) -> pa.Schema:
        """The names and types of the columns."""
        return pa.schema(
            [(f"{type(column).__name__.lower()}_{c + 1:03}", column.type) for c, column in enumerate(self.columns)]
        )

    def draw(self, n_rows: int, rng: np.random.Generator) -> pa.RecordBatch:
        """Draw rows of the population. This needs about 20 bytes of memory for each value."""
        scores = self._scores(n_rows, rng)
        arrays = []
        for c, column in enumerate(self.columns):
            missing = None
            if np.isfinite(self.missing_from[c]):
                blur = rng.standard_normal(n_rows, dtype=np.float32)
                missing = LEAN * scores[c - 1] + np.sqrt(1 - LEAN**2) * blur > self.missing_from[c]
            arrays.append(column.values(scores[c] * self.stretch[c] + self.shift[c], missing))
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def perturbed(self, rng: np.random.Generator) -> "Population":
        """Return what a generator that was trained on such rows might have learnt."""
        n_columns = len(self.columns)
        loadings = self.loadings + LOADING_ERROR * rng.standard_normal(self.loadings.shape)
        norms = np.linalg.norm(loadings, axis=1, keepdims=True)
        return replace(
            self,
            loadings=loadings * np.minimum(1.0, np.sqrt(MAX_SHARED) / norms),
            stretch=self.stretch * np.exp(STRETCH_ERROR * rng.standard_normal(n_columns)),
            shift=self.shift + SHIFT_ERROR * rng.standard_normal(n_columns),
            missing_from=self.missing_from + MISSING_ERROR * rng.standard_normal(n_columns),
            noise_share=NOISE_SHARE,
        )

    def _scores(self, n_rows: int, rng: np.random.Generator) -> np.ndarray:
        """Return (n_columns, n_rows) float32 scores."""
        factors = rng.standard_normal((N_FACTORS, n_rows), dtype=np.float32)
        inputs = np.concatenate([factors, factors * np.roll(factors, 1, axis=0)])
        scores = rng.standard_normal((len(self.columns), n_rows), dtype=np.float32)
        scores *= np.sqrt(1 - (self.loadings**2).sum(axis=1, keepdims=True)).astype(np.float32)
        scores += self.loadings.astype(np.float32) @ inputs
        for row in scores:
            noisy = rng.integers(n_rows, size=round(self.noise_share * n_rows))
            row[noisy] = rng.standard_normal(len(noisy), dtype=np.float32)
        return scores


def new_population(n_columns: int, rng: np.random.Generator) -> Population:
    """Draw a new population. Every third column has missing values."""
    loadings = rng.standard_normal((n_columns, 2 * N_FACTORS)) ** 3  # a few large ones in each row
    loadings[:, N_FACTORS:] *= PRODUCTS
    shared = rng.uniform(MIN_SHARED, MAX_SHARED, (n_columns, 1))
    loadings *= np.sqrt(shared) / np.linalg.norm(loadings, axis=1, keepdims=True)
    share_missing = rng.uniform(0.02, 0.3, n_columns)
    return Population(
        columns=tuple(_new_column(KINDS[c % len(KINDS)], rng) for c in range(n_columns)),
        loadings=loadings,
        stretch=np.ones(n_columns),
        shift=np.zeros(n_columns),
        missing_from=np.where(np.arange(n_columns) % 3 == 2, ndtri(1 - share_missing), np.inf),
    )


def _new_column(kind: type, rng: np.random.Generator) -> Amount | Count | Category | Day:
    if kind is Amount:
        return Amount(center=rng.uniform(1, 8), spread=rng.uniform(0.2, 1.2))
    if kind is Count:
        return Count(start=rng.uniform(-2, 0.5), spread=rng.uniform(0.8, 1.5))
    if kind is Day:
        return Day(days=int(rng.integers(200, 3000)))
    n_labels = int(rng.choice(LABEL_COUNTS))
    shares = rng.permutation(1 / np.arange(1, n_labels + 1) ** rng.uniform(0.7, 1.5))
    cuts = ndtri(np.cumsum(shares / shares.sum())[:-1])
    return Category(cuts=cuts.astype(np.float32), labels=tuple(f"label {k + 1}" for k in rng.permutation(n_labels)))
