from __future__ import annotations

import random

from broker_core.log.directory import LogDirectory
from broker_core.log.epochs import LeaderEpochs
from broker_core.log.producer_state import ProducerStates
from broker_core.memory_filesystem import MemoryFilesystem
from tests.unit.broker_core.log.log_world import DIRECTORY, PARTITION, SMALL


def new_directory(filesystem: MemoryFilesystem) -> LogDirectory:
    directory = LogDirectory(filesystem=filesystem, path=DIRECTORY, topic_partition=PARTITION, config=SMALL)
    directory.create()
    return directory


def test_creation_is_durable_up_to_the_root() -> None:
    filesystem = MemoryFilesystem()
    new_directory(filesystem)
    filesystem.crash(random.Random(0), "drop")
    assert filesystem.exists(DIRECTORY)


def test_snapshots_are_kept_where_a_segment_begins_and_the_newest() -> None:
    """Of those up to the end; one beyond it is durably gone."""
    filesystem = MemoryFilesystem()
    directory = new_directory(filesystem)
    for offset in (5, 10, 15, 20, 25, 30):
        directory.write_snapshot(offset, ProducerStates())
    directory.sync()
    directory.drop_snapshots([0, 10, 20], 26)
    filesystem.crash(random.Random(0), "drop")
    assert directory.offsets()[".snapshot"] == [10, 20, 25]


def test_epochs_are_written_only_when_they_changed() -> None:
    filesystem = MemoryFilesystem()
    directory = new_directory(filesystem)
    epochs = LeaderEpochs()
    directory.write_epochs(epochs)
    assert directory.read_epochs() is None
    epochs.assign(3, 0)
    directory.write_epochs(epochs)
    operations = filesystem.faults.operations
    directory.write_epochs(epochs)
    assert filesystem.faults.operations == operations
    filesystem.crash(random.Random(0), "drop")
    found = directory.read_epochs()
    assert found is not None and found.entries == [(3, 0)]


def test_files_without_their_log_are_cleared() -> None:
    filesystem = MemoryFilesystem()
    directory = new_directory(filesystem)
    names = [
        f"{offset:020d}{suffix}" for offset in (0, 7) for suffix in (".index", ".timeindex", ".txnindex", ".snapshot")
    ]
    for name in [*names, f"{0:020d}.log", f"{0:020d}.log.deleted", "notes"]:
        filesystem.replace_file(f"{DIRECTORY}/{name}", b"")
    directory.clear_leftovers()
    left = filesystem.list_directory(DIRECTORY)
    assert left == sorted([*names[:4], f"{0:020d}.log", f"{7:020d}.snapshot", "notes"])
