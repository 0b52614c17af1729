"""Synthetic rows whose tables match the original's: train generators, fill a large pool, select rows from it.

Edit the parameters here; README.md says which ones matter most. `run`, below them, is the method step by step.
"""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from postprocess.runtime.exits import explain_early_exit, run_to_exit
from postprocess.runtime.streams import open_standard_streams

if __name__ == "__main__":
    explain_early_exit()

import pandas as pd

from pool.build import build_pool, training_warnings
from pool.errors import ParameterError, PoolError
from pool.parameters import PoolParameters
from postprocess.command_line import Call, parse_call
from postprocess.data.binning import Binning, fit_binning, read_typed
from postprocess.data.column_bins import Kind
from postprocess.data.encoding import read_codes
from postprocess.data.frames import read_result, write_frame
from postprocess.data.inputs import open_inputs
from postprocess.data.kinds import kinds_table
from postprocess.data.result_csv import write_result
from postprocess.data.row_weights import training_weights
from postprocess.data.sources import Source, open_source
from postprocess.overrides import plain, with_settings
from postprocess.preflight import Preflight, available_memory
from postprocess.report.write import ENDINGS, Run, write_report
from postprocess.rules.of_training import rules_of_training
from postprocess.rules.rule import Rules
from postprocess.runtime.exits import InputError, leave
from postprocess.runtime.outputs import write_under_free_name
from postprocess.runtime.progress import Progress, open_progress
from postprocess.runtime.stages import Journal
from postprocess.scoring import CycleScorer
from postprocess.selection.parameters import SelectionParameters
from postprocess.selection.select import select as select_rows

# ---------------------------------------------------------------------------------------------------------- the pool
# "Per cycle": the parameter takes one value, or a list with one value for each cycle. The last value repeats.
POOL = PoolParameters(
    # Cycles: each trains a fresh generator with its own seed. More of them make a more varied pool and take longer.
    train_iterations=2,
    # Per cycle: MOSTLY_AI/Small, /Medium or /Large. A larger generator learns rarer patterns; on a CPU, an epoch of
    # Large takes about twice as long as one of Small.
    model_name="MOSTLY_AI/Large",
    # Per cycle: passes over the training rows, at most. A training stops by itself, usually after 10 to 40.
    max_epochs=100,
    # Per cycle: minutes of training, at most.
    max_training_time=60.0,
    # Per cycle: rows per training step. None: 64 to 1024, by the number of rows. A larger batch is faster on a GPU and
    # needs more memory; wide tables of few rows (5,000 x 80) did better with 1024. Halved once if memory runs out.
    batch_size=None,
    # Rows of the whole pool, as a multiple of the training rows. More choice for the selection; more time and disk.
    sample_size=25.0,
    # Per cycle: above 1 the rows are more varied than the generator believes, below 1 less varied.
    sampling_temperature=1.05,
    # Per cycle: "all" trains on the training rows, "bootstrap" on the same number drawn with replacement.
    training_rows="all",
    # "auto": as many cycles at once as cores and memory allow. None: one after the other. "dask": on the machines of
    # the scheduler at DASK_SCHEDULER_ADDRESS (README). The rows do not depend on it.
    cycle_backend="auto",
    # Seed of the pool. A pool of the same seed, data and parameters is used again, or continued if it is unfinished.
    seed=1,
)
# --draft replaces these, for a first look at the data in about a minute.
DRAFT = POOL.for_one_cycle(model_name="MOSTLY_AI/Small", max_epochs=6, sample_size=10.0)
DRAFT_WARNING = "this is a draft (one small generator, a short training); run without --draft for a result to use"

