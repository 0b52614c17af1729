import errno
import stat
import subprocess
import sys

import pytest

from pool.generator.temporary_folder import temporary_folder


@pytest.fixture(autouse=True)
def _below(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_the_folder_is_private_and_is_removed_after_a_failure_too(tmp_path):
    with pytest.raises(KeyboardInterrupt), temporary_folder() as folder:
        assert folder.parent == tmp_path and stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "rows").mkdir()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_killed_run_is_removed_and_folders_in_use_stay(tmp_path):
    code = """
import os
from pool.generator.temporary_folder import temporary_folder
with temporary_folder() as folder:
    os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", code], env={"TMPDIR": str(tmp_path), "PYTHONPATH": "."}, check=False)
    (left,) = tmp_path.iterdir()
    (tmp_path / "pool-of-another-program").mkdir()
    with temporary_folder() as first, temporary_folder() as second:
        assert set(tmp_path.iterdir()) == {first, second, tmp_path / "pool-of-another-program"}
        assert left not in (first, second)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_a_run_leaves_that_is_killed_while_it_removes_its_folder_is_removed(tmp_path, number):
    code = f"""
import os, shutil
from pool.generator.temporary_folder import temporary_folder
def killed(event, arguments):
    if event in ("os.remove", "os.rmdir") and arguments[0] != "lock":
        sent.append(event)
        if len(sent) == {number}:
            os.kill(os.getpid(), 9)
sent = []
import sys
with temporary_folder() as folder:
    (folder / "data").mkdir()
    for name in ("a", "data/b", "z"):
        (folder / name).write_text("rows")
    sys.addaudithook(killed)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], env={"TMPDIR": str(tmp_path), "PYTHONPATH": "."}, check=False
    )
    assert process.returncode == -9 and any(tmp_path.iterdir())
    with temporary_folder() as folder:
        assert list(tmp_path.iterdir()) == [folder]


def test_without_locks_no_other_folder_is_removed(tmp_path, monkeypatch):
    def refuse(_descriptor, _how):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("fcntl.flock", refuse)
    with temporary_folder() as first, temporary_folder() as second:
        assert first.exists() and second.exists()
    assert list(tmp_path.iterdir()) == []
