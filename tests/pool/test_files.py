import errno
import fcntl
import os
import subprocess
import sys

import psutil
import pytest

from pool.files import NO_LOCKS, replacing, sync_folder, try_to_hold


def write(path, text):
    with replacing(path) as file:
        file.write(text.encode())


def test_a_file_is_written_in_place_of_the_one_before(tmp_path):
    for text in ("one", "twö"):
        write(tmp_path / "file.json", text)
        assert (tmp_path / "file.json").read_text(encoding="utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


def test_a_failed_write_leaves_the_one_before(tmp_path, monkeypatch):
    def fill(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    write(tmp_path / "file.json", "one")
    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(OSError, match="No space left on device"):
        write(tmp_path / "file.json", "two")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file.json", "one")]


def test_a_file_system_that_cannot_sync_folders_is_good_enough(tmp_path, monkeypatch):
    def refuse(_descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    before = psutil.Process().num_fds()
    sync_folder(tmp_path)
    assert psutil.Process().num_fds() == before


def test_one_at_a_time(tmp_path):
    path = tmp_path / "a.lock"
    lock = try_to_hold(path)
    assert try_to_hold(path) is None
    lock.release()
    assert not path.exists()
    again = try_to_hold(path)
    assert again is not None and again.is_exclusive
    again.leave()
    assert path.exists()


def test_a_lock_falls_with_a_killed_process_and_not_with_what_it_started(tmp_path):
    path = tmp_path / "a.lock"
    code = f"""
import subprocess, sys, time
from pathlib import Path
from pool.files import try_to_hold
lock = try_to_hold(Path({str(path)!r}))
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        child = process.stdout.readline().strip()
        assert try_to_hold(path) is None
        process.kill()
    lock = try_to_hold(path)
    subprocess.run(["kill", child], check=True)
    assert lock is not None
    lock.release()


def test_a_file_that_was_removed_meanwhile_is_not_held(tmp_path, monkeypatch):
    path, flock = tmp_path / "a.lock", fcntl.flock

    def remove_first(descriptor, how):
        monkeypatch.setattr(fcntl, "flock", flock)
        path.unlink()
        flock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    lock = try_to_hold(path)
    assert path.exists() and try_to_hold(path) is None
    lock.release()


def refuse(number):
    def flock(_descriptor, _how):
        raise OSError(number, "no")

    return flock


@pytest.mark.parametrize("number", NO_LOCKS)
def test_a_file_system_without_locks(tmp_path, monkeypatch, number):
    monkeypatch.setattr(fcntl, "flock", refuse(number))
    lock = try_to_hold(tmp_path / "a.lock")
    assert not lock.is_exclusive
    lock.release()


def test_other_failures_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", refuse(errno.EIO))
    with pytest.raises(OSError, match="no"):
        try_to_hold(tmp_path / "a.lock")
