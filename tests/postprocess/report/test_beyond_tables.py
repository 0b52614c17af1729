from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from postprocess.data.binning import fit_binning, read_typed
from postprocess.data.sources import open_source
from postprocess.report.beyond_tables import beyond_tables
from postprocess.runtime.progress import Progress
from postprocess.runtime.stages import Journal
from postprocess.selection.parameters import SelectionParameters
from tests.parameters import selection_parameters

PARAMETERS = selection_parameters(threads=1)


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    """Return a function that gives the figures of a result, by the selection's parameters."""
    folder, rng = tmp_path_factory.mktemp("figures"), np.random.default_rng(1)
    sources = []
    for role, n_rows in (("training", 500), ("pool", 900)):
        age = rng.integers(18, 90, n_rows)
        frame = pd.DataFrame({"age": age, "income": age * 100 + rng.normal(0, 500, n_rows).round()})
        frame.to_csv(folder / f"{role}.csv", index=False)
        sources.append(open_source(folder / f"{role}.csv", role=role))
    training, pool = sources
    binning = fit_binning(training, progress=Progress())
    frames = {"training": read_typed(training, binning), "result": read_typed(pool, binning, np.arange(500))}

    def of(parameters: SelectionParameters):
        journal = Journal(Progress())
        found = beyond_tables(frames, None, pool, np.arange(400, 900), binning, parameters, journal)
        assert [(stage.name, stage.rows) for stage in journal.stages] == [("beyond the tables", 500)] * bool(found)
        return found

    return of


def test_the_figures_are_the_same_if_they_are_made_at_the_same_time(figures):
    alone = figures(PARAMETERS)
    assert alone["realism"]["classifier"]["result"]["rows"] == 500
    assert alone["usefulness"]["targets"]
    assert figures(replace(PARAMETERS, threads=2)) == alone


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("wanted", [[], ["realism"], ["usefulness"]])
def test_only_the_wanted_figures_are_made(figures, threads, wanted):
    parameters = replace(PARAMETERS, threads=threads, **{name: name in wanted for name in ("realism", "usefulness")})
    assert [*figures(parameters)] == wanted
