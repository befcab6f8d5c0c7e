"""What is replayed before a task runs: exactly what local state lacks."""

from __future__ import annotations

from state.memory_directory import MemoryStateDirectory
from streams.model import ColumnBatch, TopicPartition
from streams.runtime.restoring import JOINED_RECORDS, joined, processed_part
from tests.unit.streams.runtime.machine import Machine

LINES = [("k", f"a b{index}") for index in range(20)]


def started(machine: Machine) -> list[dict[str, object]]:
    return [fields for name, fields in machine.world.observer.events if name == "restore.started"]


def restored(machine: Machine) -> int:
    return sum(int(str(fields["records"])) for name, fields in machine.world.observer.events if name == "restore.done")


def finished(**settings: object) -> Machine:
    machine = Machine(lines=LINES, **settings)
    worker = machine.worker()
    machine.turn(worker, lambda: worker.finished)
    machine.close()
    machine.world.observer.events.clear()
    return machine


def test_state_that_is_whole_needs_nothing() -> None:
    machine = finished()
    machine.world.run()
    assert restored(machine) == 0


def test_lost_state_comes_back_from_the_changelog() -> None:
    machine = finished()
    before = machine.world.store("counts")
    machine.world.state = MemoryStateDirectory()
    machine.world.run()
    assert restored(machine) >= len(before) == 21
    assert {fields["from_offset"] for fields in started(machine)} == {0}
    assert machine.world.store("counts") == before


def test_a_crash_costs_only_the_tail() -> None:
    """The database falls back to an earlier batch, with the position of that batch."""
    machine = finished(fetch_max_bytes=200)
    before = machine.world.store("counts")
    lost = {task: 1 for task, count in machine.world.state.unflushed_batches().items() if count}
    machine.world.state.crash(lost)
    machine.world.run()
    assert restored(machine) < 21
    assert machine.world.store("counts") == before


def test_each_batch_is_announced_with_its_position() -> None:
    machine = finished()
    machine.world.state = MemoryStateDirectory()
    machine.world.run()
    for name, fields in machine.world.observer.events:
        if name == "restore.batch":
            assert 0 < int(str(fields["position"])) <= int(str(fields["to_offset"]))


def batch(partition: int, base: int, count: int) -> ColumnBatch:
    """Followed by a marker's offset, as a commit leaves it."""
    keys: list[bytes | None] = [b"%d" % (base + index) for index in range(count)]
    return ColumnBatch(
        TopicPartition("c", partition), base, base + count + 1, keys, [b"v"] * count, [7] * count, None, None
    )


def test_small_batches_are_written_together() -> None:
    small = [batch(0, 0, 2), batch(0, 3, 1), batch(1, 0, 1), batch(0, 5, JOINED_RECORDS), batch(0, 6000, 1)]
    found = list(joined(small))
    assert [(b.topic_partition.partition, len(b.keys), b.next_offset) for b in found] == [
        (0, 3, 5), (1, 1, 2), (0, JOINED_RECORDS, JOINED_RECORDS + 6), (0, 1, 6002)
    ]  # fmt: skip
    assert found[0].keys == [b"0", b"1", b"3"]
    assert len(found[0].values) == len(found[0].timestamps) == 3
    assert list(joined([])) == []


def test_of_an_input_only_what_is_committed_is_a_tables_row() -> None:
    """Nor what a source drops: a record without a time."""
    keys = [b"a", b"b", b"c", b"d"]
    values: list[bytes | None] = [b"1", b"2", None, b"4"]
    place = TopicPartition("users", 0)
    batch = ColumnBatch(place, 10, 15, list(keys), list(values), [5, -1, 7, 8], None, None)
    part = processed_part(batch, 13)
    assert (part.keys, part.values, part.timestamps, part.next_offset) == ([b"a", b"c"], [b"1", None], [5, 7], 13)
    assert processed_part(batch, 99).next_offset == 15
    assert processed_part(batch._replace(offsets=[10, 12, 13, 14]), 13).keys == [b"a"]
    assert processed_part(batch, 10).keys == []
