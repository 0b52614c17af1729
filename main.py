"""Synthetic rows whose tables match the original's: generate a large pool, then select from it.

All parameters stand at the top; the stages follow at the bottom, in the order in which they run.
"""

import filecmp
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from postprocess.runtime.exits import PROGRAM, checked, explain_early_ends, open_standard_streams, run_to_end

if __name__ == "__main__":
    explain_early_ends()

import numpy as np
import pandas as pd

from pool.build import build_pool, training_warnings
from pool.errors import ParameterError, PoolError
from pool.parameters import PoolParameters
from pool.storage.pool_file import PoolResult
from postprocess.data.binning import Binning, fit, read_typed
from postprocess.data.codes import Codes
from postprocess.data.encoding import encode_frame, read_codes
from postprocess.data.inputs import open_inputs
from postprocess.data.result_csv import write_result
from postprocess.data.sources import Source, open_source
from postprocess.preflight import available_memory, mean_row_bytes, needs_of_selection, needs_of_training, require_room
from postprocess.report.diagnostics import origin, trainings
from postprocess.report.findings import look_closely
from postprocess.report.mostlyai_qa import Official, evaluate
from postprocess.report.page import write_page
from postprocess.report.sentences import worse_than_a_sample
from postprocess.report.summary import FileFacts, RunFacts, summary, write_summary
from postprocess.runtime.exits import InputError, Parser
from postprocess.runtime.outputs import free_path, require_writable
from postprocess.runtime.progress import Progress, Silent, open_progress
from postprocess.runtime.threads import open_workers
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.select import Stage, select
from postprocess.tables.accuracy import measure

with checked(PoolParameters, SelectionParameters):
    # ------------------------------------------------------------------------------------------------- the pool
    POOL = PoolParameters(
        # Cycles: each trains a fresh generator, with its own seed and validation rows. The pool gets more varied, and a
        # bad training weighs less. A line below that begins with "Per cycle" takes a list such as
        # ["MOSTLY_AI/Large", "MOSTLY_AI/Small"] as well: one entry for each cycle, the last one repeats.
        train_iterations=2,
        # Per cycle: size of the generator, MOSTLY_AI/Small, /Medium or /Large. Larger learns rarer patterns and takes
        # longer: on a CPU, a Large epoch takes about twice as long as a Small one.
        model_name="MOSTLY_AI/Large",
        # Per cycle: at most this many passes over the training rows. Training stops by itself once it no longer
        # improves, which usually takes 10 to 40.
        max_epochs=100,
        # Per cycle: at most this many minutes of training.
        max_training_time=60.0,
        # Per cycle: rows of a training step. None: 64 to 1024, the most that give 64 steps an epoch. A larger batch is
        # faster on a GPU, takes more memory and learns less from few rows; but a wide table of few rows (5,000 x 80)
        # did better with 1024. If memory runs out, the batch is halved once.
        batch_size=None,
        # Rows of the whole pool, as a multiple of the training rows. More rows give the selection more choice; sampling
        # time, disk space and selection time grow in proportion.
        sample_size=25.0,
        # Per cycle: above 1 the generator samples more varied rows than it believes in, below 1 more typical ones.
        sampling_temperature=1.05,
        # Per cycle: "all" trains on the training rows, "bootstrap" on as many drawn from them with replacement.
        training_rows="all",
        # "auto": as many cycles at once as the cores, the memory and the GPU's memory allow. None: one after the other.
        # "dask": on the machines of the Dask scheduler at DASK_SCHEDULER_ADDRESS (needs the package distributed and a
        # folder that all machines see). The rows do not depend on it.
        cycle_backend="auto",
        # Where all randomness of the pool starts: the same seed gives the same pool on the same kind of machine, and a
        # pool of the same training data and parameters that is in pool_data already is used again, or gone on with.
        seed=1,
    )

    # --draft: a first look at your data in about a minute. These replace the parameters above.
    DRAFT = POOL.for_one_cycle(model_name="MOSTLY_AI/Small", max_epochs=6, sample_size=10.0)

    # -------------------------------------------------------------------------------------------- the selection
    SELECTION = SelectionParameters(
        # Pairs of columns that IPF fits the weights to, the most informative first; None: all. Fewer save time only.
        ipf_top_pairs=None,
        # Sweeps of IPF over those pairs, at most. After two most of the gain is there.
        ipf_iterations=3,
        # Mean error of a sweep (share, 0..1) at which IPF has converged.
        ipf_tolerance=1e-4,
        # Rows of the oversized subset, as a multiple of the training rows. More leave trimming more choice; its time
        # grows with the rows it drops.
        trimming_data_multiplier=2.0,
        # Rows that trimming weighs against each other at a time. More choose better and take longer in proportion.
        trimming_swapsize=100_000,
        # Minutes of trimming, at most; rows still too many then go by their last score.
        max_trimming_time=30.0,
        # Tables that trimming and refinement match: those of the most informative columns, as many columns as have at
        # most so many pairs (triples); None: all. Fewer save memory and time and cost accuracy in the others.
        refinement_top_pairs=None,
        refinement_top_triples=None,
        # Rows that refinement weighs against each other at a time. More find better swaps, each taking longer.
        refinement_swapsize=100_000,
        # Rounds of refinement, at most, each with a new set of rows.
        refinement_iterations=1_000,
        # Gain of overall fit to the targets (share, 0..1) below which a pass over all candidate rows is the last one.
        # Lower goes on for longer and for less; 0 goes on until no swap improves.
        refinement_tolerance=2e-5,
        # Minutes of refinement, at most.
        max_refinement_time=30.0,
        # GiB for the tables of three columns. Where all of them need more, those of the most informative columns are
        # matched.
        max_memory=4.0,
        # How far (share) the tables of pairs and triples leave the training data's for the pool's where sampling noise
        # alone may tell the two apart. 0: as close to the training rows as can be; more: leaning less on them, and as
        # close to unseen rows of the same kind or closer.
        target_smoothing=0.55,
        # Pool rows that come nearer to a training row than this share of the distance (columns that differ) from there
        # to the next training row are not selected; nor, at any share above 0, are rows that differ from one in a
        # single column, where that is rare among the training rows. Of a large pool only the rows that IPF prefers are
        # compared and selected from, twice as many as the oversized subset takes. 0: no such filter.
        privacy_filter=1.0,
        # Whether pool rows that equal a training row may be selected.
        allow_training_copies=False,
        # Threads; None: all cores. The result is the same whatever their number.
        threads=None,
        # Where all randomness of the selection starts.
        seed=1,
    )

