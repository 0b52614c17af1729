import pytest

from pool.generator.job import EVENT_SECONDS, StepReporter, speaks_of_memory


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_progress_is_sent_at_intervals_and_scaled_to_its_part_of_the_whole():
    sent, clock = [], Clock()
    report = StepReporter("generate", sent.append, start=100, size=40, clock=clock)
    report(completed=0, total=10)
    report(advance=5)  # too early
    clock.now += EVENT_SECONDS
    report(advance=2)
    clock.now += EVENT_SECONDS
    report(completed=12)
    assert [event["completed"] for event in sent] == [100, 128, 140]
    assert {event["step"] for event in sent} == {"generate"}


def test_the_progress_of_a_step_without_a_total_stays_zero():
    sent = []
    StepReporter("train", sent.append, clock=Clock())(completed=3, total=0)
    assert [event["completed"] for event in sent] == [0]


def test_each_message_about_an_epoch_is_sent_at_once_and_losses_are_finite_or_missing():
    sent, clock = [], Clock()
    report = StepReporter("train", sent.append, clock=clock)
    report(completed=1, total=10, message={"epoch": 0.1, "steps": 1, "trn_loss": 3.0, "val_loss": None})
    report(completed=10, message={"epoch": 1.0, "steps": 10, "trn_loss": float("nan"), "val_loss": 2.5})
    epochs = [event for event in sent if event["event"] == "epoch"]
    assert epochs == [
        {"event": "epoch", "number": 0.1, "training_loss": 3.0, "validation_loss": None},
        {"event": "epoch", "number": 1.0, "training_loss": None, "validation_loss": 2.5},
    ]
    assert [event["completed"] for event in sent if event["event"] == "progress"] == [0.1, 1.0]
    assert (report.steps, report.epoch) == (10, 1.0)


@pytest.mark.parametrize(
    ("text", "is_of_memory"),
    [
        ("CUDA out of memory. Tried to allocate 2.00 GiB", True),
        ("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory", True),
        ("Unable to allocate 8.00 TiB for an array", True),
        ("[Errno 12] Cannot allocate memory", True),
        ("model MOSTLY_AI/Huge not supported", False),
        ("", False),
    ],
)
def test_errors_of_memory_are_recognised_by_their_text(text, is_of_memory):
    assert speaks_of_memory(text) is is_of_memory
