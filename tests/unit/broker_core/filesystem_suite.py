"""What every ``ports.Filesystem`` must do; each implementation's test module inherits the suite."""

from __future__ import annotations

import pytest

from broker_core.ports import Filesystem


class FilesystemSuite:
    """Subclasses give the ``filesystem`` fixture: an empty one."""

    @pytest.fixture
    def filesystem(self) -> Filesystem:
        raise NotImplementedError

    def test_open_needs_an_existing_file_or_create(self, filesystem: Filesystem) -> None:
        with pytest.raises(FileNotFoundError):
            filesystem.open("a.log")
        filesystem.open("a.log", create=True).close()
        assert filesystem.open("a.log").size() == 0
        assert filesystem.exists("a.log")

    def test_open_needs_its_directory(self, filesystem: Filesystem) -> None:
        with pytest.raises(FileNotFoundError):
            filesystem.open("missing/a.log", create=True)

    def test_opening_a_directory_fails(self, filesystem: Filesystem) -> None:
        filesystem.make_directory("d")
        with pytest.raises(IsADirectoryError):
            filesystem.open("d")

    def test_create_keeps_an_existing_file(self, filesystem: Filesystem) -> None:
        filesystem.open("a", create=True).write_at(0, b"kept")
        assert filesystem.open("a", create=True).read_at(0, 10) == b"kept"

    def test_written_bytes_are_read_at_their_positions(self, filesystem: Filesystem) -> None:
        file = filesystem.open("a", create=True)
        file.write_at(0, b"hello")
        file.write_at(3, b"p!")
        assert file.read_at(0, 5) == b"help!"
        assert file.read_at(2, 2) == b"lp"
        assert file.size() == 5
        assert file.path.endswith("a")

    def test_reads_end_with_the_file(self, filesystem: Filesystem) -> None:
        file = filesystem.open("a", create=True)
        file.write_at(0, b"abc")
        assert file.read_at(1, 100) == b"bc"
        assert file.read_at(3, 5) == b""
        assert file.read_at(9, 5) == b""

    def test_a_hole_reads_as_zeros(self, filesystem: Filesystem) -> None:
        file = filesystem.open("a", create=True)
        file.write_at(4, b"x")
        assert file.read_at(0, 5) == b"\0\0\0\0x"

    def test_reserving_makes_a_file_longer_and_keeps_what_it_holds(self, filesystem: Filesystem) -> None:
        file = filesystem.open("a", create=True)
        file.write_at(0, b"abc")
        file.reserve(5_000)
        assert (file.size(), filesystem.size_of("a")) == (5_000, 5_000)
        assert file.read_at(0, 5) == b"abc\0\0"
        file.write_at(3, b"de")
        file.reserve(4)
        file.sync()
        assert (file.size(), file.read_at(0, 6)) == (5_000, b"abcde\0")
        file.truncate(5)
        assert filesystem.read_file("a") == b"abcde"

    def test_truncate_shortens_and_extends(self, filesystem: Filesystem) -> None:
        file = filesystem.open("a", create=True)
        file.write_at(0, b"abcdef")
        file.truncate(2)
        assert filesystem.read_file("a") == b"ab"
        file.truncate(4)
        file.sync()
        assert filesystem.read_file("a") == b"ab\0\0"

    def test_two_handles_share_one_file(self, filesystem: Filesystem) -> None:
        writer, reader = filesystem.open("a", create=True), filesystem.open("a")
        writer.write_at(0, b"seen")
        assert reader.read_at(0, 4) == b"seen"

    def test_a_closed_file_refuses_work(self, filesystem: Filesystem) -> None:
        file = filesystem.open("a", create=True)
        file.close()
        file.close()
        with pytest.raises(OSError):
            file.read_at(0, 1)
        with pytest.raises(OSError):
            file.write_at(0, b"x")

    def test_listings_are_sorted_names(self, filesystem: Filesystem) -> None:
        filesystem.make_directory("d/inner")
        for name in ("b", "a"):
            filesystem.open(f"d/{name}", create=True).close()
        assert filesystem.list_directory("d") == ["a", "b", "inner"]
        assert filesystem.list_directory("nowhere") == []

    def test_directories_come_with_their_parents(self, filesystem: Filesystem) -> None:
        filesystem.make_directory("x/y/z")
        filesystem.make_directory("x/y/z")
        filesystem.make_directory("")
        assert filesystem.exists("x/y/z")

    def test_rename_replaces_its_target(self, filesystem: Filesystem) -> None:
        filesystem.replace_file("old", b"1")
        filesystem.replace_file("new", b"2")
        filesystem.rename("old", "new")
        assert filesystem.read_file("new") == b"1"
        assert not filesystem.exists("old")
        with pytest.raises(FileNotFoundError):
            filesystem.rename("old", "new")

    def test_rename_moves_a_directory_with_all_in_it(self, filesystem: Filesystem) -> None:
        filesystem.make_directory("a")
        filesystem.replace_file("a/f", b"1")
        filesystem.rename("a", "b")
        assert filesystem.read_file("b/f") == b"1"

    def test_an_open_file_survives_its_removal(self, filesystem: Filesystem) -> None:
        file = filesystem.open("a", create=True)
        file.write_at(0, b"still")
        filesystem.remove("a")
        assert file.read_at(0, 5) == b"still"
        assert not filesystem.exists("a")

    def test_removing_what_is_missing_is_no_error(self, filesystem: Filesystem) -> None:
        filesystem.remove("nothing")
        filesystem.remove("no/where")
        filesystem.remove_tree("nothing")

    def test_remove_tree_removes_everything_below(self, filesystem: Filesystem) -> None:
        filesystem.make_directory("a/b")
        filesystem.replace_file("a/b/f", b"1")
        filesystem.replace_file("a/g", b"2")
        filesystem.remove_tree("a")
        assert filesystem.list_directory("") == []

    def test_replace_file_replaces_and_leaves_nothing_else(self, filesystem: Filesystem) -> None:
        filesystem.make_directory("d")
        filesystem.replace_file("d/f", b"first, longer")
        filesystem.replace_file("d/f", b"second")
        assert filesystem.read_file("d/f") == b"second"
        assert filesystem.list_directory("d") == ["f"]

    def test_sync_directory_needs_a_directory(self, filesystem: Filesystem) -> None:
        filesystem.make_directory("d")
        filesystem.sync_directory("d")
        filesystem.sync_directory("")
        with pytest.raises(FileNotFoundError):
            filesystem.sync_directory("nowhere")

    def test_free_space_is_a_number(self, filesystem: Filesystem) -> None:
        assert 0 < filesystem.free_bytes() <= filesystem.total_bytes()
        assert filesystem.root.startswith("/")

    def test_a_lock_is_exclusive_and_names_its_owner(self, filesystem: Filesystem) -> None:
        lock = filesystem.lock("lock")
        with pytest.raises(BlockingIOError, match=r"held by (this process already|process \d+)"):
            filesystem.lock("lock")
        lock.release()
        lock.release()
        filesystem.lock("lock").release()

    @pytest.mark.parametrize("path", ["/etc/passwd", "../outside", "a/../../b"])
    def test_paths_stay_inside(self, filesystem: Filesystem, path: str) -> None:
        with pytest.raises(ValueError, match="leaves"):
            filesystem.open(path)
