from postprocess.runtime.outputs import whole_file


def test_a_half_written_file_of_a_killed_run_is_removed_and_those_being_written_stay(tmp_path):
    left, mine = tmp_path / ".old.csv.01234567.unfinished", tmp_path / ".mine.unfinished"
    left.touch()
    mine.touch()
    with whole_file(tmp_path / "one.csv") as one:
        one.write_text("1")
        assert not left.exists()
        with whole_file(tmp_path / "two.csv") as two:
            two.write_text("2")
            assert one.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"one.csv", "two.csv", ".mine.unfinished"}


def test_without_locks_nothing_is_removed(tmp_path, monkeypatch):
    def refuse(_descriptor, _how):
        raise OSError("no locks")

    monkeypatch.setattr("fcntl.flock", refuse)
    left = tmp_path / ".old.csv.01234567.unfinished"
    left.touch()
    with whole_file(tmp_path / "one.csv") as one:
        one.touch()
    assert left.exists() and (tmp_path / "one.csv").exists()
