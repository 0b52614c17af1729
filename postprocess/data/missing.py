"""The texts that stand for a missing value."""

import pyarrow as pa
import pyarrow.compute as pc

from postprocess.data.formats import is_text

# pandas.read_csv's default texts for a missing value
MISSING_TOKENS = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)


def spell_missing(texts: pa.Array) -> pa.Array:
    """Return which texts stand for a missing value."""
    return pc.is_in(texts, pa.array(MISSING_TOKENS, texts.type))


def without_spelt_missing(values: pa.Array) -> pa.Array:
    """Return values of any type; null replaces the texts that stand for a missing value."""
    return pc.if_else(spell_missing(values), None, values) if is_text(values) else values