DRAFT_WARNING = "a draft: one small generator, shortly trained; leave out --draft for a result to use"
PROJECT = Path(__file__).resolve().parent
OUTPUTS = (".csv", "_summary.json", "_report.html", "_official.html")  # endings of what a run leaves in results/


@dataclass(frozen=True)
class Call:
    """What the command line asks for."""

    training: Path
    pool: Path | None
    holdout: Path | None
    output: Path
    draft: bool

    @property
    def pool_parameters(self) -> PoolParameters:
        return DRAFT if self.draft else POOL

    @property
    def suffix(self) -> str:
        """What the names of the files of a draft end in."""
        return "_draft" if self.draft else ""


def main(arguments: Sequence[str]) -> int:
    """Run all stages; the exit code. Paths of what was written go to stdout, everything else to stderr."""
    open_standard_streams()
    call = read_call(arguments)
    return run_to_end(
        lambda: run(call, open_progress(sys.stderr)), wrong_input=(InputError, ParameterError), failed=(PoolError,)
    )


def run(call: Call, progress: Progress) -> list[Path]:
    """The method, stage by stage; returns the paths of what was written."""
    started = time.monotonic()
    sources = check_call(call)
    training_source = sources["training"]
    binning = fit(training_source, progress=progress)
    warnings = warnings_of(call, binning)
    for warning in warnings:
        progress.log(f"warning: {warning}")
    if "holdout" in sources:
        # Read now for its cells alone: one that does not fit ends the run before hours of work.
        read_codes(sources["holdout"], binning, progress=progress, threads=SELECTION.threads)
    training = read_codes(training_source, binning, progress=progress, threads=SELECTION.threads)
    row_bytes = mean_row_bytes(training_source, binning)
    training_facts = FileFacts.of(training_source.path, training.n_rows, len(binning.columns))
    stages = [Stage("reading", time.monotonic() - started, training.n_rows)]

    pool_made_by = None
    if "pool" not in sources:
        pool_started = time.monotonic()
        built = make_pool(call, training_source, training_facts.sha256, binning, training, row_bytes, progress)
        sources["pool"] = open_source(built.path, role="pool")
        pool_made_by = "this run" if built.new_cycles else "an earlier run"
        warnings += [DRAFT_WARNING] if call.draft else training_warnings(built.cycles)
        stages.append(Stage("pool", time.monotonic() - pool_started, built.rows))

    pool_started = time.monotonic()
    pool_source = sources["pool"]
    pool = read_codes(pool_source, binning, progress=progress, threads=SELECTION.threads, at_least=training.n_rows)
    require_room(needs_of_selection(training.n_rows, binning.sizes, pool.n_rows, row_bytes, SELECTION), call.output)
    stages.append(Stage("reading the pool", time.monotonic() - pool_started, pool.n_rows))

    selection = select(training, pool, binning.sizes, SELECTION, progress=progress)

    writing_started = time.monotonic()
    result_path, summary_path, report_path, official_path = write_chosen(
        pool_source, selection.rows, binning, call.output / "results", call.suffix, progress
    )
    stages += [*selection.stages, Stage("writing", time.monotonic() - writing_started, len(selection.rows))]
    findings = look_at_result(training, result_path, binning, progress)
    stages.append(Stage("comparing", time.monotonic() - stages[-1].ended, training.n_rows))
    facts = RunFacts(
        training=training_facts,
        pool=FileFacts.of(pool_source.path, pool.n_rows, len(pool_source.columns)),
        result=FileFacts.of(result_path, len(selection.rows), len(binning.columns)),
        pool_made_by=pool_made_by,
        parameters=(call.pool_parameters, SELECTION),
        draft=call.draft,
        stages=tuple(stages),
        selection=selection,
        official=None,
        seconds=time.monotonic() - started,
        findings=findings,
        origin=origin(selection.rows, pool_source.path, pool.n_rows),
        trainings=trainings(pool_source.path, pool.n_rows),
        warnings=(*warnings, *selection.warnings),
    )
    told = write_reports(facts, summary_path, report_path)
    official = evaluate_officially(sources, binning, result_path, official_path, progress)
    if official is not None:
        stages.append(Stage("mostlyai-qa", time.monotonic() - stages[-1].ended, training.n_rows))
        facts = replace(
            facts,
            official=official,
            official_page=official_path.name,
            stages=tuple(stages),
            seconds=time.monotonic() - started,
        )
        told = write_reports(facts, summary_path, report_path, replacing=True)
    harm = worse_than_a_sample(told)
    for warning in (*facts.warnings, *([harm] if harm else [])):
        progress.log(f"warning: {warning}")
    progress.log(f"done: accuracy {selection.accuracy['refined']}")
    return [result_path, summary_path, report_path, *([official_path] if official else [])]


