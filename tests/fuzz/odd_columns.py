"""Columns and column names as text, in many spellings that people and programs use."""

import json
import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
from hypothesis import strategies as st

Generator = np.random.Generator
Spelling = Callable[[Generator], str]  # makes one value

DATE_FORMATS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%y", "%m/%d/%y", "%d-%b-%Y", "%d%b%Y"),
    *("%b-%y",),
    *("%B %d, %Y", "%d %B %Y", "%a, %d %b %Y", "%Y-%m", "%m/%Y", "%Y", "%Y%m%d", "%Y%m", "%Y-%j", "%G-W%V"),
    *("%Y年%m月%d日",),
    *("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S.%f", "%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p", "%Y%m%dT%H%M%S", "%s"),
    *("%d.%m.%Y, %H:%M", "%a %b %d %H:%M:%S UTC %Y", "%H:%M", "%I:%M %p", "%H:%M:%S.%f", "%-d/%-m/%Y", "%-m/%-d/%Y"),
)
ZONES = ("Z", "+00:00", "-00:00", "+02:00", "+0530", "-03:30", "+14:00", " UTC", " CET", "[Europe/Berlin]", "")
DRESSES = (
    *("${}", "-${}", "$-{}", "(${})", "${} ", "€ {}", "{} €", "{}€", "EUR {}", "US$ {}", "₹{}", "₿{}", "kr {}"),
    *("{} zł",),
    *("{}%", "{} %", "% {}", "({})", "({} %)", "−{}", "+{}", "- {}", "{}-", "~{}", "<{}", ">= {}", "{}*", "#{}", "{}."),
    *("{} kg", "{}km", "{} min", "{} sq ft", "{} / 5", "{}th", "{}°C", "'{}", "={}", '="{}"', "{}\u00a0€", "{}\u200b"),
)
TRUTHS = (
    *(("yes", "no"), ("Yes", "No", ""), ("Y", "N"), ("y", "n", "?"), ("t", "f"), ("T", "F", "NA"), ("on", "off")),
    *(("1", "0"), ("1.0", "0.0"), ("-1", "0"), ("true", "FALSE"), ("True", "False", "true"), ("ja", "nein"), ("x", "")),
    *(("true ", " false"), ("✓", "✗"), ("TRUE", "0"), ("true",), ("False", "None")),
)


def _number(rng: Generator) -> float:
    return round(float(rng.normal(0, 10.0 ** rng.integers(0, 8))), 2)


def _moment(rng: Generator) -> datetime:
    return datetime(1990, 1, 1) + timedelta(seconds=float(rng.uniform(0, 40 * 365 * 86400)))


def _grouped(mark: str, decimal_mark: str) -> Spelling:
    return lambda rng: f"{_number(rng):,.2f}".translate(str.maketrans(",.", mark + decimal_mark))


def _dressed(dress: str, spell: Spelling) -> Spelling:
    return lambda rng: dress.replace("{}", spell(rng).lstrip("-"))


def _dated(layout: str, zone: str = "") -> Spelling:
    return lambda rng: _moment(rng).strftime(layout) + zone


def _truth(words: tuple[str, ...]) -> Spelling:
    return lambda rng: str(rng.choice(words))


NUMBERS: dict[str, Spelling] = {
    "whole": lambda rng: str(int(_number(rng))),
    "decimal": lambda rng: f"{_number(rng)}",
    "decimal comma": lambda rng: f"{_number(rng):.2f}".replace(".", ","),
    "comma or point": lambda rng: f"{_number(rng)}".replace(".", str(rng.choice([",", "."]))),
    "english": _grouped(",", "."),
    "german": _grouped(".", ","),
    "swiss": _grouped("’", "."),
    "french": _grouped("\u202f", ","),
    "indian": lambda rng: "1,23,456.78" if rng.integers(2) else "12,34,567.00",
    "scientific": lambda rng: f"{_number(rng):.3e}",
    "padded": lambda rng: f"{_number(rng):012.3f}",
    "aligned": lambda rng: f"{_number(rng):>14.2f}",
    "huge": lambda rng: str(int(rng.integers(1, 10))) * int(rng.integers(15, 90)),
    "tiny": lambda rng: f"0.{'0' * int(rng.integers(1, 60))}{rng.integers(1, 100)}",
    "hexadecimal": lambda rng: hex(int(rng.integers(0, 2**32))),
    "arabic": lambda rng: str(int(rng.integers(0, 1000))).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    "infinite": lambda rng: str(rng.choice(["inf", "-inf", "Infinity", "INF"])),
    "mostly infinite": lambda rng: str(rng.choice(["inf", "inf", "-inf", "1", "2.5"])),
}
OTHERS: dict[str, Spelling] = {
    "clock": lambda rng: str(timedelta(seconds=int(rng.integers(0, 10**6)))),
    "iso duration": lambda rng: f"P{rng.integers(9)}DT{rng.integers(24)}H{rng.integers(60)}M",
    "spoken duration": lambda rng: f"{rng.integers(24)}h {rng.integers(60)}m",
    "mixed zones": lambda rng: _moment(rng).strftime("%Y-%m-%dT%H:%M:%S") + str(rng.choice(ZONES)),
    "mixed dates": lambda rng: _moment(rng).strftime(str(rng.choice(DATE_FORMATS[:12]))),
    "uuid": lambda rng: str(UUID(bytes=rng.bytes(16))),
    "json": lambda rng: json.dumps({"a": [int(rng.integers(9)), None], "b": {"c": 'x "y", z\n'}}),
    "list": lambda rng: f"[{rng.integers(9)}, {rng.integers(9)}]",
    "address": lambda rng: ".".join(map(str, rng.integers(0, 256, 4))),
    "version": lambda rng: ".".join(map(str, rng.integers(0, 30, 3))),
    "phone": lambda rng: f"+49 {rng.integers(100, 999)} {rng.integers(10**6, 10**7)}",
    "coordinates": lambda rng: f"{rng.uniform(-90, 90):.4f},{rng.uniform(-180, 180):.4f}",
    "fraction": lambda rng: f"{rng.integers(1, 9)}/{rng.integers(1, 31)}",
    "range": lambda rng: f"{rng.integers(1, 9)}-{rng.integers(10, 20)}",
    "html": lambda rng: f"<b>{rng.integers(9)}</b>&nbsp;<!--",
    "long": lambda rng: "ab cd\u0301 " * int(rng.integers(1, 3000)),
    "control": lambda rng: "".join(map(chr, rng.integers(1, 32, 3))),
    "marks": lambda rng: "\u202e" + "e\u0301" * int(rng.integers(1, 3)) + "\u200f\ufeff",
    "wide": lambda rng: "".join(map(chr, rng.integers(0x10000, 0x10400, 4))),
    "quotes": lambda rng: str(rng.choice(['"', "''", '"a"b"', '\\"', "“x”", '",', '"\n'])),
    "blanks": lambda rng: str(rng.choice([" ", "\t", "\u00a0", "\u3000", " \n", "a", "a "])),
    "the project's": lambda rng: str(rng.choice(["_RARE_", "(n/a)", "(empty)", "(other)", "(unseen)", "_is_missing"])),
    "missing": lambda rng: str(
        rng.choice(["", "NA", "nan", "NULL", "None", "-", "--", "?", "N.A.", "#REF!", "missing"])
    ),
    "almost constant": lambda rng: "5" if rng.random() < 0.99 else "6",
    "constant": lambda rng: "same",
    "none": lambda rng: "",
}
SPELLINGS = st.one_of(
    st.sampled_from(list(NUMBERS.values())),
    st.sampled_from(list(OTHERS.values())),
    st.builds(_dressed, st.sampled_from(DRESSES), st.sampled_from(list(NUMBERS.values()))),
    st.builds(_dated, st.sampled_from(DATE_FORMATS), st.sampled_from(["", "", "", *ZONES])),
    st.builds(_truth, st.sampled_from(TRUTHS)),
)


