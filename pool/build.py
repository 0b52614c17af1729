"""The pool: cycle after cycle, a fresh generator is trained and its rows are added to one CSV."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from pool.errors import ParameterError, PoolError
from pool.generator import train_and_sample
from pool.indicators import Contradictions, add_indicators, drop_indicators
from pool.parameters import PoolParameters
from pool.protocols import Generator, Progress
from pool.store import CycleResult, PoolFile, PoolResult

ToText = Callable[[pd.DataFrame], pd.DataFrame]
Score = Callable[[pd.DataFrame], float]


def build_pool(
    training: pd.DataFrame,
    parameters: PoolParameters,
    *,
    folder: Path,
    progress: Progress,
    to_text: ToText | None = None,
    score: Score | None = None,
    generator: Generator = train_and_sample,
    clock: Callable[[], datetime] = datetime.now,
    training_sha256: str | None = None,
) -> PoolResult:
    """Train and sample cycle after cycle into `folder`/flat_pool_YYYYMMDD_HHMM.csv; no file is ever overwritten.

    training: typed columns, missing values as NaN, None or NA; at least one row.
    to_text: turns sampled rows into what the CSV shows, text or None for each cell; else pandas decides.
    score: overall accuracy, 0 to 1, of as many sampled rows as `training` has (typed as those); logged for each cycle.
    generator: what is trained, see `pool.protocols.Generator`.
    training_sha256: of the training file, for the manifest.

    Each cycle has a seed of its own, derived from parameters.seed and its number. Beside the CSV, ..._manifest.json
    says what each of its bytes comes from; both are brought up to date after every cycle.

    Raises ParameterError when there are fewer rows to sample than cycles, PoolError when a cycle fails. Then, as on
    Ctrl-C, the finished cycles stay and the started one leaves nothing.
    """
    shares = _shares(len(training), parameters)
    with_indicators, indicators = add_indicators(training)
    folder.mkdir(parents=True, exist_ok=True)
    pool = PoolFile(folder, parameters, time=clock(), training_sha256=training_sha256)
    try:
        for number, rows in enumerate(shares, start=1):
            started = time.monotonic()
            label, seed = f"cycle {number} of {len(shares)}", _cycle_seed(parameters.seed, number)
            frames = generator(
                with_indicators, rows=rows, parameters=parameters, seed=seed, label=label, progress=progress
            )
            with closing(frames), pool.part() as part:
                writer = _CycleWriter(part, training, indicators, to_text=to_text, with_header=number == 1)
                for frame in frames:
                    writer.write(frame)
                if writer.rows != rows:
                    raise PoolError(f"{label}: the generator gave {writer.rows} rows instead of {rows}")
                end = pool.add(part)
            cycle = CycleResult(
                number=number,
                seed=seed,
                rows=rows,
                end=end,
                seconds=time.monotonic() - started,
                accuracy=None,
                contradictions=writer.contradictions,
            )
            pool.record(cycle)
            if score is not None:
                cycle = replace(cycle, accuracy=float(score(writer.first_rows())))
                pool.record(cycle)
            progress.log(f"{label}: {_describe(cycle)}")
    except BaseException:
        if pool.cycles:
            progress.log(f"the rows of the {len(pool.cycles)} finished cycles stay in {pool.path}")
        raise
    return pool.result()


def _shares(training_rows: int, parameters: PoolParameters) -> list[int]:
    """The rows of each cycle: as even as can be, the larger shares first."""
    rows, cycles = round(parameters.sample_size * training_rows), parameters.train_iterations
    if rows < cycles:
        raise ParameterError(f"train_iterations={cycles}: must be at most the number of rows to sample, here {rows}")
    return [rows // cycles + (number < rows % cycles) for number in range(cycles)]


def _cycle_seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


class _CycleWriter:
    """Writes the sampled frames of a cycle as CSV, without their indicators, and keeps what is to be told of them."""

    def __init__(
        self,
        part: BinaryIO,
        training: pd.DataFrame,
        indicators: dict[str, str],
        *,
        to_text: ToText | None,
        with_header: bool,
    ) -> None:
        self.rows = 0
        self.contradictions = Contradictions(0, 0)
        self._part, self._training, self._indicators = part, training, indicators
        self._to_text, self._with_header, self._line_end = to_text, with_header, _line_end(training)
        self._first: list[pd.DataFrame] = []

    def write(self, sample: pd.DataFrame) -> None:
        frame, contradictions = drop_indicators(sample, self._indicators)
        if list(frame.columns) != list(self._training.columns):
            raise PoolError(f"the generator gave other columns than it was trained on: {', '.join(frame.columns)}")
        if self.rows < len(self._training):
            self._first.append(frame.head(len(self._training) - self.rows))
        text = frame if self._to_text is None else self._to_text(frame)
        header = self._with_header and self.rows == 0
        text.to_csv(self._part, index=False, header=header, lineterminator=self._line_end, encoding="utf-8")
        self.rows += len(frame)
        self.contradictions += contradictions

    def first_rows(self) -> pd.DataFrame:
        """The first rows of the cycle, as many as the training has, or all where those are fewer."""
        return pd.concat(self._first, ignore_index=True)


def _line_end(training: pd.DataFrame) -> str:
    # The csv module quotes a carriage return in a value only where lines end with one.
    texts = [training[name] for name in training.columns if pd.api.types.is_string_dtype(training[name].dtype)]
    names = pd.Series(training.columns)
    has_return = any(text.astype("str").str.contains("\r", regex=False).any() for text in [names, *texts])
    return "\r\n" if has_return else "\n"


def _describe(cycle: CycleResult) -> str:
    parts = [f"{cycle.rows:,} rows in {cycle.seconds:,.0f} s"]
    if cycle.accuracy is not None:
        parts.append(f"overall accuracy {cycle.accuracy:.4f}")
    blanked, unfilled = cycle.contradictions
    if blanked or unfilled:
        parts.append(f"missing indicators contradicted: {blanked:,} values blanked, {unfilled:,} left missing")
    return ", ".join(parts)
