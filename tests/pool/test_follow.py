from pathlib import Path

from pool.follow import follow_sampling, follow_training
from pool.manifest import TrainingFacts
from tests.pool.fakes import Recorder


def epoch(number, validation_loss, fraction):
    message = {"epoch": number, "trn_loss": 2.0, "val_loss": validation_loss}
    return {"event": "epoch", "message": message, "fraction": fraction}


def test_a_training_is_told_epoch_by_epoch_and_the_lowest_finite_loss_is_kept():
    progress = Recorder()
    events = [
        {"event": "log", "text": "training on a CPU"},
        {"event": "preparing", "step": "encode"},
        epoch(0.5, 3.0, 0.1),
        {"event": "training", "fraction": 0.15},
        epoch(1.0, 2.5, 0.2),
        epoch(2.0, float("nan"), 0.4),
        {"event": "trained"},
        {"event": "sampling", "rows": 1},
    ]
    left = iter(events)
    facts = follow_training(left, label="cycle 1", max_epochs=5, progress=progress)
    assert facts == TrainingFacts(epochs=2.0, validation_loss=2.5)
    assert list(left) == events[-1:]  # is for sampling
    assert progress.lines[:2] == [
        "cycle 1: training on a CPU",
        "cycle 1: epoch 0.5 of at most 5, training loss 2.0000, validation loss 3.0000",
    ]
    assert progress.completed == {"cycle 1: preparing": 0, "cycle 1: training": 100}


def test_how_far_a_training_is_between_two_epochs_is_told():
    progress = Recorder()
    follow_training(iter([{"event": "training", "fraction": 0.25}]), label="cycle 1", max_epochs=5, progress=progress)
    assert progress.completed["cycle 1: training"] == 25


def test_a_process_that_tells_nothing_has_no_facts():
    facts = follow_training(iter([]), label="cycle 1", max_epochs=5, progress=Recorder())
    assert facts == TrainingFacts()


def test_sampled_pieces_come_as_they_are_written_and_the_machine_at_the_end():
    progress, told = Recorder(), []
    events = iter(
        [
            {"event": "sampling", "rows": 3},
            {"event": "piece", "rows": 6, "file": "/tmp/piece0"},
            {"event": "sampling", "rows": 8},
            {"event": "machine", "device": "a GPU", "gpu_memory_bytes": 7},
        ]
    )
    facts = TrainingFacts(epochs=3.0)
    pieces = follow_sampling(events, facts, rows=10, label="cycle 1", progress=progress, tell=told.append)
    assert next(pieces) == Path("/tmp/piece0")
    assert progress.completed == {"cycle 1: sampling": 6}
    assert list(pieces) == []
    assert progress.completed == {"cycle 1: sampling": 8}
    assert told == [TrainingFacts(epochs=3.0, device="a GPU", gpu_memory_bytes=7)]
