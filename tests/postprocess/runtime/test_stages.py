import time

from postprocess.runtime.stages import Deadline


def test_a_deadline_passes_after_its_minutes():
    now = time.monotonic()
    assert not Deadline(1).passed()
    assert not Deadline(1, started=now - 55).passed()
    assert Deadline(1, started=now - 60).passed()
    assert Deadline(0).passed()
