"""A log on a disk that stops before every single mutating operation, and loses or tears what was not synced.

One scripted life (appends, transactions, rolls, sync waves, deletion, a clean close) is run again and again, each time
with the crash one operation later; then recovery itself is crashed at each of its operations.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

import pytest

from broker_core.log.partition_log import PartitionLog
from broker_core.log.producer_state import ProducerEntry
from broker_core.log.upkeep import retain
from broker_core.memory_filesystem import CrashMode, MemoryFilesystem, SimulatedCrash
from tests.unit.broker_core.log.log_world import (
    NOW_MS,
    SMALL,
    batch,
    committed,
    drain,
    open_log,
    records,
    sync,
    transactional,
)

POWER_LOSS: tuple[CrashMode, ...] = ("drop", "tear", "tear")
MODES: tuple[CrashMode, ...] = ("keep", *POWER_LOSS)


@dataclass
class Witness:
    """What the outside world knows: everything sent, what was acknowledged, where the log must begin."""

    sent: list[tuple[int, bytes]] = field(default_factory=list)
    synced: int = 0
    start: int = 0
    closed: bool = False

    def check(self, log: PartitionLog) -> None:
        """Nothing below the synced offset is lost or changed; what is beyond it was sent like that, without holes."""
        assert log.end_offset >= self.synced
        found = [(offset, value) for offset, value in records(log) if offset >= self.start]
        expected = [(offset, value) for offset, value in self.sent if self.start <= offset < log.end_offset]
        assert found == expected


def live(filesystem: MemoryFilesystem, witness: Witness) -> None:
    """Five segments, two transactional producers, a plain one, deletion in the middle, a clean close."""
    log = open_log(filesystem, leader_epoch=1)
    sequences = {7: 0, 8: 0}
    for step in range(45):
        value = b"%d" % step * (1 + step % 40)
        if step % 3 < 2:
            producer = 7 + step % 3
            data = transactional(producer, sequences[producer], value)
            sequences[producer] += 1
        else:
            data = batch(value)
        # What the disk holds after a crash in the middle of the append is either nothing or this.
        witness.sent.append((log.end_offset, value))
        log.append(data, NOW_MS)
        if step % 9 == 8:
            log.append_marker(7 + step % 2, 0, 0, step % 2 == 0, NOW_MS)
        if step % 4 == 3:
            pending = log.pending_sync()
            assert pending is not None
            for file in pending.files:
                file.sync()
            log.mark_synced(pending.end_offset)
            witness.synced = pending.end_offset
        if step == 30:
            witness.start = log.delete_records_before(12)
            drain(retain(log, NOW_MS, witness.synced))
    log.close(NOW_MS)
    witness.synced = log.end_offset
    witness.closed = True


def operations_of_a_life() -> int:
    filesystem = MemoryFilesystem()
    live(filesystem, Witness())
    return filesystem.faults.operations


OPERATIONS = operations_of_a_life()


def crashed(number: int, mode: CrashMode, seed: int) -> tuple[MemoryFilesystem, Witness]:
    filesystem, witness = MemoryFilesystem(), Witness()
    filesystem.faults.crash_before = number
    with pytest.raises(SimulatedCrash):
        live(filesystem, witness)
    filesystem.crash(random.Random(seed), mode)
    return filesystem, witness


@pytest.mark.parametrize("mode", MODES)
def test_a_crash_before_any_operation_loses_nothing_that_was_synced(mode: CrashMode) -> None:
    for number in range(OPERATIONS):
        filesystem, witness = crashed(number, mode, number)
        log = open_log(filesystem, recovery_point=witness.synced, leader_epoch=2)
        witness.check(log)
        end = log.append(batch(b"goes on"), NOW_MS).base_offset
        sync(log)
        assert records(log)[-1] == (end, b"goes on")


def test_a_life_without_a_crash_ends_clean() -> None:
    filesystem, witness = MemoryFilesystem(), Witness()
    live(filesystem, witness)
    assert witness.closed
    filesystem.crash(random.Random(0), "drop")
    witness.check(open_log(filesystem, clean=True, recovery_point=witness.synced, leader_epoch=2))


def test_what_recovery_found_is_durable_before_anyone_is_told() -> None:
    """After ``kill -9`` the bytes live in the page cache only; opened, acknowledged, they must survive power loss."""
    for number in range(0, OPERATIONS, 3):
        filesystem, witness = crashed(number, "keep", number)
        log = open_log(filesystem, recovery_point=witness.synced, leader_epoch=2)
        seen, stable, end = records(log), committed(log), log.end_offset
        filesystem.crash(random.Random(number), "drop")
        log = open_log(filesystem, recovery_point=end, leader_epoch=3)
        assert (records(log), committed(log), log.end_offset) == (seen, stable, end)


@pytest.mark.parametrize("mode", MODES)
def test_recovery_may_crash_anywhere_and_be_done_again(mode: CrashMode) -> None:
    """Also with damage to cut away: the end result is that of one undisturbed recovery, or of less lost."""
    for number in range(5, OPERATIONS, 7):
        step = 0
        while True:
            filesystem, witness = crashed(number, "tear", number)
            filesystem.faults.crash_before = filesystem.faults.operations + step
            try:
                open_log(filesystem, recovery_point=witness.synced, leader_epoch=2)
            except SimulatedCrash:
                filesystem.crash(random.Random(step), mode)
                witness.check(open_log(filesystem, recovery_point=witness.synced, leader_epoch=3))
                step += 1
                continue
            break
        assert step > 0, "recovery made nothing durable"


def producers(log: PartitionLog) -> list[ProducerEntry]:
    return [replace(entry, batches=entry.batches[-1:]) for entry in log.producers()]


@pytest.mark.parametrize("mode", POWER_LOSS)
def test_producers_and_aborts_are_those_of_the_log_that_survived(mode: CrashMode) -> None:
    """Indexes and snapshots after a crash say what a scan of the whole log says (but for the older batches of a window,
    which Kafka's snapshot does not keep)."""
    for number in range(0, OPERATIONS, 2):
        filesystem, witness = crashed(number, mode, number)
        log = open_log(filesystem, recovery_point=witness.synced, leader_epoch=2)
        found = committed(log), producers(log), log.open_transactions(), log.start_offset
        filesystem.crash(random.Random(0), "keep")
        for name in filesystem.list_directory("logs/orders-0"):
            if not name.endswith(".log") and log.start_offset == 0:
                filesystem.remove(f"logs/orders-0/{name}")
        again = open_log(filesystem, SMALL, recovery_point=0, leader_epoch=2)
        assert (committed(again), producers(again), again.open_transactions(), again.start_offset) == found
