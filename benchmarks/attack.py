# /// script
# requires-python = ">=3.11,<3.12"
# dependencies = [
#   "anonymeter==1.0.0",
#   "joblib==1.6.0",
#   "llvmlite==0.50.0",
#   "numba==0.68.1",
#   "numpy==1.26.4",
#   "pandas==2.3.3",
#   "scikit-learn==1.9.1",
#   "scipy==1.17.1",
# ]
# ///
"""Attacks synthetic rows with anonymeter: do they single out, link or disclose the rows that they were made from?

uv run benchmarks/attack.py TRAINING RESULT CONTROL [--attacks N] [--secret COLUMN] [--seed N] [--json FILE]

Every attack is made on the training rows and, for comparison, on the control rows: original rows that had no part in
the result. An attack that succeeds on the control rows uses only how the columns depend on each other, so the risk is
the additional success on the training rows. anonymeter needs an older NumPy than the project, so uv runs this script in
an environment of its own, and it imports nothing of the project. Each function that needs anonymeter imports it itself.
Without anonymeter, a call ends with one line, and the tests can run.
"""

import argparse
import importlib.util
import json
import logging
import os
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

import numpy as np
import pandas as pd

EXIT_WRONG_CALL, EXIT_INTERRUPTED = 2, 130
CONFIDENCE = 0.95  # of all intervals
FEWEST_ROWS = 20  # of each file: with fewer, the intervals say nothing
PREDICATE_COLUMNS = (1, 3, 5)  # columns that an attack by predicates combines
TRIES = 50  # for each predicate wanted
FITTED_SIZES = 10  # sizes of a control that its count is fitted over, if it has fewer rows than the training data
PARTS = 20  # of the control, left out in turn to estimate the error of that count
HALVINGS = 3  # ways to divide the columns between the two sides of a linking attack
NEIGHBOURS = (1, 5, 20)
SECRET_LEVELS = 20  # a secret number is guessed by its range: ranges that hold equal numbers of rows


@dataclass(frozen=True)
class Tables:
    """The rows of the three files, with the same columns and kinds: float64, or object with one mark for each text.

    The columns are called c0, c1, ..., because predicates can use these names. names: their own names, in that order.
    """

    training: pd.DataFrame
    result: pd.DataFrame
    control: pd.DataFrame
    names: tuple[str, ...]

    @property
    def rows(self) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        """The training, result and control rows."""
        return self.training, self.result, self.control

    def targets(self, attacks: int) -> int:
        """Return how many of the wanted attacks the number of rows of each file allows."""
        return min(attacks, *map(len, self.rows))


@dataclass(frozen=True)
class Finding:
    """The successes of one kind of attack on the training rows, at random and on the control rows, with their rates.

    The rates and the risk are anonymeter's: shares, 0..1, by Wilson's score. They are None if no attack was possible.
    """

    kind: str
    detail: str
    attacks: int
    successes: float = 0
    at_random: float = 0
    on_control: float = 0
    rate: float | None = None
    random_rate: float | None = None
    control_rate: float | None = None
    risk: float | None = None
    low: float | None = None
    high: float | None = None


def read_tables(paths: Sequence[Path]) -> Tables:
    """Read training, result and control rows. Raises ValueError, in one line, if they cannot be compared."""
    frames = [_read(path) for path in paths]
    names = list(frames[0].columns)
    for path, frame in zip(paths, frames, strict=True):
        lacking = [name for name in names if name not in frame.columns]
        if lacking:
            raise ValueError(f"{path}: lacks columns of {paths[0]}: {', '.join(map(repr, lacking))}")
        if len(frame) < FEWEST_ROWS:
            raise ValueError(f"{path}: {len(frame)} rows; at least {FEWEST_ROWS} are needed")
    together = pd.concat([frame[names] for frame in frames], keys=range(len(frames)))
    typed = {name: attackable(together[name]) for name in names if together[name].notna().any()}
    if len(typed) < 2:
        raise ValueError(f"{paths[0]}: {len(typed)} columns with values; at least 2 are needed")
    renamed = pd.DataFrame({f"c{number}": column for number, column in enumerate(typed.values())})
    training, result, control = (renamed.loc[number].reset_index(drop=True) for number in range(len(frames)))
    return Tables(training, result, control, names=tuple(typed))


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str)
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:  # not UTF-8, empty, or no table
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from error


