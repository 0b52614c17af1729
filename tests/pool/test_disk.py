import errno
import os

import psutil
import pytest

from pool.disk import sync_folder, write_whole


def test_a_file_is_written_in_place_of_the_one_before(tmp_path):
    for text in ("one", "twö"):
        write_whole(tmp_path / "file.json", text)
        assert (tmp_path / "file.json").read_text(encoding="utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["file.json"]


def test_a_failed_write_leaves_the_one_before(tmp_path, monkeypatch):
    def fill(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    write_whole(tmp_path / "file.json", "one")
    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(OSError, match="No space left on device"):
        write_whole(tmp_path / "file.json", "two")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file.json", "one")]


def test_a_file_system_that_cannot_sync_folders_is_good_enough(tmp_path, monkeypatch):
    def refuse(_descriptor):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    before = psutil.Process().num_fds()
    sync_folder(tmp_path)
    assert psutil.Process().num_fds() == before
