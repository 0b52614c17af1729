"""From the events of a generator's process to the progress that the user sees."""

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from pool.manifest import TrainingFacts
from pool.protocols import Progress, Tell
from pool.worker import Event

PERCENT = 100


def follow_training(events: Iterator[Event], *, label: str, max_epochs: int, progress: Progress) -> TrainingFacts:
    """Tell the progress of a training, epoch by epoch, until its events say that it has ended; returns what it told."""
    epochs: list[float] = []
    losses: list[float] = []
    first = _follow_preparing(events, label=label, progress=progress)
    with progress.task(f"{label}: training", total=PERCENT, unit="") as task:
        for event in chain(first, events):
            match event["event"]:
                case "training":
                    task.update(PERCENT * event["fraction"])
                case "epoch":
                    message = event["message"]
                    epochs.append(message["epoch"])
                    if message["val_loss"] is not None and math.isfinite(message["val_loss"]):
                        losses.append(message["val_loss"])
                    text = _describe_epoch(message, max_epochs)
                    progress.log(f"{label}: {text}")
                    task.update(PERCENT * event["fraction"], note=text)
                case "trained":
                    task.update(PERCENT)
                    break
    return TrainingFacts(epochs=max(epochs, default=None), validation_loss=min(losses, default=None))


def _follow_preparing(events: Iterator[Event], *, label: str, progress: Progress) -> list[Event]:
    """Follow until the training proper begins; returns the event that says so."""
    with progress.task(f"{label}: preparing") as task:
        for event in events:
            match event["event"]:
                case "log":
                    progress.log(f"{label}: {event['text']}")
                case "preparing":
                    task.update(0, note=event["step"])
                case _:
                    task.update(0, note="")
                    return [event]
    return []


def _describe_epoch(message: dict[str, float | None], max_epochs: int) -> str:
    parts = [f"epoch {message['epoch']:g} of at most {max_epochs}"]
    losses = (("training loss", message["trn_loss"]), ("validation loss", message["val_loss"]))
    parts += [f"{name} {value:.4f}" for name, value in losses if value is not None]
    return ", ".join(parts)


def follow_sampling(
    events: Iterator[Event], facts: TrainingFacts, *, rows: int, label: str, progress: Progress, tell: Tell
) -> Iterator[Path]:
    """Tell the progress of `rows` rows being sampled; yields the file of each piece.

    tell: called with `facts`, and what the events say of the machine, at the end.
    """
    with progress.task(f"{label}: sampling", total=rows, unit="row") as task:
        for event in events:
            match event["event"]:
                case "sampling":
                    task.update(event["rows"])
                case "piece":
                    task.update(event["rows"])
                    yield Path(event["file"])
                case "machine":
                    facts = replace(facts, device=event["device"], gpu_memory_bytes=event["gpu_memory_bytes"])
    tell(facts)
