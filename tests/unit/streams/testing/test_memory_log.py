"""The log in memory: partitions as Kafka's clients choose them, and what readers of committed data see."""

from __future__ import annotations

from streams.client.partitioner import partition_of
from streams.model import OutputColumns, TopicPartition
from streams.testing.memory_log import LoggedRecord, LogPartition, MemoryLog


def log(*, transactional: bool = True) -> MemoryLog:
    return MemoryLog(lambda topic: 3, transactional=transactional)


def columns(topic: str, *keys: bytes | None, partitions: list[int] | None = None) -> OutputColumns:
    found = OutputColumns(topic)
    found.keys, found.values, found.timestamps = list(keys), [b"v"] * len(keys), list(range(len(keys)))
    found.partitions = partitions
    return found


def keys_of(log: MemoryLog, topic: str, start: int = 0) -> list[bytes | None]:
    return [record.key for _, _, record in log.output(topic, start)]


def test_a_record_goes_where_its_key_says_or_where_it_is_told() -> None:
    found = log()
    assert found.send("t", LoggedRecord(b"key", None, 0), None) == ("t", partition_of(b"key", 3))
    assert found.send("t", LoggedRecord(None, None, 0), None) == ("t", 0)
    assert found.send("t", LoggedRecord(b"key", None, 0), 2) == ("t", 2)
    found.write(columns("u", b"a", b"b", partitions=[2, -1]))
    found.end_transaction(commit=True)
    assert [partition for partition, _, _ in found.output("u", 0)] == [2, partition_of(b"b", 3)]


def test_open_records_stop_readers_until_the_transaction_ends() -> None:
    partition = LogPartition(TopicPartition("t", 0))
    partition.append(LoggedRecord(b"a", None, 1), is_open=False)
    partition.append(LoggedRecord(b"b", None, 2), is_open=True)
    partition.append(LoggedRecord(b"c", None, 3), is_open=False)
    assert partition.stable_end == 1
    batch = partition.batch(0)
    assert batch is not None and batch.keys == [b"a"] and batch.next_offset == 1
    assert partition.batch(1) is None


def test_aborted_records_are_skipped_but_keep_their_offsets() -> None:
    found = log()
    found.write(columns("t", b"a", partitions=[0]))
    found.end_transaction(commit=False)
    found.send("t", LoggedRecord(b"b", None, 0), 0)
    batch = found.partition(TopicPartition("t", 0)).batch(0)
    assert batch is not None
    assert (batch.keys, batch.offsets, batch.next_offset) == ([b"b"], [1], 2)
    assert keys_of(found, "t") == [], "neither what was aborted nor what the test sent is output"


def test_an_aborted_tail_moves_readers_on() -> None:
    found = log()
    found.write(columns("t", b"a", partitions=[0]))
    found.end_transaction(commit=False)
    batch = found.partition(TopicPartition("t", 0)).batch(0)
    assert batch is not None and batch.keys == [] and batch.next_offset == 1


def test_output_is_in_the_order_of_writing_over_all_partitions() -> None:
    found = log()
    keys = [bytes([number]) for number in range(20)]
    found.write(columns("t", *keys))
    assert keys_of(found, "t") == []
    found.end_transaction(commit=True)
    assert keys_of(found, "t") == keys
    assert keys_of(found, "t", 18) == keys[18:]
    assert found.output_counts() == {"t": 20}


def test_without_transactions_everything_is_seen_at_once_and_stays() -> None:
    found = log(transactional=False)
    found.write(columns("t", b"a"))
    assert keys_of(found, "t") == [b"a"]
    found.end_transaction(commit=False)
    assert keys_of(found, "t") == [b"a"]


def test_headers_travel() -> None:
    found = log()
    out = columns("t", b"a", b"b", partitions=[0, 0])
    out.headers = [(), (("h", b"1"),)]
    found.write(out)
    found.end_transaction(commit=True)
    batch = found.partition(TopicPartition("t", 0)).batch(0)
    assert batch is not None and batch.headers == [(), (("h", b"1"),)]


def test_the_end_of_a_key_may_have_no_say() -> None:
    """All windows of a key go where the key goes."""
    found = log(transactional=False)
    out = columns("t", *(b"a" + bytes([start] * 8) for start in range(20)))
    out.unhashed_bytes = 8
    found.write(out)
    assert {index for index, _, _ in found.output("t", 0)} == {partition_of(b"a", 3)}
