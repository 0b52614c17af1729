import threading

from pool import relay
from pool.relay import STATUS_SECONDS, Sender, followed
from tests.pool.fakes import Recorder


def test_lines_are_told_while_they_come_and_the_rest_at_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(relay, "LOOK_SECONDS", 0.01)
    first, second, missing = (tmp_path / name for name in ("first.log", "second.log", "missing.log"))
    told = threading.Event()

    class Waiting(Recorder):
        def log(self, text):
            super().log(text)
            told.set()

    progress = Waiting()
    with followed([first, second, missing], progress):
        Sender(first).log("cycle 1: epoch 1\nof 3")
        assert told.wait(10)
        Sender(second).log("cycle 2: epoch 1")
        with first.open("a") as file:
            file.write("half a line")
    assert progress.lines == ["cycle 1: epoch 1 of 3", "cycle 2: epoch 1"]
    assert list(tmp_path.iterdir()) == []


def test_a_task_tells_now_and_then_how_far_it_is_and_how_long_it_will_take(tmp_path):
    now, path = 0.0, tmp_path / "cycle.log"
    sender = Sender(path, clock=lambda: now)
    with sender.task("training", total=100) as task:
        for percent in range(1, 21):
            now = percent * STATUS_SECONDS / 10
            task.advance()
    with sender.task("preparing") as task:
        now += 10 * STATUS_SECONDS
        task.advance()
    assert path.read_text() == "training: 10 %, 4 min left\ntraining: 20 %, 4 min left\n"
