# /// script
# requires-python = ">=3.11,<3.12"
# dependencies = ["anonymeter==1.0.0", "joblib==1.6.0", "llvmlite==0.50.0", "numba==0.68.1", "numpy==1.26.4",
#   "pandas==2.3.3", "scikit-learn==1.9.1", "scipy==1.17.1"]
# ///
"""Attacks synthetic rows with anonymeter: do they single out, link or disclose the rows that they were made from?

uv run benchmarks/attack.py TRAINING RESULT CONTROL [--attacks N] [--secret COLUMN] [--json FILE]

Each attack aims at the training rows and, for comparison, at the control rows: original rows that had no part in the
result. The risk is the additional success on the training rows. anonymeter draws its attacks without a seed, so the
figures vary from run to run. It needs an older NumPy than the project. Therefore uv gives this script an environment
of its own, and the script imports nothing of the project.
"""

import argparse
import json
import logging
import shlex
import sys
import warnings
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

with suppress(ModuleNotFoundError):  # the tests run without it, and `main` says how to get it
    from anonymeter.evaluators import InferenceEvaluator, LinkabilityEvaluator, SinglingOutEvaluator

FILES = ("training", "result", "control")
FEWEST_ROWS = 20  # of each file: with fewer, the intervals say nothing
SAMPLE_SEED = 1  # of the rows that `equal_sizes` keeps
PREDICATE_COLUMNS = (1, 3, 5)  # columns that an attack by predicates combines
TRIES = 50  # for each predicate wanted
NEIGHBOURS = (1, 5, 20)  # nearest result rows among which the sides of a linking attack look for a common one
SECRET_LEVELS = 20  # ranges of a secret number, at most
RATES = ["attack_rate", "baseline_rate", "control_rate"]  # anonymeter's names: on training rows, at random, on control
FIGURES = [*RATES, "risk", "low", "high"]


def read_rows(paths: list[Path]) -> pd.DataFrame:
    """Return the typed rows with FILES as the outer index. Raises ValueError or OSError if they cannot be compared."""
    frames: list[pd.DataFrame] = []
    for path in paths:
        try:
            frames.append(pd.read_csv(path, dtype=str))
        except ValueError as error:  # not UTF-8, empty, or no table
            raise ValueError(f"{path}: {' '.join(str(error).split())}") from error
        if lacking := [name for name in frames[0] if name not in frames[-1]]:
            raise ValueError(f"{path}: lacks columns of {paths[0]}: {', '.join(lacking)}")
        if len(frames[-1]) < FEWEST_ROWS:
            raise ValueError(f"{path}: {len(frames[-1])} rows; at least {FEWEST_ROWS} are needed")
    return pd.concat([frame[list(frames[0])] for frame in frames], keys=FILES).dropna(axis=1, how="all").apply(typed)


