import pytest

from pool.errors import PoolError
from pool.stall import IDLE_SHARE, STALL_SECONDS, StallWatch


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def watched(looks):
    """Look at (time in shares of STALL_SECONDS, progress, processor seconds), one after the other."""
    clock = Clock()
    watch = StallWatch("training", clock=clock)
    for when, progress, processor_seconds in looks:
        clock.now = when * STALL_SECONDS
        watch.look(progress, processor_seconds=processor_seconds)


@pytest.mark.parametrize(
    "looks",
    [
        [(0, 1, 0.0), (0.9, 1, 0.0)],
        [(0, 1, 0.0), (0.9, 2, 0.0), (1.8, 3, 0.0)],  # it gets on
        [(share / 2, 1, share * STALL_SECONDS * 0.1) for share in range(20)],  # a long epoch: it computes
        [(0, 1, 500.0), (0.9, 1, 3.0), (1.8, 1, 3.0)],  # a process of it has ended
    ],
)
def test_slow_work_goes_on(looks):
    watched(looks)


@pytest.mark.parametrize(
    "looks",
    [
        [(0, 1, 7.0), (1, 1, 7.0)],
        [(0, 1, 7.0), (0.5, 2, 7.0), (1.5, 2, 7.0)],
        [(share / 10, 1, share * IDLE_SHARE * STALL_SECONDS / 20) for share in range(11)],  # it only looks around
    ],
)
def test_a_standstill_is_noticed(looks):
    with pytest.raises(PoolError, match="the training stalled: no progress for 15 minutes, and its process is idle"):
        watched(looks)
