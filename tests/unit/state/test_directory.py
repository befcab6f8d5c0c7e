"""The state directory: who may use it, what is in it, and what happens to what cannot be read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from state.backends.rocksdb import RocksMemory
from state.directory import FORMAT_VERSION, StateDirectory
from state.errors import StateError, StateInUse, StateTooNew
from state.model import StoreSpec, TaskId

SPECS = (StoreSpec(name="counts", changelog_topic="changelog"),)
TASK = TaskId(0, 1)
ROOT = Path(__file__).resolve().parents[3]


class Events:
    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, object]]] = []

    def event(self, name: str, **fields: object) -> None:
        self.heard.append((name, fields))


def _open(root: Path, observer: Events | None = None) -> StateDirectory:
    return StateDirectory(root, RocksMemory(8 * 1024 * 1024).open, observer)


def test_a_task_s_state_is_there_again_after_a_restart(tmp_path: Path) -> None:
    directory = _open(tmp_path / "deep" / "state")
    stores = directory.open_task(TASK, SPECS)
    stores.store("counts").put(b"a", b"1", 10)
    stores.apply({"changelog": 1}, 0)
    directory.close()
    directory.close()
    directory = _open(tmp_path / "deep" / "state")
    assert directory.tasks() == (TASK,)
    assert directory.open_task(TASK, SPECS).store("counts").get_with_timestamp(b"a") == (b"1", 10)
    directory.close()


def test_tasks_are_listed_and_orphans_found_and_removed(tmp_path: Path) -> None:
    directory = _open(tmp_path)
    for task_id in (TaskId(1, 0), TaskId(0, 10), TaskId(0, 2)):
        directory.open_task(task_id, SPECS)
    assert directory.tasks() == (TaskId(0, 2), TaskId(0, 10), TaskId(1, 0))
    assert directory.orphans({TaskId(0, 2)}) == (TaskId(0, 10), TaskId(1, 0))
    with pytest.raises(StateError, match="1_0 must be closed"):
        directory.remove_task(TaskId(1, 0))
    directory.close_task(TaskId(1, 0))
    directory.remove_task(TaskId(1, 0))
    assert TaskId(1, 0) not in directory.tasks()
    directory.close()


def test_a_task_is_opened_once(tmp_path: Path) -> None:
    directory = _open(tmp_path)
    directory.open_task(TASK, SPECS)
    with pytest.raises(StateError, match="0_1 is open already"):
        directory.open_task(TASK, SPECS)
    directory.close_task(TASK)
    directory.open_task(TASK, SPECS)
    directory.close()


def test_another_process_in_it_is_named_by_pid_and_its_death_frees_it(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from state.directory import StateDirectory\n"
        "directory = StateDirectory(Path(sys.argv[1]), None)\nprint('locked', flush=True)\nsys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "locked\n"
        with pytest.raises(StateInUse, match=f"in use by process {owner.pid}; stop it or choose another data_dir"):
            _open(tmp_path)
        owner.send_signal(signal.SIGKILL)
        owner.wait()
    _open(tmp_path).close()


def test_the_same_process_cannot_hold_it_twice(tmp_path: Path) -> None:
    directory = _open(tmp_path)
    with pytest.raises(StateInUse, match="is open in this process already; close the query"):
        _open(tmp_path)
    directory.close()


def test_a_newer_format_is_refused_and_leaves_the_directory_free(tmp_path: Path) -> None:
    _open(tmp_path).close()
    (tmp_path / "FORMAT").write_text(f"{FORMAT_VERSION + 1}\n")
    with pytest.raises(StateTooNew, match=f"format {FORMAT_VERSION + 1}.*up to {FORMAT_VERSION}; upgrade"):
        _open(tmp_path)
    (tmp_path / "FORMAT").write_text(f"{FORMAT_VERSION}\n")
    _open(tmp_path).close()


def test_a_format_that_is_no_number_is_named(tmp_path: Path) -> None:
    (tmp_path / "FORMAT").write_text("<html>")
    with pytest.raises(StateError, match="'<html>', not a format version"):
        _open(tmp_path)


def test_databases_without_a_format_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "0_1").mkdir()
    with pytest.raises(StateError, match="has databases but no FORMAT file"):
        _open(tmp_path)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["0_1", "LOCK"]


def test_a_place_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match=r"cannot be used.*writable directory or choose another data_dir"):
        _open(tmp_path / "file")
    with pytest.raises(StateError, match="Not a directory"):
        _open(tmp_path / "file" / "state")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_directory_says_what_to_do(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StateError, match="Permission denied"):
        _open(tmp_path / "state")
    tmp_path.chmod(0o700)


def test_a_corrupt_database_is_set_aside_and_an_empty_one_opened(tmp_path: Path) -> None:
    events = Events()
    for number in (1, 2):
        directory = _open(tmp_path, events)
        stores = directory.open_task(TASK, SPECS)
        assert stores.position("changelog") is None
        stores.store("counts").put(b"a", b"1", 10)
        stores.apply({"changelog": 1}, 0)
        directory.close()
        (manifest,) = (tmp_path / "0_1").glob("MANIFEST-*")
        manifest.write_bytes(b"garbage")
        directory = _open(tmp_path, events)
        stores = directory.open_task(TASK, SPECS)
        assert stores.position("changelog") is None
        assert list(stores.store("counts").range()) == []
        assert (tmp_path / f"0_1.corrupt-{number}" / "CURRENT").exists()
        assert directory.tasks() == (TASK,)
        directory.close()
        name, fields = events.heard[-1]
        assert name == "state.quarantined"
        assert fields["moved_to"] == str(tmp_path / f"0_1.corrupt-{number}")
        assert "corrupt" in str(fields["reason"])
    assert len(events.heard) == 2


def test_an_open_task_is_not_set_aside(tmp_path: Path) -> None:
    directory = _open(tmp_path)
    directory.open_task(TASK, SPECS)
    with pytest.raises(StateError, match="0_1 must be closed"):
        directory.quarantine(TASK)
    directory.close()


def test_quarantine_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("state.directory.MAX_QUARANTINED", 2)
    directory = _open(tmp_path)
    for _ in range(2):
        (tmp_path / "0_1").mkdir()
        directory.quarantine(TASK)
    (tmp_path / "0_1").mkdir()
    with pytest.raises(StateError, match="2 corrupt copies of task 0_1: check the disk"):
        directory.quarantine(TASK)
    directory.close()
