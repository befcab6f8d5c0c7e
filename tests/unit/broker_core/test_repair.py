"""Any damage of a log is found with file and position, and repaired without destroying anything."""

from __future__ import annotations

import random

import pytest

from broker_core.errors import DataDirectoryError, StorageError
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import TopicPartition
from broker_core.protocol.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from broker_core.repair import DirectoryCheck, usage
from tests.unit.broker_core.broker_kit import Kit, committed_offset, read_values

WORDS = TopicPartition("words", 0)
LOG = "logs/words-0/00000000000000000000.log"


def closed(**configs: str) -> Kit:
    kit = Kit().open()
    kit.create("words", **configs)
    for index in range(12):
        assert kit.produce("words", f"value {index}").error_code == 0
    kit.broker.close(kit.now_ms)
    return kit


def flip(filesystem: MemoryFilesystem, path: str, position: int) -> None:
    data = bytearray(filesystem.read_file(path))
    data[position] ^= 0x55
    filesystem.replace_file(path, bytes(data))


def files(filesystem: MemoryFilesystem, directory: str) -> dict[str, bytes]:
    return {name: filesystem.read_file(f"{directory}/{name}") for name in filesystem.list_directory(directory)}


def reopen(kit: Kit) -> None:
    kit.parked, kit.answers = {}, {}
    kit.broker = kit._make()
    kit.open()


def check(kit: Kit) -> DirectoryCheck:
    return DirectoryCheck(kit.filesystem)


def test_a_healthy_log() -> None:
    kit = closed(segment_bytes="300")
    looked_at: list[int] = []
    checked = check(kit)
    found = checked.inspect(WORDS, looked_at.append)
    assert (found.findings, found.records, found.start_offset, found.end_offset) == ([], 12, 0, 12)
    assert sum(looked_at) == found.size_bytes
    assert found.segments > 2
    assert checked.partitions() == [WORDS]
    assert checked.strays() == []


@pytest.mark.parametrize("segment_bytes", ["300", "100000"])
def test_a_flipped_byte_anywhere_in_a_log_is_found_and_repaired(segment_bytes: str) -> None:
    """Sampled positions; the repaired log holds exactly what lay before the damage, the copy what was there."""
    names = [name for name in closed(segment_bytes=segment_bytes).filesystem.list_directory("logs/words-0")
             if name.endswith(".log")]  # fmt: skip
    for name in names:
        for position in range(3, 200, 13):
            kit = closed(segment_bytes=segment_bytes)
            path = f"logs/words-0/{name}"
            if position >= len(kit.filesystem.read_file(path)):
                continue
            flip(kit.filesystem, path, position)
            before = files(kit.filesystem, "logs/words-0")
            checked = check(kit)
            found = checked.inspect(WORDS)
            (finding, *_) = [each for each in found.findings if each.is_damage]
            assert finding.path == path
            assert finding.position is not None
            assert finding.position <= position
            copy = checked.repair(WORDS, found, "now")
            checked.close()
            assert files(kit.filesystem, copy) == before
            reopen(kit)
            kept = [f"value {index}" for index in range(found.end_offset)]
            assert kit.values("words") == kept
            assert kit.produce("words", "again").base_offset == 12, "no offset is given out twice"
            assert kit.values("words") == [*kept, "again"]
            kit.restart()
            assert kit.values("words") == [*kept, "again"]
            kit.restart(crash="drop")
            assert kit.values("words") == [*kept, "again"]


@pytest.mark.parametrize("suffix", [".index", ".timeindex", ".txnindex", ".snapshot"])
def test_a_missing_or_damaged_file_beside_a_log_is_healed_at_the_next_start(suffix: str) -> None:
    for damage in ("missing", "damaged"):
        kit = closed(segment_bytes="300", index_interval_bytes="1")
        for name in kit.filesystem.list_directory("logs/words-0"):
            if name.endswith(suffix):
                path = f"logs/words-0/{name}"
                if damage == "missing":
                    kit.filesystem.remove(path)
                else:
                    kit.filesystem.replace_file(path, kit.filesystem.read_file(path) + b"\x55")
        checked = check(kit)
        found = checked.inspect(WORDS)
        checked.close()
        assert not found.is_damaged
        assert found.findings or (suffix == ".snapshot" and damage == "missing")
        reopen(kit)
        assert kit.values("words") == [f"value {index}" for index in range(12)]


