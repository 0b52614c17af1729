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


def test_a_file_replaces_the_one_before(tmp_path):
    for text in ("one", "twö"):
        write(tmp_path / "file.json", text)
        assert (tmp_path / "file.json").read_text(encoding="utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


def test_a_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    def fill(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    write(tmp_path / "file.json", "one")
    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(OSError, match="No space left on device"):
        write(tmp_path / "file.json", "two")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file.json", "one")]


def test_a_file_system_that_cannot_sync_folders_is_accepted(tmp_path, monkeypatch):
    def refuse(_descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    before = psutil.Process().num_fds()
    sync_folder(tmp_path)
    assert psutil.Process().num_fds() == before


def test_only_one_holder_at_a_time_has_a_lock(tmp_path):
    path = tmp_path / "a.lock"
    lock = try_to_hold(path)
    assert try_to_hold(path) is None
    lock.release()
    assert not path.exists()
    again = try_to_hold(path)
    assert again is not None and again.is_exclusive
    again.leave()
    assert path.exists()


def test_a_killed_process_loses_its_lock_although_its_child_lives_on(tmp_path):
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


def test_a_lock_file_that_was_removed_meanwhile_is_made_again(tmp_path, monkeypatch):
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
def test_a_lock_is_not_exclusive_on_a_file_system_without_locks(tmp_path, monkeypatch, number):
    monkeypatch.setattr(fcntl, "flock", refuse(number))
    lock = try_to_hold(tmp_path / "a.lock")
    assert not lock.is_exclusive
    lock.release()


def test_other_failures_of_locking_are_raised(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", refuse(errno.EIO))
    with pytest.raises(OSError, match="no"):
        try_to_hold(tmp_path / "a.lock")
