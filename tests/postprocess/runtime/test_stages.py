import time

import pytest

from postprocess.runtime.random_streams import random_stream
from postprocess.runtime.stages import Deadline, Journal
from tests.postprocess.oracles import Recorder


def test_a_deadline_passes_after_its_minutes():
    now = time.monotonic()
    assert not Deadline(1).passed()
    assert not Deadline(1, started=now - 55).passed()
    assert Deadline(1, started=now - 60).passed()
    assert Deadline(0).passed()


def test_the_journal_keeps_finished_stages_and_warnings():
    progress = Recorder()
    journal = Journal(progress)
    with journal.stage("reading") as stage:
        stage.rows, stage.status = 3, {"status": "finished"}
    with pytest.raises(KeyboardInterrupt), journal.stage("trimming"):
        raise KeyboardInterrupt
    journal.warn("one", "two")
    (stage,) = journal.stages
    assert (stage.name, stage.rows, stage.status) == ("reading", 3, {"status": "finished"})
    assert 0 <= stage.seconds <= journal.seconds() and stage.ended <= time.monotonic()
    assert journal.warnings == ["one", "two"] and progress.lines == ["warning: one", "warning: two"]


def test_each_step_has_a_random_stream_of_its_own():
    first, again, other_step, other_seed = (
        random_stream(seed, step).integers(2**63)
        for seed, step in ((1, "ipf"), (1, "ipf"), (1, "trimming"), (2, "ipf"))
    )
    assert first == again and len({first, other_step, other_seed}) == 3