# ----------------------------------------------------------------------------------------------------- the selection
SELECTION = SelectionParameters(
    # Rows of the result, at least 100. None: as many as TRAINING has.
    rows=None,
    # Columns of TRAINING that are neither trained nor written, such as ("id", "name").
    exclude=(),
    # What columns are taken for if it is not what the log says: "number", "date", "category" or "text", such as
    # {"zip": "category"}. A category is kept as it is written; its rare values are replaced by more frequent ones.
    column_kinds={},
    # Rules that hold in every row of the result, such as ("price >= cost", "total == price * pieces").
    rules=(),
    # Whether rules are looked for that hold in every row of TRAINING: columns that decide others, orders, sums.
    find_rules=True,
    # A column of TRAINING that says for how many rows each row counts (survey weights). It is not written either.
    weight_column=None,
    # Shares of your own, such as {"churn": {"yes": 0.3, "no": 0.7}}: the training rows are weighted so that they hold.
    # A value needs a bin of its own, as in a column of at most ten values; None stands for missing values.
    target_shares={},
    # IPF: pairs of columns that the weights are fitted to, the most informative first (of unweighted rows). None: all.
    ipf_top_pairs=None,
    # IPF: sweeps over these pairs, at most. Two bring most of the gain.
    ipf_iterations=3,
    # IPF: mean error of a sweep (share, 0 to 1) at which the weights have converged.
    ipf_tolerance=1e-4,
    # Trimming: rows of the oversized subset per training row. More choice; the time grows with the rows dropped.
    trimming_data_multiplier=2.0,
    # Trimming: rows compared with each other at a time. A larger number chooses better and takes longer.
    trimming_swapsize=100_000,
    # Trimming: minutes, at most. Rows that are then still too many go by their last score.
    max_trimming_time=30.0,
    # Trimming and refinement match the tables of the k most informative columns only, with k the largest number that
    # gives at most this many pairs (triples). None: all columns.
    refinement_top_pairs=None,
    refinement_top_triples=None,
    # Refinement: rows compared with each other at a time. A larger number finds better swaps and takes longer.
    refinement_swapsize=100_000,
    # Refinement: rounds, at most, each with another set of rows.
    refinement_iterations=1_000,
    # Refinement: it ends once a pass over all candidates would gain less fit to the targets (share, 0 to 1) than this.
    refinement_tolerance=1e-5,
    # Refinement: minutes, at most.
    max_refinement_time=30.0,
    # GiB for the tables of three columns. If they need more, only those of the most informative columns are matched.
    max_memory=4.0,
    # How far the targets of pairs and triples move from the training data's tables towards the pool's. 1: as far as
    # sampling noise explains the difference. More gives less away of single rows. 0 fits the training rows as they are.
    target_smoothing=1.5,
    # 0 to 1: a pool row is excluded if its distance to its closest training row is below this share of that row's
    # distance (rounded at random) to the nearest other one, or if it differs in one column only and real rows rarely
    # do. 0: off.
    privacy_filter=0.8,
    # Whether pool rows that equal a training row may be selected.
    allow_training_copies=False,
    # Columns that others may know of a person, such as ("zip", "birth_date"). The report counts the result rows with a
    # combination of their values that one training row alone has.
    quasi_identifiers=(),
    # Whether pool rows with such a combination are excluded.
    exclude_unique_combinations=False,
    # Whether the report measures how real the rows look beyond the tables. It takes some seconds.
    realism=True,
    # Whether the report measures how well models learn from the result. It takes some seconds.
    usefulness=True,
    # The column that these models predict. None: up to three columns that can be predicted.
    target_column=None,
    # How many threads, or processes in their place, work at a time. None: one for each core. They give the same result.
    threads=None,
    # Seed of the selection.
    seed=1,
)


def main(arguments: Sequence[str]) -> int:
    """Run the method for a command line; returns the exit code. Only the paths of the files go to stdout."""
    open_standard_streams()
    call = parse_call(arguments)
    return run_to_exit(
        lambda: run(call, open_progress(sys.stderr, verbose=call.verbose)),
        wrong_input=(InputError, ParameterError),
        failed=(PoolError,),
        to_save_memory="lower sample_size, max_memory or the swapsizes",
    )


def run(call: Call, progress: Progress) -> list[Path]:
    """Run the method step by step; returns the paths of the files that it wrote."""
    pool_parameters, parameters = with_settings([DRAFT if call.draft else POOL, SELECTION], call.settings)
    journal, threads = Journal(progress), parameters.threads
    if call.settings:
        progress.log(
            f"in place of main.py's: {', '.join(f'{name}={value!r}' for name, value in call.settings.items())}"
        )

    # 1. Bin the training data to integers.
    with journal.stage("reading") as stage:
        inputs = open_inputs(
            call.training,
            pool=call.pool,
            holdout=call.holdout,
            exclude=parameters.exclude,
            weight_column=parameters.weight_column,
        )
        call.require_writable_output()
        binning = fit_binning(inputs.training, kinds=parameters.column_kinds, progress=progress)
        for line in (*inputs.notes(binning), *kinds_table(binning)):
            progress.log(line)
        journal.warn(*binning.warnings())
        quasi_identifiers = binning.required(parameters.quasi_identifiers, "quasi_identifiers")
        if parameters.target_column is not None:
            binning.required((parameters.target_column,), "target_column")
        columns_and_shares = parameters.weight_column, parameters.target_shares
        weights = training_weights(inputs.training, binning, *columns_and_shares, progress=progress)
        holdout = inputs.read_holdout(binning, threads=threads, progress=progress)  # now: it may not fit
        training = read_codes(
            inputs.training, binning, quasi_identifiers=quasi_identifiers, threads=threads, progress=progress
        )
        training = replace(training, weights=weights)
        stage.rows = training.n_rows
    with journal.stage("rules") as stage:
        frame = read_typed(inputs.training, binning)
        given, find = parameters.rules, parameters.find_rules
        rules = rules_of_training(frame, given, find=find, log=progress.log, warn=journal.warn)
        stage.rows = len(frame)
    n = parameters.rows or training.n_rows
    preflight = Preflight(inputs.training, binning, parameters, call.output)

    # 2. Train generators and sample the pool, or take the pool that is given.
    repaired: dict[str, int] = {}
    pool_file, pool_made_by = inputs.pool, None
    if pool_file is None:
        score = CycleScorer(training, binning, threads)
        pool_file, pool_made_by, repaired = make_pool(
            call, pool_parameters, inputs.training, frame, binning, rules, score, preflight, journal
        )
    del frame
    with journal.stage("reading the pool") as stage:
        pool = read_codes(
            pool_file,
            binning,
            at_least=n,
            quasi_identifiers=quasi_identifiers,
            rules=rules,
            threads=threads,
            progress=progress,
        )
        stage.rows = pool.n_rows
    preflight.before_selection(pool.n_rows)

    # 3. Select: targets, privacy filter, IPF weights, rounding to an oversized subset, trimming, swap refinement.
    shared = [binning.names.index(name) for name in parameters.target_shares]
    selection = select_rows(
        training,
        pool,
        binning.n_codes,
        parameters,
        fixed_columns=shared,
        given_pool=call.pool,
        journal=journal,
    )

    # 4. Write the result, then the report on it. With a holdout, mostlyai-qa's figures are added at the end.
    with journal.stage("writing") as stage:
        stem = f"flat_result_{datetime.now():%Y%m%d_%H%M}{call.suffix}"
        write = partial(
            write_result, pool_file, selection.rows, binning, dialect=inputs.training.dialect, progress=progress
        )
        paths = write_under_free_name(call.output / "results", stem, (".csv", *ENDINGS), write)
        stage.rows = len(selection.rows)
    made = Run(
        inputs=inputs,
        pool_file=pool_file,
        pool_made_by=pool_made_by,
        binning=binning,
        training=training,
        pool=pool,
        holdout=holdout,
        rules=rules,
        repaired=repaired,
        selection=selection,
        paths=paths,
        parameters=(pool_parameters, parameters),
        settings=call.settings,
        draft=call.draft,
    )
    return write_report(made, journal)