@st.composite
def odd_columns(draw: st.DrawFn, n_rows: int) -> list[str]:
    """Draw the values of a column: mostly in one spelling, sometimes in several, some of them missing."""
    spellings = draw(st.lists(SPELLINGS, min_size=1, max_size=draw(st.sampled_from([1, 1, 1, 1, 2, 3]))))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    distinct = draw(st.sampled_from([n_rows, n_rows, 30, 8, 2, 1]))
    values = [spellings[rng.integers(len(spellings))](rng) for _ in range(distinct)] or [""]
    chosen = np.arange(n_rows) if distinct == n_rows else rng.integers(len(values), size=n_rows)
    share = draw(st.sampled_from([0.0, 0.0, 0.1, 0.95]))
    missing = draw(st.sampled_from(["", "NA", "null", "-", "#N/A"]))
    return [missing if gone else values[place] for place, gone in zip(chosen, rng.random(n_rows) < share, strict=True)]


def _twins(name: str) -> list[str]:
    """Return names that look like this one."""
    forms = [unicodedata.normalize(form, name) for form in ("NFC", "NFD", "NFKC")]
    others = [name, name.upper(), name.lower(), name.title(), f"{name} ", f" {name}", f"{name}\u200b", f"{name}\u00a0"]
    return list(dict.fromkeys([*forms, *others, f"{name}.", f"{name}_is_missing", f"{name}.1", f'"{name}"', name * 2]))


TWINS = st.sampled_from(["ärger", "a", "ſ", "ﬁ", "İ", "Å", "x_is_missing"]).map(_twins).flatmap(st.permutations)
NAMES = st.one_of(
    st.sampled_from(
        [
            *("_RARE_", "x_is_missing", "x_is_missing_", "row_id", "weight", "weights", "cycle", "n/a", "(n/a)"),
            *("None",),
            *("a.b", "a", "a.b.c", "b", "self", "training", "index", "__index_level_0__", "__null_dask_index__"),
            *("values",),
            *("\x00", "a\x00b", "\x07", "\x1b[31mred", "tab\there", "two\nlines", "cr\rhere", "\u2028", "\x85", "\x1a"),
            *("\u202eabc", "\u200f", "\ufeff", "\ufeffa", "a\u0301", "👩‍👩‍👧", "\ud7ff", "\uffff", "𝒳", "﷽", "ａ"),
            *("sep=;", "# comment", "--", "''", '"', '""', "a,b", "a;b", "a|b", "a\tb", "{}", "{0}", "%d", "$x$"),
            *("\\n",),
            *("1", "1.5", "-3", "2024", "2024-01-01", "1e5", "True", "nan", "NA", "inf", "0x1", "x" * 5000),
            *("_" * 70000,),
            *("price (€)", "<b>", "&lt;", "a'b", "`x`", "a/b", "..", "con", "c:\\x", "[x]", "a=b", "*", "~", "^"),
            *("x\u00ad",),
        ]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4),
)


@st.composite
def odd_names(draw: st.DrawFn, n_columns: int) -> list[str]:
    """Draw distinct column names: names that programs stumble over, or names that look like each other."""
    twins = draw(TWINS)
    if draw(st.integers(0, 3)) == 0 and len(twins) >= n_columns:
        return twins[:n_columns]
    return draw(st.lists(NAMES, min_size=n_columns, max_size=n_columns, unique=True))
