import re

import numpy as np
import pandas as pd

from pool.generator.made_up_text import MIN_WORD_ROWS, TextMaker
from pool.generator.text_codec import UNTOUCHED, TextCodec

DRAW = np.random.default_rng(2)


def text(values):
    return pd.Series(values, dtype="str")


def through(values, *, replaced):
    codec = TextCodec.of(values.dropna(), replaced=replaced)
    return codec.decode(codec.encode(values), np.random.default_rng(1))


def test_frequent_and_missing_values_come_back_unchanged():
    values = text(["007", "a,b", "", "two\nlines", " ünï ☃ ", None, "_RARE_", "rare", "v1"] * 10)
    assert through(values, replaced=True).tolist() == values.astype(object).where(values.notna(), None).tolist()


def test_rare_names_are_replaced_by_frequent_ones_below_the_first_ten():
    names = [f"often {number}" for number in range(UNTOUCHED)]
    values = text(names * 100 + ["seldom"] * 20 + [f"once {number}" for number in range(50)])
    back = through(values, replaced=True)
    counts = back.value_counts()
    assert all(counts[name] == 100 for name in names) and counts["seldom"] == 70


def test_rare_text_is_made_up_and_the_frequent_values_keep_their_share():
    values = text(["none"] * 100 + [f"ID-{number}" for number in DRAW.choice(90_000, 300, replace=False) + 10_000])
    back = through(values, replaced=False)
    made = back[back != "none"]
    assert len(made) == 300 and not set(made) & set(values)
    assert all(re.fullmatch(r"ID-\d{5}", value) for value in made)
    assert made.nunique() > 250


def test_few_rare_values_do_not_reach_the_generator_as_a_frequent_one():
    values = text(["a"] * 50 + ["b"])
    assert through(values, replaced=True).tolist() == ["a"] * 51


def test_a_column_without_frequent_values_is_made_up():
    values = text([f"{a} {b}" for a, b in zip(DRAW.permutation(90) + 10, DRAW.permutation(90) + 10, strict=True)])
    assert all(re.fullmatch(r"\d\d \d\d", value) for value in through(values, replaced=True))


def test_words_of_few_values_are_not_shown():
    names = DRAW.choice(["Ann", "Bob", "Cid"], 200)
    values = tuple(f"{name} X{chr(97 + n % 26)}{chr(97 + n // 26)}q" for n, name in enumerate(names))
    made = TextMaker(values).make(500, np.random.default_rng(3))
    assert {value.split()[0] for value in made} == {"Ann", "Bob", "Cid"}
    rare = {value.split()[1] for value in values}
    shown = {value.split()[1] for value in made}
    assert len(shown & rare) < len(shown) / 2  # some are made again by chance
    assert not set(made) & set(values)


def test_codes_keep_their_lengths():
    tails = DRAW.choice(["MQ", "UA", "X", "Z"], 400)
    values = tuple(f"N{DRAW.integers(10 ** (5 - len(tail))):0{5 - len(tail)}}{tail}" for tail in tails)
    made = TextMaker(values).make(500, np.random.default_rng(3))
    assert all(re.fullmatch(r"N(\d{3}[A-Z]{2}|\d{4}[A-Z])", value) for value in made)


def test_sentences_have_the_words_of_many_values():
    words = ["please", "call", "the", "customer", "again", "tomorrow"]
    values = tuple(" ".join(DRAW.choice(words, 8)) + f" {n}" for n in range(MIN_WORD_ROWS * 10))
    made = TextMaker(values).make(50, np.random.default_rng(3))
    assert all(re.fullmatch(r"([a-z]+ ){8}\d+", value) and set(value.split()[:8]) <= set(words) for value in made)
