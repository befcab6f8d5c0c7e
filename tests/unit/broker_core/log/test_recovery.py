from __future__ import annotations

import random
from dataclasses import replace

import pytest

from broker_core.config import LogConfig
from broker_core.errors import StorageError
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.protocol.batch import iterate_batches
from tests.unit.broker_core.log.log_world import (
    DIRECTORY,
    NOW_MS,
    SMALL,
    Recorder,
    batch,
    committed,
    open_log,
    records,
    sync,
    transactional,
)


def written(filesystem: MemoryFilesystem, count: int = 60) -> int:
    """A synced log of several segments with committed and aborted transactions; returns its end."""
    log = open_log(filesystem, leader_epoch=1)
    for index in range(count):
        log.append(transactional(7 + index % 2, index // 2, b"value-%d" % index), NOW_MS)
        if index % 6 >= 4:
            log.append_marker(7 + index % 2, 0, 0, index % 12 < 6, NOW_MS)
    sync(log)
    filesystem.crash(random.Random(0), "keep")
    return log.end_offset


def names(filesystem: MemoryFilesystem, suffix: str) -> list[str]:
    return [name for name in filesystem.list_directory(DIRECTORY) if name.endswith(suffix)]


def flip(filesystem: MemoryFilesystem, name: str, position: int) -> None:
    file = filesystem.open(f"{DIRECTORY}/{name}")
    file.write_at(position, bytes([file.read_at(position, 1)[0] ^ 0x55]))
    file.sync()


def test_a_new_log_is_durable_when_opened() -> None:
    filesystem = MemoryFilesystem()
    open_log(filesystem)
    filesystem.crash(random.Random(0), "drop")
    assert names(filesystem, ".log") == ["0" * 20 + ".log"]


def test_a_killed_creation_is_made_durable_by_the_next_opening() -> None:
    """The directory is there, but only in the page cache."""
    filesystem = MemoryFilesystem()
    filesystem.make_directory(DIRECTORY)
    filesystem.crash(random.Random(0), "keep")
    log = open_log(filesystem)
    log.append(batch(b"a"), NOW_MS)
    sync(log)
    filesystem.crash(random.Random(0), "drop")
    assert records(open_log(filesystem, recovery_point=1)) == [(0, b"a")]


@pytest.mark.parametrize("clean", [False, True])
def test_opening_gives_back_what_was_there(clean: bool) -> None:
    filesystem = MemoryFilesystem()
    end = written(filesystem)
    first = open_log(filesystem)
    before = (records(first), committed(first), first.producers(), first.open_transactions())
    assert first.end_offset == first.high_watermark == end
    if clean:
        first.close(NOW_MS)
    else:
        filesystem.crash(random.Random(0), "keep")
    again = open_log(filesystem, clean=clean, recovery_point=end if clean else 0)
    assert (records(again), committed(again), again.open_transactions()) == (before[0], before[1], before[3])
    last_batches = [entry.batches[-1:] for entry in before[2]]
    assert [entry.batches[-1:] for entry in again.producers()] == last_batches


def test_a_clean_opening_reads_little() -> None:
    """No scan: what is read does not grow with the log but for the tail behind the last index entry."""

    class Counting(MemoryFilesystem):
        def __init__(self) -> None:
            super().__init__()
            self.opened: list[str] = []

        def open(self, path: str, *, create: bool = False):  # type: ignore[no-untyped-def]
            self.opened.append(path)
            return super().open(path, create=create)

    filesystem = Counting()
    written(filesystem)
    log = open_log(filesystem)
    log.close(NOW_MS)
    filesystem.opened.clear()
    observer = Recorder()
    open_log(filesystem, clean=True, recovery_point=log.end_offset, observer=observer)
    assert observer.names() == ["log.opened"]
    assert not [path for path in filesystem.opened if path.endswith(".index")][1:]


def test_duplicates_of_the_active_segment_are_known_after_a_crash() -> None:
    filesystem = MemoryFilesystem()
    written(filesystem)
    log = open_log(filesystem)
    for index in range(60, 50, -1):
        again = log.append(transactional(7 + (index - 1) % 2, (index - 1) // 2, b"value-%d" % (index - 1)), NOW_MS)
        assert again.duplicate


def test_a_torn_tail_is_cut_at_every_length() -> None:
    """Whatever part of the last, unsynced batch reached the disk."""
    tail = len(transactional(9, 0, b"tail"))
    for kept in range(tail):
        filesystem = MemoryFilesystem()
        end = written(filesystem)
        log = open_log(filesystem, leader_epoch=1)
        log.append(transactional(9, 0, b"tail"), NOW_MS)
        path = log._segments.active.path()
        size = log._segments.active.size_bytes
        filesystem.crash(random.Random(0), "keep")
        filesystem.open(path).truncate(size - tail + kept)
        observer = Recorder()
        log = open_log(filesystem, recovery_point=end, observer=observer)
        assert log.end_offset == end
        assert [entry.producer_id for entry in log.producers()] == [7, 8]
        assert bool({"log.truncated", "log.trimmed"} & {*observer.names()}) == (kept > 0)
        assert log.append(transactional(9, 0, b"tail"), NOW_MS).base_offset == end


def test_damage_above_the_recovery_point_cuts_and_removes_what_follows() -> None:
    filesystem = MemoryFilesystem()
    written(filesystem)
    second = names(filesystem, ".log")[1]
    data = filesystem.read_file(f"{DIRECTORY}/{second}")
    position, header = list(iterate_batches(data))[3]
    flip(filesystem, second, position + 70)
    observer = Recorder()
    log = open_log(filesystem, recovery_point=header.base_offset, observer=observer)
    assert log.end_offset == header.base_offset
    assert [name for name in names(filesystem, ".log") if name > second] == []
    assert [name for name in names(filesystem, ".snapshot") if name > second.replace("log", "snapshot")] == []
    truncated = dict(observer.events)["log.truncated"]
    assert truncated["position"] == position
    sync(log)
    filesystem.crash(random.Random(0), "drop")
    assert open_log(filesystem, recovery_point=header.base_offset).end_offset == header.base_offset


def test_damage_below_the_recovery_point_refuses_to_open_and_changes_nothing() -> None:
    """It was durable: cutting it off would hide that the disk lost acknowledged data."""
    filesystem = MemoryFilesystem()
    end = written(filesystem)
    last = names(filesystem, ".log")[-1]
    flip(filesystem, last, 75)
    before = {name: filesystem.read_file(f"{DIRECTORY}/{name}") for name in filesystem.list_directory(DIRECTORY)}
    for _ in range(2):
        with pytest.raises(StorageError, match=rf"{last}, position 0: .*damaged"):
            open_log(filesystem, recovery_point=end)
    after = {name: filesystem.read_file(f"{DIRECTORY}/{name}") for name in filesystem.list_directory(DIRECTORY)}
    assert after == before


def test_a_wrong_epoch_in_the_last_durable_batch_is_damage_and_cuts_nothing() -> None:
    """No checksum covers it: the batch is whole, and was durable all the same."""
    filesystem = MemoryFilesystem()
    end = written(filesystem)
    last = names(filesystem, ".log")[-1]
    data = filesystem.read_file(f"{DIRECTORY}/{last}")
    position = [position for position, _ in iterate_batches(data)][-1]
    flip(filesystem, last, position + 13)
    damaged = filesystem.read_file(f"{DIRECTORY}/{last}")
    with pytest.raises(StorageError, match=rf"{last}, position {position}: leader epoch .*damaged"):
        open_log(filesystem, recovery_point=end, leader_epoch=2)
    assert filesystem.read_file(f"{DIRECTORY}/{last}") == damaged


def test_a_log_that_ends_below_its_recovery_point_is_not_opened() -> None:
    filesystem = MemoryFilesystem()
    end = written(filesystem)
    last = names(filesystem, ".log")[-1]
    data = filesystem.read_file(f"{DIRECTORY}/{last}")
    position, header = list(iterate_batches(data))[-1]
    filesystem.open(f"{DIRECTORY}/{last}").truncate(position)
    with pytest.raises(StorageError, match=rf"ends at offset {header.base_offset} .* up to {end} were durable"):
        open_log(filesystem, recovery_point=end)
    filesystem.remove_tree(DIRECTORY)
    with pytest.raises(StorageError, match="holds no segment"):
        open_log(filesystem, recovery_point=end)


@pytest.mark.parametrize("clean", [False, True])
def test_a_missing_segment_in_the_middle_is_an_error(clean: bool) -> None:
    """Told by the files beside it, without a look into any sealed segment. Readers of what lies before it would take
    aborted data for committed: the markers are in the hole."""
    filesystem = MemoryFilesystem()
    end = written(filesystem)
    _, second, *_ = names(filesystem, ".log")
    filesystem.remove(f"{DIRECTORY}/{second}")
    with pytest.raises(StorageError, match=f"{second} is missing"):
        open_log(filesystem, recovery_point=end, clean=clean)


@pytest.mark.parametrize("suffix", [".index", ".timeindex", ".txnindex", ".snapshot", "leader-epoch-checkpoint"])
@pytest.mark.parametrize("damage", ["missing", "torn", "zeros"])
@pytest.mark.parametrize("clean", [True, False], ids=["clean", "unclean"])
def test_whatever_stands_beside_the_logs_can_be_lost(suffix: str, damage: str, clean: bool) -> None:
    """The logs alone say everything; the rest is rebuilt, aborted transactions above all."""
    filesystem = MemoryFilesystem()
    end = written(filesystem)
    log = open_log(filesystem)
    expected = (records(log), committed(log), log.open_transactions(), log.end_offset_for_epoch(0))
    assert expected[0] != expected[1], "there are aborted records"
    log.close(NOW_MS)
    for name in names(filesystem, suffix):
        path = f"{DIRECTORY}/{name}"
        data = filesystem.read_file(path)
        if damage == "missing":
            filesystem.remove(path)
        else:
            filesystem.replace_file(path, data[: len(data) - 3] if damage == "torn" else bytes(len(data)))
    log = open_log(filesystem, clean=clean, recovery_point=end)
    assert (records(log), committed(log), log.open_transactions(), log.end_offset_for_epoch(0)) == expected


def test_leftovers_of_a_crash_are_cleared() -> None:
    filesystem = MemoryFilesystem()
    end = written(filesystem)
    orphan = f"{end + 50:020d}"
    for name in ("leader-epoch-checkpoint.tmp", f"{orphan}.index", f"{orphan}.txnindex", f"{orphan}.log.deleted"):
        filesystem.replace_file(f"{DIRECTORY}/{name}", b"junk")
    log = open_log(filesystem)
    assert not [name for name in filesystem.list_directory(DIRECTORY) if name.endswith((".tmp", ".deleted"))]
    assert not names(filesystem, f"{orphan}.index")
    assert log.end_offset == end


def test_a_snapshot_beyond_the_end_is_removed_for_good() -> None:
    """Other data may come to lie there, and must not be explained by it."""
    filesystem = MemoryFilesystem()
    end = written(filesystem)
    filesystem.replace_file(f"{DIRECTORY}/{end + 1:020d}.snapshot", b"junk")
    open_log(filesystem)
    filesystem.crash(random.Random(0), "drop")
    assert f"{end + 1:020d}.snapshot" not in names(filesystem, ".snapshot")


def test_leader_epochs_are_read_from_the_batches_of_the_unsealed_part() -> None:
    filesystem = MemoryFilesystem()
    for epoch in (1, 2, 4):
        log = open_log(filesystem, LogConfig(), leader_epoch=epoch)
        log.append(batch(b"v"), NOW_MS)
        sync(log)
        filesystem.crash(random.Random(0), "drop")
    log = open_log(filesystem, LogConfig(), leader_epoch=5)
    assert [log.end_offset_for_epoch(epoch) for epoch in (1, 2, 3, 4, 5, 6)] == [
        (1, 1), (2, 2), (2, 2), (4, 3), (5, 3), (-1, -1),
    ]  # fmt: skip


def test_a_batch_from_a_later_epoch_than_this_run_is_damage() -> None:
    """The checksum leaves the epoch out; an epoch that never was tells of a flipped bit."""
    filesystem = MemoryFilesystem()
    end = written(filesystem)
    flip(filesystem, names(filesystem, ".log")[-1], 13)
    with pytest.raises(StorageError, match="leader epoch"):
        open_log(filesystem, recovery_point=end, leader_epoch=2)


def test_recovery_is_idempotent() -> None:
    filesystem = MemoryFilesystem()
    written(filesystem)
    flip(filesystem, names(filesystem, ".log")[2], 100)
    seen = []
    for mode in ("keep", "drop", "tear", "keep"):
        log = open_log(filesystem)
        seen.append((records(log), committed(log), log.producers(), log.end_offset))
        filesystem.crash(random.Random(1), mode)  # type: ignore[arg-type]
    assert seen[1:] == seen[:-1]


RESERVING = replace(SMALL, preallocate=True)


def reserved(filesystem: MemoryFilesystem) -> tuple[str, int, int]:
    """A log of several segments whose last one has room left; its name, its own size and the log's end."""
    log = open_log(filesystem, RESERVING)
    for index in range(90):
        log.append(batch(b"value-%d" % index), NOW_MS)
    sync(log)
    active = log.parts.segments.active
    assert len(log.parts.segments) > 2
    assert 0 < active.size_bytes < active.file.size() == RESERVING.segment_bytes
    return active.path().rpartition("/")[2], active.size_bytes, log.end_offset


@pytest.mark.parametrize("tail", [0, 1, 60, 61, 500, 5_000])
def test_reserved_room_behind_the_log_is_no_damage_however_long_it_is(tail: int) -> None:
    """The file's length is durable only after a sync: recovery meets the short file and the long one."""
    filesystem = MemoryFilesystem()
    last, size, end = reserved(filesystem)
    filesystem.crash(random.Random(0), "keep")
    filesystem.open(f"{DIRECTORY}/{last}").truncate(size)
    filesystem.open(f"{DIRECTORY}/{last}").truncate(size + tail)
    observer = Recorder()
    log = open_log(filesystem, RESERVING, recovery_point=end, observer=observer)
    assert (log.end_offset, [value for _, value in records(log)][-1]) == (end, b"value-89")
    assert log.parts.segments.active.file.size() == log.parts.segments.active.size_bytes == size
    assert ("log.trimmed" in observer.names()) == (tail > 0) and "log.truncated" not in observer.names()
    assert dict(observer.events)["log.opened"]["truncated_bytes"] == 0
    assert log.append(batch(b"more"), NOW_MS).base_offset == end


def test_a_torn_batch_in_reserved_room_is_cut() -> None:
    filesystem = MemoryFilesystem()
    last, size, end = reserved(filesystem)
    filesystem.open(f"{DIRECTORY}/{last}").write_at(size, batch(b"torn" * 30)[:90])
    filesystem.crash(random.Random(0), "keep")
    observer = Recorder()
    log = open_log(filesystem, RESERVING, recovery_point=end, observer=observer)
    truncated = dict(observer.events)["log.truncated"]
    assert (truncated["position"], truncated["lost_bytes"]) == (size, 90), "the room is not counted as lost"
    assert (log.end_offset, log.parts.segments.active.file.size()) == (end, size)


def test_zeros_where_durable_batches_were_are_damage_and_stay() -> None:
    filesystem = MemoryFilesystem()
    last, size, end = reserved(filesystem)
    filesystem.open(f"{DIRECTORY}/{last}").write_at(0, bytes(size))
    filesystem.crash(random.Random(0), "keep")
    with pytest.raises(StorageError, match=f"{last}, position 0: .*damaged"):
        open_log(filesystem, RESERVING, recovery_point=end)
    assert filesystem.size_of(f"{DIRECTORY}/{last}") == RESERVING.segment_bytes


@pytest.mark.parametrize("zeroed", [0, 1])
@pytest.mark.parametrize("policy", ["delete", "compact"])
def test_a_copy_may_hold_the_room_of_a_segment_that_was_sealed_while_it_was_copied(policy: str, zeroed: int) -> None:
    """But not zeros in the place of its last batch, also where offsets may be missing."""
    config = replace(RESERVING, cleanup_policy=frozenset({policy}))
    filesystem = MemoryFilesystem()
    _, _, end = reserved(filesystem)
    first = f"{DIRECTORY}/{names(filesystem, '.log')[0]}"
    size = filesystem.size_of(first)
    filesystem.open(first).reserve(RESERVING.segment_bytes)
    if zeroed:
        position = [position for position, _ in iterate_batches(filesystem.read_file(first)[:size])][-1]
        filesystem.open(first).write_at(position, bytes(size - position))
    filesystem.crash(random.Random(0), "keep")
    if zeroed:
        with pytest.raises(StorageError, match=f"{first}, position {position}: .*damaged"):
            open_log(filesystem, config, recovery_point=end)
        return
    log = open_log(filesystem, config, recovery_point=end)
    assert (log.end_offset, len(records(log)), filesystem.size_of(first)) == (end, 90, size)


def test_a_sealed_segment_that_lost_its_last_batch_is_missed_where_offsets_may_be_missing() -> None:
    """Neither checksums nor offsets tell: the seal does."""
    config = replace(SMALL, cleanup_policy=frozenset({"compact"}))
    filesystem = MemoryFilesystem()
    log = open_log(filesystem, config)
    for index in range(90):
        log.append(batch(b"value-%d" % index), NOW_MS)
    sync(log)
    first = f"{DIRECTORY}/{names(filesystem, '.log')[0]}"
    data = filesystem.read_file(first)
    filesystem.open(first).truncate([position for position, _ in iterate_batches(data)][-1])
    filesystem.crash(random.Random(0), "keep")
    with pytest.raises(StorageError, match=f"{first} ends at offset .* is missing"):
        open_log(filesystem, config, recovery_point=log.end_offset)


def test_a_closed_log_has_no_reserved_room() -> None:
    filesystem = MemoryFilesystem()
    last, size, _ = reserved(filesystem)
    filesystem.crash(random.Random(0), "keep")
    log = open_log(filesystem, RESERVING)
    log.parts.writer.roll()
    new = log.parts.segments.active.path()
    assert filesystem.size_of(new) == RESERVING.segment_bytes
    log.close(NOW_MS)
    filesystem.crash(random.Random(0), "drop")
    assert (filesystem.size_of(new), filesystem.size_of(f"{DIRECTORY}/{last}")) == (0, size)
    observer = Recorder()
    open_log(filesystem, RESERVING, clean=True, observer=observer)
    assert observer.names() == ["log.opened"]


def test_a_clean_log_that_is_only_rolled_is_closed_anew() -> None:
    filesystem = MemoryFilesystem()
    reserved(filesystem)
    filesystem.crash(random.Random(0), "keep")
    open_log(filesystem, RESERVING).close(NOW_MS)
    log = open_log(filesystem, RESERVING, clean=True)
    log.parts.writer.roll()
    log.close(NOW_MS)
    observer = Recorder()
    assert open_log(filesystem, RESERVING, clean=True, observer=observer).end_offset == log.end_offset
    assert observer.names() == ["log.opened"]