def warnings_of(call: Call, binning: Binning) -> list[str]:
    """What the data and the call themselves give cause to warn of."""
    warnings = []
    if call.pool is not None and filecmp.cmp(call.training, call.pool, shallow=False):
        warnings.append(f"{call.pool}: the same as the training data, so the result is a copy of it")
    if names := binning.identifying():
        warnings.append(
            f"the values of {', '.join(map(repr, names))} hardly ever occur twice: if they tell who somebody is, leave "
            "them out of the training data, as real ones can come out (rows are compared by bins, not by values)"
        )
    return warnings


def check_call(call: Call) -> dict[str, Source]:
    """The files by their roles, after a first look at all that the call names: what is wrong there ends it at once."""
    sources = open_inputs(training=call.training, pool=call.pool, holdout=call.holdout)
    for name in ("results", "pool_data") if call.pool is None else ("results",):
        require_writable(call.output / name)
    return sources


def make_pool(
    call: Call,
    source: Source,
    sha256: str,
    binning: Binning,
    training: Codes,
    row_bytes: float,
    progress: Progress,
) -> PoolResult:
    """Train and sample the pool; each cycle is scored by a sample of as many rows as there are training rows."""

    def before_training(pool_rows: int, written_rows: int) -> None:
        needs = needs_of_training(
            training.n_rows, binning.sizes, pool_rows, row_bytes, SELECTION, written_rows=written_rows
        )
        require_room(needs, call.output)

    def score(sample: pd.DataFrame) -> float:
        samples = [encode_frame(sample, binning)]
        with open_workers(SELECTION.threads) as workers:
            (accuracy,) = measure(training.codes, samples, binning.sizes, workers=workers, progress=Silent(), label="")
        return accuracy.overall

    return build_pool(
        read_typed(source, binning),
        call.pool_parameters,
        folder=call.output / "pool_data",
        suffix=call.suffix,
        progress=progress,
        to_text=binning.to_text,
        score=score,
        before_training=before_training,
        memory_bytes=available_memory().memory,
        training_sha256=sha256,
    )


