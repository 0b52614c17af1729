"""Reads a file into integer codes, once and in batches. All of the selection works on these codes."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from postprocess.data.binning import Binning, faults_located, typed_frame
from postprocess.data.codes import Codes
from postprocess.data.sources import MISSING_TOKENS, Source
from postprocess.runtime.exits import InputError
from postprocess.runtime.progress import Progress
from postprocess.runtime.suggestions import closest
from postprocess.runtime.threads import Workers, open_workers


class RowRules(Protocol):
    """Rules that a row keeps or breaks.

    texts: one for each rule. columns: those that the rules need. holds: given a typed frame with these columns, returns
    (n_rules, n_rows) bool.
    """

    @property
    def texts(self) -> Sequence[str]: ...

    @property
    def columns(self) -> Sequence[str]: ...

    def holds(self, frame: pd.DataFrame) -> np.ndarray: ...


def read_codes(
    source: Source,
    binning: Binning,
    *,
    progress: Progress,
    threads: int | None = None,
    at_least: int = 0,
    quasi_identifiers: Collection[str] = (),
    rules: RowRules | None = None,
) -> Codes:
    """Return the codes of all rows of `source`.

    The columns of `source` may stand in any order. Surplus columns are ignored, with a log line. threads: None for all
    cores; the number does not change the result. at_least: the number of rows that the source must have.
    quasi_identifiers: training columns whose combination gets a fingerprint of its own. rules: which rows break each of
    them is returned as well. Needs memory for twice the result and a few batches.

    Raises InputError if columns are missing, a value does not fit the format of its column, there are too few rows, or
    the file cannot be read.
    """
    require_columns(source, binning.names)
    surplus = [name for name in source.columns if name not in binning.names]
    if surplus:
        progress.log(f"{source.path}: ignoring {_named(surplus)}, not in the training data")
    pieces: list[Codes] = []
    n_rows = 0
    with (
        open_workers(threads) as workers,
        progress.task(f"Reading the {source.role} data", total=source.row_count(), unit="row") as task,
    ):
        for batch in source.batches(binning.names):
            piece = _encode(batch, source, binning, quasi_identifiers, rows_before=n_rows, workers=workers)
            if rules is not None and rules.columns:
                holds = rules.holds(typed_frame(batch, [binning.column(name) for name in rules.columns]))
                piece = replace(piece, broken=dict(zip(rules.texts, ~holds, strict=True)))
            pieces.append(piece)
            n_rows += batch.num_rows
            task.advance(batch.num_rows)
    if n_rows < at_least:
        raise InputError(
            f"{source.path}: only {n_rows:,} rows; the {source.role} data needs at least the {at_least:,} rows of the "
            "result; give a file with more rows, best with many times more"
        )
    return Codes(
        np.concatenate([piece.codes for piece in pieces], axis=1),
        np.concatenate([piece.fingerprints for piece in pieces]),
        np.concatenate([piece.rare for piece in pieces]),
        np.concatenate([piece.combinations for piece in pieces]) if quasi_identifiers else None,
        rare_in=sum((Counter(piece.rare_in) for piece in pieces), Counter()),
        broken={text: np.concatenate([piece.broken[text] for piece in pieces]) for text in pieces[0].broken},
    )


def require_columns(source: Source, names: Sequence[str]) -> None:
    """Raise InputError if `source` lacks one of the training data's columns, whose names are given."""
    missing = [name for name in names if name not in source.columns]
    if missing:
        like = closest(missing[0], [name for name in source.columns if name not in names])
        hint = "" if like is None else f" ({like!r} is not {missing[0]!r})"
        raise InputError(
            f"{source.path}: missing {_named(missing)}{hint}; the {source.role} data needs all training columns"
        )


def _named(columns: Sequence[str]) -> str:
    return f"column{'s' * (len(columns) > 1)} {', '.join(repr(name) for name in columns)}"


def _encode(
    batch: pa.RecordBatch,
    source: Source,
    binning: Binning,
    quasi_identifiers: Collection[str],
    *,
    rows_before: int,
    workers: Workers,
) -> Codes:
    """Return the codes of a batch of `source` with the training data's columns. Each thread encodes a share of them."""
    codes = np.empty((len(binning.columns), batch.num_rows), np.uint8)

    rare_in: dict[str, int] = {}

    def encode_share(first: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        fingerprints, combinations = np.zeros((2, batch.num_rows), np.uint64)
        rare = np.zeros(batch.num_rows, bool)
        for place in range(first, len(codes), workers.threads):
            column = binning.columns[place]
            with faults_located(source, column.name, rows_before):
                encoded = column.encode(batch.column(place), salt=place + 1)
            codes[place] = encoded.codes
            fingerprints += encoded.hashes  # of a row: the sum of its values' hashes
            if column.name in quasi_identifiers:
                combinations += encoded.hashes
            if encoded.rare is not None:
                rare |= encoded.rare
                rare_in[column.name] = int(np.count_nonzero(encoded.rare))
        return fingerprints, rare, combinations

    fingerprints, rare, combinations = zip(*workers.map(encode_share, range(workers.threads)), strict=True)
    return Codes(
        codes,
        np.add.reduce(fingerprints),
        np.logical_or.reduce(rare),
        np.add.reduce(combinations) if quasi_identifiers else None,
        rare_in=rare_in,
    )


def encode_frame(frame: pd.DataFrame, binning: Binning) -> np.ndarray:
    """Return the codes of a typed frame with all columns: (n_columns, n_rows) uint8.

    They are the codes that the frame has after it is written to a CSV.

    Raises InputError if a value does not fit the format of its column.
    """
    text = binning.to_text(frame)
    text = text.mask(text.isin(MISSING_TOKENS), None)
    return binning.encode(
        pa.RecordBatch.from_pydict({name: pa.array(text[name], pa.string()) for name in binning.names})
    )
