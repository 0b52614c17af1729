"""Synthetic rows whose tables match the original's: generate a large pool, then select from it.

All parameters stand at the top; the stages follow at the bottom, in the order in which they run.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from pool.errors import PoolError
from pool.parameters import PoolParameters
from postprocess.binning import Binning, fit, read_typed
from postprocess.codes import Codes, encode_frame, read_codes
from postprocess.evaluation import measure
from postprocess.files import InputError, Source, open_source
from postprocess.parameters import SelectionParameters
from postprocess.progress import Progress, Silent, open_progress
from postprocess.report import FileFacts, RunFacts, write_report, write_summary
from postprocess.result import free_path, write_result
from postprocess.selection import Stage, select
from postprocess.workers import open_workers


@contextmanager
def refused(*errors: type[Exception]) -> Iterator[None]:
    """Ends the program with one line and exit code 2 where the parameters or the input are wrong."""
    try:
        yield
    except errors as error:
        sys.exit(_explain(str(error), code=2))


def _explain(message: str, *, code: int) -> int:
    print(f"main.py: {message}", file=sys.stderr)
    return code


with refused(ValueError):
    # ------------------------------------------------------------------------------------------------- the pool
    POOL = PoolParameters(
        # Cycles: generators trained one after the other, each from scratch. Time grows in proportion; rows become more
        # varied, and a bad training weighs less.
        train_iterations=2,
        # Size of the generator: MOSTLY_AI/Small, /Medium or /Large. Larger learns rarer patterns and takes longer:
        # on a CPU, a Large epoch takes about twice as long as a Small one.
        model_name="MOSTLY_AI/Large",
        # Passes over the training rows in a cycle, at most. More is better until training stops improving, when it ends
        # by itself.
        max_epochs=17,
        # Minutes that a cycle trains, at most.
        max_training_time=60.0,
        # Rows in a training step. More is faster on a GPU and takes more of its memory; too many for few rows learn
        # less.
        batch_size=1024,
        # Rows of the whole pool, as a multiple of the training rows. More rows give the selection more choice; sampling
        # time, disk space and selection time grow in proportion.
        sample_size=25.0,
        # Above 1 the generator samples more varied rows than it believes in, below 1 more typical ones.
        sampling_temperature=1.05,
        # Where all randomness of the pool starts: the same seed gives the same pool on the same kind of machine.
        seed=1,
    )

    # -------------------------------------------------------------------------------------------- the selection
    SELECTION = SelectionParameters(
        # Pairs of columns that IPF fits the weights to, the most informative first; None: all. Fewer save time only.
        ipf_top_pairs=None,
        # Sweeps of IPF over those pairs, at most. After two most of the gain is there.
        ipf_iterations=4,
        # Mean error of a sweep (share, 0..1) at which IPF has converged.
        ipf_tolerance=1e-4,
        # Rows of the oversized subset, as a multiple of the training rows. More leave trimming more choice; its time
        # grows with the rows it drops.
        trimming_data_multiplier=1.5,
        # Rows that trimming weighs against each other at a time. More choose better and take longer in proportion.
        trimming_swapsize=60_000,
        # Minutes of trimming, at most; rows still too many then go by their last score.
        max_trimming_time=30.0,
        # Tables that trimming and refinement match: those of the most informative columns, as many columns as have at
        # most so many pairs (triples); None: all. Fewer save memory and time and cost accuracy in the others.
        refinement_top_pairs=None,
        refinement_top_triples=None,
        # Rows that refinement weighs against each other at a time. More find better swaps, each taking longer.
        refinement_swapsize=60_000,
        # Rounds of refinement, at most, each with a new set of rows.
        refinement_iterations=1_000,
        # Gain of overall accuracy (share, 0..1) below which a pass over all candidate rows is the last one. Lower goes
        # on for longer and for less; 0 goes on until no swap improves.
        refinement_tolerance=2e-5,
        # Minutes of refinement, at most.
        max_refinement_time=30.0,
        # GiB that the tables may take. With too little for all triples, those of the most informative columns are
        # matched.
        max_memory=4.0,
        # Whether pool rows that equal a training row may be selected.
        allow_training_copies=False,
        # Threads; None: all cores. The result is the same whatever their number.
        threads=None,
        # Where all randomness of the selection starts.
        seed=1,
    )

PROJECT = Path(__file__).resolve().parent
EXIT_FAILED, EXIT_INTERRUPTED = 1, 130


@dataclass(frozen=True)
class Call:
    """What the command line asks for."""

    training: Path
    pool: Path | None
    holdout: Path | None
    output: Path


def main(arguments: Sequence[str]) -> int:
    """Run all stages; the exit code. Paths of what was written go to stdout, everything else to stderr."""
    call = read_call(arguments)
    signal.signal(signal.SIGTERM, _terminate)
    try:
        with refused(InputError):
            _print(run(call, open_progress(sys.stderr)))
    except KeyboardInterrupt:
        return _explain("interrupted", code=EXIT_INTERRUPTED)
    except PoolError as error:
        return _explain(str(error), code=EXIT_FAILED)
    except MemoryError as error:
        return _explain(f"out of memory ({error}): lower sample_size, max_memory or the swapsizes", code=EXIT_FAILED)
    except OSError as error:
        return _explain(f"{error.filename or 'output'}: {error.strerror or error}", code=EXIT_FAILED)
    return 0


def run(call: Call, progress: Progress) -> list[Path]:
    """The method, stage by stage; returns the paths of what was written."""
    started = time.monotonic()
    training_source = open_source(call.training, role="training")
    if call.holdout is not None:
        open_source(call.holdout, role="holdout")
    binning = fit(training_source, progress=progress)
    training = read_codes(training_source, binning, progress=progress)
    stages = [Stage("reading", time.monotonic() - started, training.n_rows)]

    pool_path = call.pool
    if pool_path is None:
        pool_started = time.monotonic()
        built = make_pool(call, training_source, binning, training, progress)
        pool_path = built.path
        stages.append(Stage("pool", time.monotonic() - pool_started, built.rows))

    pool_started = time.monotonic()
    pool_source = open_source(pool_path, role="pool")
    pool = read_codes(pool_source, binning, progress=progress)
    stages.append(Stage("reading the pool", time.monotonic() - pool_started, pool.n_rows))

    selection = select(training, pool, binning.sizes, SELECTION, progress=progress)

    writing_started = time.monotonic()
    results = call.output / "results"
    results.mkdir(parents=True, exist_ok=True)
    stem = f"flat_result_{datetime.now():%Y%m%d_%H%M}"
    result_path, summary_path, report_path = free_path(results, stem, (".csv", "_summary.json", "_report.html"))
    write_result(pool_source, selection.rows, binning, result_path)
    stages += [*selection.stages, Stage("writing", time.monotonic() - writing_started, len(selection.rows))]
    facts = RunFacts(
        training=FileFacts.of(training_source.path, training.n_rows, len(training_source.columns)),
        pool=FileFacts.of(pool_source.path, pool.n_rows, len(pool_source.columns)),
        result=FileFacts.of(result_path, len(selection.rows), len(binning.columns)),
        trained=call.pool is None,
        parameters=(POOL, SELECTION),
        stages=tuple(stages),
        selection=selection,
        seconds=time.monotonic() - started,
    )
    write_summary(facts, summary_path)
    write_report(facts, report_path)
    progress.log(f"done: accuracy {selection.accuracy['refined']}")
    return [result_path, summary_path, report_path]


def make_pool(call: Call, source: Source, binning: Binning, training: Codes, progress: Progress):
    """Train and sample the pool; each cycle is scored by a sample of as many rows as there are training rows."""
    from pool.build import build_pool  # loads the SDK's requirements, which --pool does without

    def score(sample: pd.DataFrame) -> float:
        with open_workers(SELECTION.threads) as workers:
            codes = encode_frame(sample, binning)
            label = "Measuring a sample of the cycle"
            return measure(training.codes, [codes], binning.sizes, workers=workers, progress=Silent(), label=label)[
                0
            ].overall

    return build_pool(
        read_typed(source, binning),
        POOL,
        folder=call.output / "pool_data",
        progress=progress,
        to_text=binning.to_text,
        score=score,
    )


def read_call(arguments: Sequence[str]) -> Call:
    """The command line; a wrong one ends the program with usage and exit code 2."""
    parser = argparse.ArgumentParser(
        prog="run.sh",
        description="Synthetic rows whose tables match the original's: trains generators, fills a pool, selects.",
        epilog="Parameters are edited at the top of main.py. Exit codes: 0 done, 1 failed, 2 wrong call or input, "
        "130 interrupted.",
    )
    parser.add_argument("training", type=Path, metavar="TRAINING", help="the original rows: .csv, .csv.gz or .parquet")
    parser.add_argument("--pool", type=Path, help="select from these synthetic rows instead of training generators")
    parser.add_argument("--holdout", type=Path, help="original rows kept apart: for evaluation alone")
    parser.add_argument(
        "--output", type=Path, default=PROJECT, help="folder for results/ and pool_data/ (this project)"
    )
    given = parser.parse_args(arguments)
    return Call(given.training, given.pool, given.holdout, given.output)


def _print(paths: list[Path]) -> None:
    try:
        for path in paths:
            print(path, flush=True)
    except BrokenPipeError:  # the reader has gone; nothing is lost, and the interpreter must not try again at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _terminate(_signal: int, _frame: object) -> None:
    raise SystemExit(143)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