def typed(column: pd.Series) -> pd.Series:
    """Return floats if all values are numbers or dates (as days), else a mark for each text, which needs no quoting."""
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    if np.isfinite(numbers).sum() == column.count():
        return numbers
    dates = pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True)
    if dates.count() == column.count():
        return (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    marks = pd.Series([f"v{code}" for code in pd.factorize(column)[0]], index=column.index, dtype=object)
    return marks.where(column.notna(), np.nan)


def filled(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with medians for missing numbers: to anonymeter, a row that lacks one is the farthest of all."""
    return rows.fillna(rows.median(numeric_only=True)).fillna("missing")


def levels(column: pd.Series) -> pd.Series:
    """Return what is to be guessed: a text, or of a number one of the ranges with equally many rows (-1: missing).

    A number itself would be too easy. anonymeter allows 5 %: every negative guess is right, and nearly every year.
    """
    if column.dtype == object:
        return column.fillna("missing")
    edges = np.unique(column["training"].quantile(np.linspace(0, 1, SECRET_LEVELS + 1)[1:-1]))
    return pd.Series(np.searchsorted(edges, column), index=column.index).where(column.notna(), -1)


def equal_sizes(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the distinct rows of each file, and of training and control equally many, drawn at random."""
    training, result, control = (rows.loc[name].drop_duplicates() for name in FILES)
    size = min(len(training), len(control))
    return [training.sample(size, random_state=SAMPLE_SEED), result, control.sample(size, random_state=SAMPLE_SEED)]


def single_out(rows: pd.DataFrame, columns: int, attacks: int) -> Any:
    """Attack with predicates over `columns` columns that match one result row: do they match one training row, too?"""
    named = rows.set_axis([f"c{number}" for number in range(rows.shape[1])], axis=1)  # as predicates can name columns
    training, result, control = equal_sizes(named)  # how many rows a predicate matches depends on their number
    mode = "univariate" if columns == 1 else "multivariate"
    options = {"n_cols": columns, "max_attempts": TRIES * attacks}
    # anonymeter divides by the attacks wanted. Attacks on the result itself succeed, and so tell how many it can find.
    possible = SinglingOutEvaluator(result, result, attacks, **options).evaluate(mode).results().n_success
    if possible == 0:
        raise ValueError("no predicate matches one result row")
    return SinglingOutEvaluator(training, result, possible, control=control, **options).evaluate(mode).results()


def link(rows: pd.DataFrame, sides: list, neighbours: int, attacks: int) -> Any:
    """Attack by linking: two sides know some columns of a row each. Do they find the same result row near theirs?"""
    training, result, control = (filled(rows).loc[name] for name in FILES)
    return LinkabilityEvaluator(training, result, sides, attacks, neighbours, control).evaluate().results()


def infer(rows: pd.DataFrame, secret: str, attacks: int) -> Any:
    """Attack by inference: somebody knows all columns of a row but one. Does the nearest result row disclose it?"""
    known = [name for name in rows if name != secret]
    training, result, control = (filled(rows).assign(**{secret: levels(rows[secret])}).loc[name] for name in FILES)
    return InferenceEvaluator(training, result, known, secret, False, attacks, control).evaluate().results()


def attack(rows: pd.DataFrame, secrets: list[str], attacks: int) -> list[dict[str, Any]]:
    """Return a line of figures for each attack. They are None, and stderr says why, if anonymeter cannot make it."""
    logging.getLogger("anonymeter").setLevel(logging.ERROR)  # it warns of few predicates: the table shows their number
    warnings.simplefilter("ignore")  # it warns of attacks no better than the baseline: the table shows both rates
    divided = {"halves": np.array_split(rows.columns, 2), "every other column": [rows.columns[::2], rows.columns[1::2]]}
    planned = {("singling out", f"columns: {count}"): partial(single_out, rows, count) for count in PREDICATE_COLUMNS}
    for how, sides in divided.items():
        planned |= {("linking", f"{how}, nearest {count}"): partial(link, rows, sides, count) for count in NEIGHBOURS}
    planned |= {("inference", secret): partial(infer, rows, secret) for secret in secrets}
    lines = []
    for (kind, what), make in planned.items():
        lines.append({"attack": kind, "with": what, "attacks": 0, **dict.fromkeys(FIGURES)})
        try:
            made = make(min(attacks, *rows.groupby(level=0).size()))
            figures = [*(getattr(made, rate).value for rate in RATES), made.risk().value, *made.risk().ci]
            lines[-1] |= {"attacks": made.n_attacks, **dict(zip(FIGURES, figures, strict=True))}
        except (ArithmeticError, RuntimeError, ValueError) as error:
            print(f"attack.py: {kind}, {what}: not possible: {error}", file=sys.stderr)
    return lines


def tables(lines: list[dict[str, Any]]) -> str:
    """Return a table of all attacks, and one of the means by kind with the number of intervals that lie above 0."""
    found = pd.DataFrame(lines).astype(dict.fromkeys(FIGURES, float)).set_index(["attack", "with"])
    kinds = found.dropna().groupby("attack", sort=False)
    means = kinds[[*RATES, "risk"]].mean()
    means["low > 0"] = [f"{(low > 0).sum()} of {len(low)}" for _, low in kinds["low"]]
    return "\n\n".join(table.to_string(float_format="{:.3f}".format, na_rep="-") for table in (found, means))


def main(arguments: list[str]) -> None:
    """Run the command line. A wrong call ends with one line and exit code 2."""
    parser = argparse.ArgumentParser(prog="attack.py", description=__doc__.splitlines()[0])
    parser.add_argument("training", type=Path, metavar="TRAINING", help="the original rows that the result is made of")
    parser.add_argument("result", type=Path, metavar="RESULT", help="the synthetic rows")
    parser.add_argument("control", type=Path, metavar="CONTROL", help="original rows that had no part in the result")
    parser.add_argument("--attacks", type=int, default=500, metavar="N", help="of each kind, at most (%(default)s)")
    parser.add_argument("--secret", action="append", metavar="COLUMN", help="to be inferred; may be repeated (all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    given = parser.parse_args(arguments)
    try:
        if given.attacks < 1:
            raise ValueError("--attacks: at least 1 is needed")
        if given.json and given.json.exists():
            raise ValueError(f"{given.json}: exists already; remove it, or give another name")
        rows = read_rows([given.training, given.result, given.control])
        if unknown := [secret for secret in given.secret or () if secret not in rows]:
            raise ValueError(f"--secret {unknown[0]}: no column with values; there are {', '.join(rows)}")
        if "anonymeter" not in sys.modules:
            raise ValueError(f"anonymeter is missing; run {shlex.join(['uv', 'run', __file__, *arguments])}")
    except (OSError, ValueError) as error:
        parser.exit(2, f"attack.py: {error}\n")
    lines = attack(rows, given.secret or list(rows), given.attacks)
    print(tables(lines))
    if given.json:
        with given.json.open("x", encoding="utf-8") as file:
            json.dump({name: str(getattr(given, name)) for name in FILES} | {"attacks": lines}, file, indent=1)


if __name__ == "__main__":
    main(sys.argv[1:])
