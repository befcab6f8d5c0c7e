"""Housekeeping takes one small step at a time, leaves syncs to the waves, and survives what happens in between."""

from __future__ import annotations

from broker_core.broker import SyncResult
from broker_core.housekeeping import CHECK_INTERVAL_MS, STEP_PAUSE_MS
from broker_core.protocol.delete_records import DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic
from broker_core.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicState
from tests.unit.broker_core.broker_kit import Kit

DAY_MS = 24 * 3_600_000


def rounds(kit: Kit, steps: int = 400) -> None:
    """One round over all logs with every step it takes, and the waves in between."""
    kit.tick(CHECK_INTERVAL_MS)
    for _ in range(steps):
        kit.sync()
        kit.tick(STEP_PAUSE_MS)


def fill(kit: Kit, topic: str, count: int = 40) -> None:
    for index in range(count):
        keys: list[bytes | None] = [b"key-%d" % (index % 5)]
        assert kit.produce(topic, f"{index}" * 20, keys=keys).error_code == 0


def segments(kit: Kit, topic: str) -> list[str]:
    return [name for name in kit.filesystem.list_directory(f"logs/{topic}-0") if name.endswith(".log")]


def test_old_segments_go_and_readers_are_told() -> None:
    kit = Kit().open()
    kit.create("words", segment_bytes="500", retention_ms=str(DAY_MS))
    fill(kit, "words")
    assert len(segments(kit, "words")) > 5
    rounds(kit)
    assert kit.list_offset("words", -2) == 0, "nothing is old enough"
    kit.now_ms += DAY_MS
    rounds(kit)
    assert kit.list_offset("words", -2) == 40
    assert len(segments(kit, "words")) == 1
    assert [event["start_offset"] for event in kit.events.named("log.retained")] == [40]
    kit.produce("words", "next")
    kit.restart(crash="drop")
    assert kit.values("words") == ["next"]


def test_a_compacted_topic_shrinks_to_its_keys() -> None:
    kit = Kit().open()
    kit.create("table", segment_bytes="500", cleanup_policy="compact")
    fill(kit, "table")
    size = sum(len(kit.filesystem.read_file(f"logs/table-0/{name}")) for name in segments(kit, "table"))
    rounds(kit)
    (event,) = kit.events.named("log.compacted")
    assert event["freed_bytes"] == size - sum(
        len(kit.filesystem.read_file(f"logs/table-0/{name}")) for name in segments(kit, "table")
    )
    expected = [f"{index}" * 20 for index in range(40)]
    left = kit.values("table")
    assert left == [value for value in expected if value in left] and left[-5:] == expected[-5:]
    assert len(left) < 15
    rounds(kit)
    assert len(kit.events.named("log.compacted")) == 1, "a clean log is left alone"
    for crash in (None, "drop"):
        kit.restart(crash=crash)
        assert kit.values("table") == left
        rounds(kit)
        assert kit.values("table") == left


def test_each_step_is_one_and_its_sync_is_the_next_waves() -> None:
    """Between two steps requests are answered; nothing is synced on the broker's thread but names."""
    kit = Kit().open()
    kit.create("table", segment_bytes="500", cleanup_policy="compact")
    fill(kit, "table")
    kit.tick(CHECK_INTERVAL_MS)
    before = dict(kit.filesystem.faults.counters)
    wave = kit.broker.pending_syncs()
    assert [pending.files[0].path[-13:] for pending in wave] == ["0.log.cleaned"]
    assert kit.broker.pending_syncs() == (), "named once"
    kit.tick(60_000)
    assert len([name for name in kit.filesystem.list_directory("logs/table-0") if ".cleaned" in name]) == 1
    assert kit.filesystem.faults.counters["sync"] - before["sync"] <= 3, "only the checkpoint's"
    kit.broker.synced(SyncResult(done=wave), kit.now_ms)
    assert kit.produce("table", "x", keys=[b"k"]).error_code == 0
    rounds(kit)
    assert len(kit.events.named("log.compacted")) == 1


def test_a_sync_that_fails_ends_the_pass_and_not_the_log() -> None:
    kit = Kit().open()
    kit.create("table", segment_bytes="500", cleanup_policy="compact")
    fill(kit, "table")
    values = kit.values("table")
    kit.tick(CHECK_INTERVAL_MS)
    wave = kit.broker.pending_syncs()
    kit.broker.synced(SyncResult(failed=((wave[0], OSError(5, "Input/output error")),)), kit.now_ms)
    kit.tick(STEP_PAUSE_MS)
    assert "Input/output" in str(kit.events.named("log.upkeep_failed")[0]["reason"])
    assert kit.values("table") == values
    rounds(kit)
    assert len(kit.events.named("log.compacted")) == 1, "the next round does it"


def test_a_topic_deleted_in_the_middle_of_its_compaction() -> None:
    kit = Kit().open()
    kit.create("table", segment_bytes="500", cleanup_policy="compact")
    fill(kit, "table")
    kit.tick(CHECK_INTERVAL_MS)
    assert kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name="table"),))).responses[0].error_code == 0
    kit.create("table", segment_bytes="500", cleanup_policy="compact")
    fill(kit, "table", 20)
    values = kit.values("table")
    rounds(kit, 3)
    assert kit.values("table")[-5:] == values[-5:]
    assert not kit.events.named("log.upkeep_failed")


def test_closing_in_the_middle_of_a_compaction() -> None:
    kit = Kit().open()
    kit.create("table", segment_bytes="500", cleanup_policy="compact")
    fill(kit, "table")
    values = kit.values("table")
    kit.tick(CHECK_INTERVAL_MS)
    kit.restart()
    assert kit.values("table") == values
    assert not [name for name in kit.filesystem.list_directory("logs/table-0") if ".cleaned" in name]


def test_a_damaged_segment_is_reported_once_and_left_alone() -> None:
    kit = Kit().open()
    kit.create("table", segment_bytes="500", cleanup_policy="compact")
    fill(kit, "table")
    kit.filesystem.open("logs/table-0/00000000000000000000.log").write_at(100, b"\xff")
    rounds(kit)
    rounds(kit)
    (event,) = kit.events.named("log.upkeep_failed")
    assert "damaged" in str(event["reason"]) and "00000000000000000000.log" in str(event["reason"])
    assert kit.produce("table", "x", keys=[b"k"]).error_code == 0


def test_deleted_records_free_the_disk_and_stay_deleted() -> None:
    kit = Kit().open()
    kit.create("words", segment_bytes="500")
    fill(kit, "words")
    body = DeleteRecordsRequest(
        topics=(DeleteRecordsTopic(name="words", partitions=(DeleteRecordsPartition(partition_index=0, offset=33),)),)
    )
    assert kit.call(body).topics[0].partitions[0].low_watermark == 33
    kit.restart(crash="drop")
    assert kit.list_offset("words", -2) == 33
    before = len(segments(kit, "words"))
    rounds(kit)
    assert len(segments(kit, "words")) < before
    assert len(kit.values("words")) == 7


def test_many_logs_are_looked_at_without_writing_anything() -> None:
    kit = Kit().open()
    kit.create("words", partitions=200)
    before = kit.filesystem.faults.operations
    kit.tick(CHECK_INTERVAL_MS)
    for _ in range(20):
        kit.tick(STEP_PAUSE_MS)
    assert kit.filesystem.faults.operations == before
    deadline = kit.broker.next_deadline()
    assert deadline is not None and deadline > kit.now_ms