def test_a_write_that_a_crash_cut_short_is_no_damage() -> None:
    kit = Kit().open()
    kit.create("words")
    kit.produce("words", "a")
    kit.filesystem.crash(random.Random(1), "keep")
    data = kit.filesystem.read_file(LOG)
    kit.filesystem.replace_file(LOG, data + data[:40])
    found = check(kit).inspect(WORDS)
    assert [str(finding) for finding in found.findings] == [
        f"{LOG}, position {len(data)}: only 40 bytes are left; never acknowledged, to be cut off"
    ]
    assert not found.is_damaged


def test_missing_segments_and_lost_tails_are_damage() -> None:
    kit = closed(segment_bytes="300")
    names = [name for name in kit.filesystem.list_directory("logs/words-0") if name.endswith(".log")]
    kit.filesystem.remove(f"logs/words-0/{names[1]}")
    assert "should follow" in str(check(kit).inspect(WORDS).findings[0])
    kit = closed(segment_bytes="300")
    kit.filesystem.remove(f"logs/words-0/{names[0]}")
    checked = check(kit)
    found = checked.inspect(WORDS)
    assert "but offsets from 0 on were not deleted" in str(found.findings[0])
    checked.repair(WORDS, found, "now")
    checked.close()
    reopen(kit)
    assert kit.values("words") == [f"value {index}" for index in range(found.start_offset, 12)]
    kit = closed()
    kit.filesystem.replace_file(LOG, kit.filesystem.read_file(LOG)[:200])
    assert check(kit).inspect(WORDS).is_damaged


def test_a_directory_in_use_is_looked_at_but_not_changed() -> None:
    kit = Kit().open()
    kit.create("words")
    kit.produce("words", "a")
    checked = check(kit)
    assert checked.in_use
    found = checked.inspect(WORDS)
    with pytest.raises(DataDirectoryError, match="in use"):
        checked.repair(WORDS, found, "now")
    assert kit.values("words") == ["a"]


def test_what_is_no_data_directory() -> None:
    with pytest.raises(StorageError, match="catalog: missing"):
        DirectoryCheck(MemoryFilesystem())


def test_a_group_that_read_beyond_the_damage_misses_nothing_that_comes_after_the_repair() -> None:
    """Its committed offset lies behind the damage: were offsets given out twice, it would pass over new records."""
    kit = closed()
    reopen(kit)
    asked = OffsetCommitRequestPartition(partition_index=0, committed_offset=10)
    body = OffsetCommitRequest(group_id="g", topics=(OffsetCommitRequestTopic(name="words", partitions=(asked,)),))
    assert kit.call(body).topics[0].partitions[0].error_code == 0
    kit.broker.close(kit.now_ms)
    flip(kit.filesystem, LOG, 200)
    checked = check(kit)
    found = checked.inspect(WORDS)
    assert found.end_offset < 10
    checked.repair(WORDS, found, "now")
    checked.close()
    reopen(kit)
    code, committed = committed_offset(kit, "g", WORDS)
    assert (code, committed) == (0, 10)
    assert kit.produce("words", "new").base_offset == 12
    assert read_values(kit.fetch("words", committed), committed, committed=False) == ["new"]


def test_usage_counts_files_that_are_there() -> None:
    kit = closed(segment_bytes="300")
    found = usage(kit.filesystem)
    assert set(found) == {"words-0"}
    looked = check(kit).inspect(WORDS)
    assert (found["words-0"].segments, found["words-0"].log_bytes) == (looked.segments, looked.size_bytes)
    total = sum(map(len, files(kit.filesystem, "logs/words-0").values()))
    assert found["words-0"].beside_bytes == total - looked.size_bytes
    assert usage(MemoryFilesystem()) == {}