def write_chosen(
    source: Source, rows: np.ndarray, binning: Binning, folder: Path, suffix: str, progress: Progress
) -> tuple[Path, ...]:
    """Write the chosen rows under a free name; returns their path, and those left for the summary and the report."""
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        paths = free_path(folder, f"flat_result_{datetime.now():%Y%m%d_%H%M}{suffix}", OUTPUTS)
        with suppress(FileExistsError):  # another run may take the name meanwhile
            rewritten = write_result(source, rows, binning, paths[0])
            if rewritten:
                progress.log(
                    f"{sum(rewritten.values()):,} cells of the result are written as the training data writes them, "
                    f"not as the pool does (5 for 5.0, say), in {', '.join(map(repr, rewritten))}"
                )
            return paths


def look_at_result(training: Codes, path: Path, binning: Binning, progress: Progress) -> dict[str, object]:
    """What the summary and the report tell of the result file, read as it was written."""
    result = read_codes(open_source(path, role="result"), binning, progress=progress, threads=SELECTION.threads)
    with open_workers(SELECTION.threads) as workers:
        return look_closely(training.codes, result.codes, binning, workers=workers, progress=progress)


def write_reports(facts: RunFacts, summary_path: Path, report_path: Path, *, replacing: bool = False) -> dict:
    """Writes the summary, which it returns, and the page; replacing: those that this run has written before."""
    told = summary(facts)
    write_summary(told, summary_path, replacing=replacing)
    write_page(told, report_path, replacing=replacing)
    return told


def evaluate_officially(
    sources: dict[str, Source], binning: Binning, result: Path, page: Path, progress: Progress
) -> Official | None:
    """mostlyai-qa's figures and page, where there is a holdout: in minutes, with all else safely written by then."""
    if "holdout" not in sources:
        return None
    return evaluate(
        training=read_typed(sources["training"], binning),
        holdout=read_typed(sources["holdout"], binning),
        result=read_typed(open_source(result, role="result"), binning),
        page=page,
        threads=SELECTION.threads,
        progress=progress,
    )


def read_call(arguments: Sequence[str]) -> Call:
    """The command line; a wrong one ends the program with one line and exit code 2."""
    parser = Parser(
        program=PROGRAM,
        prog="run.sh",
        description="Synthetic rows whose tables match the original's: trains generators, fills a pool, selects.",
        epilog="Parameters are edited at the top of main.py. Exit codes: 0 done, 1 failed, 2 wrong call or input, "
        "130 interrupted, 143 terminated.",
    )
    parser.add_argument("training", type=Path, metavar="TRAINING", help="the original rows: .csv, .csv.gz or .parquet")
    parser.add_argument("--pool", type=Path, help="select from these synthetic rows instead of training generators")
    parser.add_argument(
        "--holdout", type=Path, help="original rows kept apart: for mostlyai-qa's accuracy and privacy figures alone"
    )
    parser.add_argument(
        "--output", type=Path, metavar="DIR", default=PROJECT, help="folder for results/ and pool_data/ (this project)"
    )
    parser.add_argument(
        "--draft", action="store_true", help="a first look in about a minute: one small generator, shortly trained"
    )
    given = parser.parse_args(arguments)
    if given.draft and given.pool is not None:
        parser.error("--draft shortens the training of generators, and --pool trains none: leave one of them out")
    return Call(given.training, given.pool, given.holdout, given.output, given.draft)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
