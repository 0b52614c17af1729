"""Tests the accuracy of one real selection to four digits, so that a change of 0.0001 is seen.

tests/data/flights_pool.csv.gz holds 10,417 rows of a pool that was trained on examples/flights.csv with the defaults.
"""

from pathlib import Path

import pytest

import main
from postprocess.data.binning import fit_binning
from postprocess.data.encoding import read_codes
from postprocess.data.sources import open_source
from postprocess.runtime.progress import Progress
from postprocess.runtime.stages import Journal
from postprocess.selection.select import select
from tests.parameters import selection_parameters

PROJECT = Path(main.__file__).parent


def accuracies(**parameters):
    """Return the overall accuracy after each step, rounded to four digits.

    The multiplier leaves IPF and rounding a choice, although the pool is small.
    """
    training_file = open_source(PROJECT / "examples" / "flights.csv", role="training")
    binning = fit_binning(training_file, progress=Progress())
    pool_file = open_source(PROJECT / "tests" / "data" / "flights_pool.csv.gz", role="pool")
    training, pool = (read_codes(source, binning, progress=Progress()) for source in (training_file, pool_file))
    journal = Journal(Progress())
    selection = select(
        training,
        pool,
        binning.n_codes,
        selection_parameters(trimming_data_multiplier=1.2, **parameters),
        journal=journal,
    )
    return {step: round(float(accuracy.overall), 4) for step, accuracy in selection.accuracy.items()}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {"pool_sample": 0.8979, "ipf": 0.9247, "trimmed": 0.9253, "refined": 0.9261}),
        (
            {"target_smoothing": 0.0, "privacy_filter": 0.0},
            {"pool_sample": 0.8979, "ipf": 0.9298, "trimmed": 0.9339, "refined": 0.9348},
        ),
    ],
    ids=["the defaults", "the fullest fit"],
)
def test_the_accuracy_after_each_step_has_not_changed(parameters, expected):
    assert accuracies(**parameters) == expected