def make_pool(
    call: Call,
    parameters: PoolParameters,
    source: Source,
    frame: pd.DataFrame,
    binning: Binning,
    rules: Rules,
    score: CycleScorer,
    preflight: Preflight,
    journal: Journal,
) -> tuple[Source, str, dict[str, int]]:
    """Build the pool, or take the one that an earlier run has left.

    frame: the typed rows of `source`. Returns the file of the pool, which run has made it, and the number of its rows
    that each rule has repaired.
    """
    categories = [column.name for column in binning.columns if column.kind == Kind.CATEGORY]
    treatment = (*(f"{name} is a category" for name in categories), *rules.repairing)
    with journal.stage("pool") as stage:
        built = build_pool(
            frame.astype(dict.fromkeys(categories, "category")),
            parameters,
            folder=call.output / "pool_data",
            suffix=call.suffix,
            to_text=binning.to_text,
            repair=rules.repair,
            score=score,
            before_training=preflight.before_training,
            memory_bytes=available_memory().memory,
            training_sha256=source.columns_sha256,
            treatment=treatment,
            progress=journal.progress,
        )
        stage.rows = built.rows
    journal.warn(*[DRAFT_WARNING] if call.draft else training_warnings(built.cycles))
    repaired: Counter[str] = Counter()
    for cycle in built.cycles:
        repaired.update(cycle.repaired)
    return open_source(built.path, role="pool"), built.made_by, dict(repaired)


def synthesise(
    frame: pd.DataFrame, *, draft: bool = False, verbose: bool = False, **parameters: object
) -> pd.DataFrame:
    """Return synthetic rows with the columns and dtypes of `frame`: train generators on it, and select from their rows.

    draft: as --draft. verbose: whether the log goes to stderr. The other keywords take the place of parameters above,
    such as rows=500, seed=3 or sample_size=10. As in a file, text such as "NA" or "null" stands for a missing value.
    Use `./run.sh` for long runs: it can be continued after an interrupt.

    Raises InputError if the frame or a parameter cannot be used, and PoolError if a training fails.
    """
    return _on_frames(frame, None, draft, verbose, parameters)


def select(frame: pd.DataFrame, pool: pd.DataFrame, *, verbose: bool = False, **parameters: object) -> pd.DataFrame:
    """Return rows of `pool` whose tables match those of `frame`, with the columns and dtypes of `frame`.

    The keywords and the errors are those of `synthesise`.
    """
    return _on_frames(frame, pool, False, verbose, parameters)


def _on_frames(
    frame: pd.DataFrame, pool: pd.DataFrame | None, draft: bool, verbose: bool, parameters: dict[str, object]
) -> pd.DataFrame:
    with TemporaryDirectory() as folder:
        training = write_frame(frame, Path(folder) / "frame.parquet", "frame")
        pool_path = None if pool is None else write_frame(pool, Path(folder) / "pool.parquet", "pool")
        call = Call(training, pool_path, None, Path(folder), draft, plain(parameters))
        try:
            result, *_ = run(call, open_progress(sys.stderr if verbose else None))
        except InputError as error:
            named = str(error).replace(str(training), "frame").replace(str(pool_path), "pool")
            raise InputError(named) from None
        return read_result(result, training, frame)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))
