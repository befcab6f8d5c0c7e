from __future__ import annotations

import errno
import random
from dataclasses import replace

import pytest

from broker_core.config import LogConfig
from broker_core.log.directory import LogDirectory
from broker_core.log.epochs import LeaderEpochs
from broker_core.log.producer_state import ProducerStates
from broker_core.log.segments import MAX_LOADED_INDEXES, SegmentList
from broker_core.memory_filesystem import MemoryFilesystem, SimulatedCrash
from tests.unit.broker_core.log.log_world import DIRECTORY, PARTITION, SMALL


def new_list(filesystem: MemoryFilesystem, config: LogConfig = SMALL) -> SegmentList:
    directory = LogDirectory(filesystem=filesystem, path=DIRECTORY, topic_partition=PARTITION, config=config)
    directory.create()
    segment = directory.segment(0)
    segment.create()
    return SegmentList(directory, [segment])


def grow(segments: SegmentList, count: int) -> None:
    """Roll ``count`` times, with ten offsets and ten bytes per segment."""
    for _ in range(count):
        segment = segments.active
        segment.file.write_at(segment.size_bytes, b"x" * 10)
        segment.note(10, segment.next_offset + 9, 5)
        segments.roll(ProducerStates(), LeaderEpochs())


def test_offsets_lead_to_their_segments() -> None:
    segments = new_list(MemoryFilesystem())
    grow(segments, 3)
    assert [segments.holding(offset).base_offset for offset in (0, 9, 10, 29, 30, 99)] == [0, 0, 10, 20, 30, 30]
    assert [segment.base_offset for segment in segments.from_offset(15)] == [10, 20, 30]
    assert [segment.base_offset for segment in segments.from_offset(30)] == [30]
    following = segments.after(segments.holding(15))
    assert following is not None and following.base_offset == 20
    assert segments.after(segments.active) is None
    assert segments.size_bytes == 30


def test_unsynced_files_are_those_with_anything_beyond() -> None:
    segments = new_list(MemoryFilesystem())
    grow(segments, 3)
    segments.active.note(10, 39, 5)

    def bases(synced_offset: int) -> list[int]:
        return [int(file.path.rpartition("/")[2][:20]) for file in segments.unsynced_files(synced_offset)]

    assert bases(0) == [30, 20, 10, 0]
    assert bases(15) == [30, 20, 10]
    assert bases(30) == [30]
    assert bases(40) == []


def test_everything_beside_a_sealed_log_is_durable_before_the_next_exists() -> None:
    """The rule on which recovery trusts all segments but the last."""
    filesystem = MemoryFilesystem()
    segments = new_list(filesystem)
    operations: list[str] = []
    filesystem.faults.hook = lambda operation, path: operations.append(f"{operation} {path[-10:]}")
    grow(segments, 1)
    created = operations.index("create 000010.log")
    for name in ("000.index", ".timeindex", ".txnindex", ".snapshot"):
        synced = max(i for i, operation in enumerate(operations) if operation.startswith("sync ") and name in operation)
        assert synced < operations.index("sync_directory s/orders-0") < created
    assert operations[-1] == "sync_directory s/orders-0"


@pytest.mark.parametrize("kind", ["write", "sync"])
def test_a_failed_roll_leaves_the_old_segment_active(kind: str) -> None:
    filesystem = MemoryFilesystem()
    segments = new_list(filesystem)
    grow(segments, 1)
    for number in range(20):
        left = number

        def fail(operation: str, path: str, kind: str = kind) -> None:
            nonlocal left
            if operation == kind:
                if left == 0:
                    left = -1
                    raise OSError(errno.ENOSPC, "full", path)
                left -= 1

        filesystem.faults.hook = fail
        active = segments.active
        active.note(10, active.next_offset + 9, 5)
        try:
            segments.roll(ProducerStates(), LeaderEpochs())
        except OSError:
            assert segments.active is active
            logs = [name for name in filesystem.list_directory(DIRECTORY) if name.endswith(".log")]
            assert len(logs) == len(segments)
        else:
            assert left >= 0, "the failure was swallowed"
            return
    raise AssertionError("never got through")


def test_what_was_reserved_is_given_back_durably_before_the_next_segment_exists() -> None:
    filesystem = MemoryFilesystem()
    segments = new_list(filesystem, replace(SMALL, preallocate=True))
    grow(segments, 1)
    first = segments.active
    assert first.file.size() == SMALL.segment_bytes
    lengths: list[int] = []

    def remember(operation: str, path: str) -> None:
        if operation == "create" and path.endswith("20.log"):
            filesystem.crash(random.Random(0), "drop")
            lengths.append(filesystem.size_of(f"{DIRECTORY}/{first.base_offset:020}.log"))
            raise SimulatedCrash

    filesystem.faults.hook = remember
    with pytest.raises(SimulatedCrash):
        grow(segments, 1)
    assert lengths == [10], "as long as the log, though nobody has asked for a sync of it"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EOPNOTSUPP])
def test_where_no_room_can_be_reserved_the_file_grows(code: int) -> None:
    filesystem = MemoryFilesystem()
    segments = new_list(filesystem, replace(SMALL, preallocate=True))

    def refuse(operation: str, path: str) -> None:
        if operation == "reserve":
            raise OSError(code, "cannot", path)

    filesystem.faults.hook = refuse
    grow(segments, 2)
    assert (segments.active.base_offset, segments.active.file.size()) == (20, 0)
    segments.active.file.write_at(0, b"x")
    filesystem.available_bytes = SMALL.segment_bytes - 1
    filesystem.faults.hook = None
    grow(segments, 1)
    assert segments.active.file.size() == 0
    assert filesystem.free_bytes() > SMALL.segment_bytes // 2, "what fitted was given back"


def test_a_disk_that_fails_while_reserving_is_told() -> None:
    filesystem = MemoryFilesystem()
    segments = new_list(filesystem, replace(SMALL, preallocate=True))

    def fail(operation: str, path: str) -> None:
        if operation == "reserve":
            raise OSError(errno.EIO, "broken", path)

    filesystem.faults.hook = fail
    with pytest.raises(OSError, match="broken"):
        grow(segments, 1)
    assert f"{10:020}.log" not in filesystem.list_directory(DIRECTORY)


def test_old_segments_go_one_by_one_and_durably() -> None:
    """Oldest first with a sync each: no crash can leave a hole in the middle of the log."""
    filesystem = MemoryFilesystem()
    segments = new_list(filesystem)
    grow(segments, 4)
    removed: list[str] = []
    filesystem.faults.hook = lambda operation, path: removed.append(path if path.endswith(".log") else operation)
    segments.drop_first()
    segments.drop_first()
    steps = [step for step in removed if step.endswith(".log") or step == "sync_directory"]
    assert [step[-10:] for step in steps] == ["000000.log", "_directory"[-10:], "000010.log", "_directory"[-10:]]
    assert segments.first.base_offset == 20
    names = filesystem.list_directory(DIRECTORY)
    assert not any(name.startswith(("0" * 20, "0" * 18 + "10")) for name in names)
    segments.drop_first()
    segments.drop_first()
    with pytest.raises(AssertionError):
        segments.drop_first()  # the active segment stays


def test_only_so_many_sealed_indexes_stay_loaded() -> None:
    segments = new_list(MemoryFilesystem())
    grow(segments, MAX_LOADED_INDEXES + 5)
    loaded = [segment for segment in segments if segment._columns is not None]
    assert len(loaded) == MAX_LOADED_INDEXES + 1