def attackable(column: pd.Series) -> pd.Series:
    """Return the values as floats if all are numbers or dates (as days), else as marks, which need no quoting."""
    cells = column.notna().sum()
    numbers = pd.to_numeric(column, errors="coerce").astype(float)
    if np.isfinite(numbers).sum() == cells:
        return numbers
    dates = pd.to_datetime(column, format="ISO8601", errors="coerce", utc=True)
    if dates.notna().sum() == cells:
        return (dates - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
    marks = "v" + pd.Series(pd.factorize(column)[0], index=column.index).astype(str)
    return marks.astype(object).where(column.notna(), np.nan)


def neighbourly(tables: Tables) -> tuple[list[pd.DataFrame], dict[str, list[str]]]:
    """Return the rows without missing values, for distances, and by column the columns that it became.

    A missing number becomes the median of the training rows, and an additional column says that it was missing.
    anonymeter itself puts rows with a missing number last, even if they are near.
    """
    frames = [frame.copy() for frame in tables.rows]
    became = {name: [name] for name in tables.training.columns}
    for name, found in became.items():
        if tables.training[name].dtype == object:
            for frame in frames:
                frame[name] = frame[name].fillna("missing")
        elif any(frame[name].isna().any() for frame in frames):
            found.append(f"{name}_missing")
            median = np.nan_to_num(tables.training[name].median())
            for frame in frames:
                frame[found[1]] = np.where(frame[name].isna(), "missing", "there").astype(object)
                frame[name] = frame[name].fillna(median)
    return frames, became


def levels(name: str, tables: Tables) -> list[np.ndarray]:
    """Return the levels of a secret column: whole numbers with the same meaning in all files, -1 for a missing value.

    The level of a number is its range. anonymeter's own rule, within 5 % of the guess, counts every negative guess and
    every guess of a year as right.
    """
    training = tables.training[name].dropna()
    if training.dtype == object:
        texts = pd.Index(pd.concat([frame[name] for frame in tables.rows]).dropna().unique())
        found = [texts.get_indexer(frame[name]) for frame in tables.rows]
    else:
        edges = np.unique(training.quantile(np.linspace(0, 1, SECRET_LEVELS + 1)[1:-1]))
        found = [np.searchsorted(edges, frame[name]) for frame in tables.rows]
    return [np.where(frame[name].isna(), -1, of) for frame, of in zip(tables.rows, found, strict=True)]


def single_out(tables: Tables, columns: int, *, attacks: int, seed: int) -> Finding:
    """Attack with predicates over `columns` columns that match one result row: do they match one training row, too?

    The number of singled out control rows depends on the size of the control, so it is scaled to the number of training
    rows.
    """
    from anonymeter.evaluators import singling_out_evaluator as anonymeter

    training, result, control = (frame.drop_duplicates() for frame in tables.rows)
    anonymeter.rng = np.random.default_rng(seed)
    attacks = tables.targets(attacks)  # more predicates than rows would concern the same rows repeatedly
    if columns == 1:
        predicates = anonymeter.univariate_singling_out_queries(result, attacks)
    else:
        predicates = anonymeter.multivariate_singling_out_queries(result, attacks, columns, TRIES * attacks)
    detail = "1 column" if columns == 1 else f"{columns} columns"
    if not predicates:
        return Finding("singling out", detail, 0)
    at_random = anonymeter._random_queries(result, len(predicates), columns)
    successes, guessed = (int(np.sum(_matches(each, training).sum(axis=1) == 1)) for each in (predicates, at_random))
    on_control, error = control_count(_matches(predicates, control), len(training), np.random.default_rng(seed))
    return judge("singling out", detail, len(predicates), successes, guessed, on_control, control_error=error)


def _matches(predicates: Sequence[str], rows: pd.DataFrame) -> np.ndarray:
    """Return (n_predicates, n_rows) bool: whether the predicate is true of the row."""
    return np.array([np.asarray(rows.eval(predicate, engine="python"), dtype=bool) for predicate in predicates])


def control_count(matches: np.ndarray, n_training: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return how many predicates would single out one of `n_training` control rows, and the standard error.

    matches: (n_predicates, n_control) bool. The error is the jackknife's, over parts of the control left out in turn.
    It includes the error of the scaling, which anonymeter ignores and which dominates for a small control.
    """
    counts, n_control = matches.sum(axis=1), matches.shape[1]
    parts = np.array_split(rng.permutation(n_control), PARTS)
    without = [_scaled(counts - matches[:, part].sum(axis=1), n_control - len(part), n_training) for part in parts]
    return _scaled(counts, n_control, n_training), float(np.std(without) * np.sqrt(PARTS - 1))


def _scaled(counts: np.ndarray, n_control: int, n_training: int) -> float:
    """Return how many predicates would match exactly one of `n_training` rows, if they match `counts` of `n_control`.

    For fewer rows, the number of matches that remain is hypergeometric. For more rows, anonymeter's model extrapolates
    such figures; anonymeter itself fits it to parts of 1,000 rows and more.
    """
    from scipy.stats import hypergeom

    def expected(size: int) -> float:
        return float(np.sum(hypergeom.pmf(1, n_control, counts, size)))

    if n_training <= n_control:
        return expected(n_training)
    singled_out = np.count_nonzero(counts == 1)
    if singled_out == 0:
        return 0.0
    from anonymeter.evaluators.singling_out_evaluator import _fit_model

    sizes = np.linspace(n_control // FITTED_SIZES, n_control, FITTED_SIZES).astype(int)
    try:
        model = _fit_model(sizes, np.array([expected(size) for size in sizes]))
    except RuntimeError:  # no fit: a risk that is too low would be worse than one that is too high
        return float(singled_out)
    return min(singled_out * float(model(n_training) / model(n_control)), float(len(counts)))


def link(tables: Tables, *, attacks: int, seed: int) -> list[Finding]:
    """Attack by linking: two sides know half of a row's columns each. Do their halves share a nearest result row?"""
    from anonymeter.evaluators import LinkabilityEvaluator

    (training, result, control), became = neighbourly(tables)
    attacks, neighbours = tables.targets(attacks), [n for n in NEIGHBOURS if n <= len(result)]
    rng = np.random.default_rng(seed)
    findings = []
    for halving in range(1, HALVINGS + 1):
        order = rng.permutation(list(became))
        sides = tuple(
            [each for name in half for each in became[name]]
            for half in (order[: len(order) // 2], order[len(order) // 2 :])
        )
        evaluator = LinkabilityEvaluator(training, result, sides, attacks, max(neighbours), control)
        _evaluate(evaluator, seed)
        for count in neighbours:
            found = evaluator.results(CONFIDENCE, n_neighbors=count)
            detail = f"halves {halving}, nearest {count}"
            findings.append(judge("linking", detail, attacks, found.n_success, found.n_baseline, found.n_control))
    return findings


def infer(tables: Tables, secret: str, *, attacks: int, seed: int) -> Finding:
    """Attack by inference: somebody knows all columns of a row but one. Does the nearest result row disclose it?"""
    from anonymeter.evaluators import InferenceEvaluator

    (training, result, control), became = neighbourly(tables)
    known = [each for name, found in became.items() if name != secret for each in found]
    for frame, of in zip((training, result, control), levels(secret, tables), strict=True):
        frame[secret] = of
    attacks = tables.targets(attacks)
    evaluator = InferenceEvaluator(training, result, known, secret, False, attacks, control)
    _evaluate(evaluator, seed)
    found = evaluator.results(CONFIDENCE)
    name = tables.names[list(became).index(secret)]
    return judge("inference", name, attacks, found.n_success, found.n_baseline, found.n_control)


def _evaluate(evaluator: Any, seed: int) -> None:
    """Run an attack with all of anonymeter's randomness from the seed: NumPy's global one, and unseeded generators."""
    np.random.seed(seed)
    with mock.patch.object(np.random, "default_rng", return_value=np.random.default_rng(seed)):
        evaluator.evaluate()


def judge(
    kind: str,
    detail: str,
    attacks: int,
    successes: int,
    at_random: int,
    on_control: float,
    *,
    control_error: float = 0.0,
) -> Finding:
    """Return anonymeter's rates and risk. control_error: standard error of the control's count, added to Wilson's."""
    from anonymeter.stats.confidence import SuccessRate, probit, residual_success, success_rate

    rate, random_rate, control_rate = (
        success_rate(attacks, count, CONFIDENCE) for count in (successes, at_random, on_control)
    )
    error = np.hypot(control_rate.error, probit(CONFIDENCE) * control_error / attacks)
    risk = residual_success(rate, SuccessRate(control_rate.value, error)).to_risk()
    counts = int(successes), int(at_random), float(on_control)
    rates = rate.value, random_rate.value, control_rate.value
    return Finding(kind, detail, attacks, *counts, *map(float, (*rates, risk.value, *risk.ci)))


def findings_table(findings: Sequence[Finding]) -> str:
    """Return a line for each attack."""
    rows = []
    for each in findings:
        figures = (each.rate, each.random_rate, each.control_rate, each.risk, each.low, each.high)
        rows.append([each.kind, each.detail, str(each.attacks), *("-" if f is None else f"{f:.3f}" for f in figures)])
    return _text_table(["attack", "with", "attacks", "rate", "random", "control", "risk", "low", "high"], rows)


def kinds_table(findings: Sequence[Finding]) -> str:
    """Return a line for each kind: means, the highest risk, and how many intervals of the risk lie above 0."""
    rows = []
    for kind in dict.fromkeys(each.kind for each in findings):
        of_kind = [each for each in findings if each.kind == kind and each.risk is not None]
        if of_kind:
            names = ("rate", "random_rate", "control_rate", "risk")
            means = [f"{np.mean([getattr(each, name) for each in of_kind]):.3f}" for name in names]
            worst = max(of_kind, key=attrgetter("risk"))
            highest = f"{worst.risk:.3f} ({worst.low:.3f}..{worst.high:.3f})"
            above = f"{sum(each.low is not None and each.low > 0 for each in of_kind)} of {len(of_kind)}"
            rows.append([kind, "all", *means, highest, above])
    return _text_table(["means", "", "rate", "random", "control", "risk", "highest risk", "above 0"], rows)


def _text_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return lines of aligned columns, the first two aligned left and the others right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = (
        "  ".join(
            cell.ljust(width) if number < 2 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (head, *rows)
    )
    return "\n".join(line.rstrip() for line in lines)


def copies(rows: pd.DataFrame, training: pd.DataFrame) -> int:
    """Return how many of the rows equal a training row."""
    hashes, known = (pd.util.hash_pandas_object(each, index=False) for each in (rows, training))
    return int(hashes.isin(known).sum())


def attack(tables: Tables, secrets: Sequence[str], *, attacks: int, seed: int) -> list[Finding]:
    """Run all attacks. secrets: column names of the files."""
    logging.getLogger("anonymeter").setLevel(logging.ERROR)  # of too few predicates: the table shows their number
    options = {"attacks": attacks, "seed": seed}
    counts = [count for count in PREDICATE_COLUMNS if count <= len(tables.names)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of attacks no better than guessing: the table shows both rates
        findings = [single_out(tables, count, **options) for count in counts]
        findings += link(tables, **options)
        findings += [infer(tables, f"c{tables.names.index(secret)}", **options) for secret in secrets]
    return findings


def read_call(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line. A wrong one ends the program with one line and exit code 2."""
    parser = _Parser(prog="attack.py", description=__doc__.splitlines()[0])
    parser.add_argument("training", type=Path, metavar="TRAINING", help="the original rows that the result is made of")
    parser.add_argument("result", type=Path, metavar="RESULT", help="the synthetic rows")
    parser.add_argument("control", type=Path, metavar="CONTROL", help="original rows that had no part in the result")
    parser.add_argument("--attacks", type=_at_least(1), default=500, metavar="N", help="of each kind (%(default)s)")
    parser.add_argument("--secret", action="append", metavar="COLUMN", help="to be inferred; may be repeated (all)")
    parser.add_argument("--seed", type=_at_least(0), default=1, metavar="N", help="of all randomness (%(default)s)")
    parser.add_argument("--json", type=_new_file, metavar="FILE", help="write all figures")
    return parser.parse_args(arguments)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_WRONG_CALL, f"{self.prog}: {message}; see --help\n")


def _at_least(least: int) -> Callable[[str], int]:
    def convert(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return int(text)

    return convert


def _new_file(text: str) -> Path:
    path = Path(text)
    if path.exists():
        raise argparse.ArgumentTypeError(f"{path}: exists already; remove it, or give another name")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"{path.parent}: no such folder; make it first")
    return path


def write_json(content: dict[str, object], path: Path) -> None:
    """Write a JSON file, whole or not at all. Raises FileExistsError if the name is taken."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        os.link(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return the exit code."""
    given = read_call(arguments)
    paths = {"training": given.training, "result": given.result, "control": given.control}
    try:
        if importlib.util.find_spec("anonymeter") is None:
            raise ValueError(f"anonymeter is missing; run it with: uv run benchmarks/attack.py {' '.join(arguments)}")
        tables = read_tables(list(paths.values()))
        secrets = given.secret or tables.names
        for secret in secrets:
            if secret not in tables.names:
                raise ValueError(f"--secret {secret}: no column with values; there are {', '.join(tables.names)}")
        equal = {name: copies(getattr(tables, name), tables.training) for name in ("result", "control")}
        for name, count in equal.items():
            print(f"{count} of {len(getattr(tables, name)):,} {name} rows equal a training row")
        findings = attack(tables, secrets, attacks=given.attacks, seed=given.seed)
        print(f"\n{findings_table(findings)}\n\n{kinds_table(findings)}")
        if given.json:
            facts: dict[str, object] = {name: str(path) for name, path in paths.items()}
            facts |= {"equal_to_training": equal}
            facts |= {"attacks": given.attacks, "seed": given.seed, "confidence": CONFIDENCE}
            write_json(facts | {"findings": [asdict(each) for each in findings]}, given.json)
    except (ValueError, OSError) as error:
        print(f"attack.py: {error}", file=sys.stderr)
        return EXIT_WRONG_CALL
    except KeyboardInterrupt:
        print("attack.py: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
