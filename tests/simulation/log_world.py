"""Two logs of one data directory in a simulated world: what happens is drawn from a seed, and checked by the model.

Clients append, end transactions, retry, read and delete; sync waves go on beside, file by file; housekeeping deletes
and compacts; the disk is full, fails, stops before any operation, and loses or tears what was not synced; a start may
crash too. Everything runs on the code that runs in production but for the disk.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from unittest.mock import patch
from uuid import UUID

from broker_core import memory_filesystem
from broker_core.catalog import Topic
from broker_core.config import Durability, LogConfig
from broker_core.decision import Marker
from broker_core.errors import BrokerError, ErrorCode, StorageError
from broker_core.housekeeping import CHECK_INTERVAL_MS, STEP_PAUSE_MS, Housekeeping
from broker_core.log.partition_log import PartitionLog
from broker_core.log.results import PendingSync
from broker_core.memory_filesystem import DEFAULT_FREE_BYTES, CrashMode, MemoryFilesystem, SimulatedCrash
from broker_core.model import Isolation, TopicPartition
from broker_core.outcome import SyncResult
from broker_core.partitions import Partitions
from broker_core.ports import File, NullObserver
from broker_core.protocol.batch import BatchColumns, build_batch, decode_batch, iterate_batches
from tests.simulation.log_model import Batch, LogModel, Row

EVENTS, TABLE = TopicPartition("events", 0), TopicPartition("table", 0)
PRODUCERS = (7, 8)
RETENTION_MS = 40_000
SECTOR_BYTES = 64
"""Torn writes survive in pieces of this size: batches are small here, and are to be torn inside."""
SMALL = {"segment_bytes": 700, "index_interval_bytes": 150}
CONFIGS = {
    EVENTS: LogConfig(**SMALL, retention_ms=RETENTION_MS),
    TABLE: LogConfig(
        segment_bytes=450,
        index_interval_bytes=150,
        cleanup_policy=frozenset({"compact"}),
        delete_retention_ms=RETENTION_MS,
        min_cleanable_dirty_ratio=0.2,
    ),
}
TOPICS = {
    partition: Topic(name=partition.topic, id=UUID(int=index + 1), partitions=1)
    for index, partition in enumerate(CONFIGS)
}


class LogWorld:
    """One seed's world. ``run`` raises whatever shows that the log is wrong."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.filesystem = MemoryFilesystem(max_open_files=(1_000, 2)[seed % 3 == 0])
        self.now_ms = 1_700_000_000_000
        self.epoch = 0
        self.configs = {
            partition: replace(config, preallocate=self.random.random() < 0.5) for partition, config in CONFIGS.items()
        }
        self.models = {
            EVENTS: LogModel(compacted=False, retention_ms=RETENTION_MS),
            TABLE: LogModel(compacted=True, delete_retention_ms=RETENTION_MS),
        }
        self.wave: tuple[PendingSync, ...] = ()
        self.unsynced: list[tuple[int, File]] = []
        self.failures: dict[int, OSError] = {}
        self._open(was_clean=False, topics={})
        self.partitions.create((TOPICS[partition], config, range(1)) for partition, config in self.configs.items())

    # -- the loop

    def run(self, steps: int) -> None:
        with patch.object(memory_filesystem, "SECTOR_BYTES", SECTOR_BYTES):
            self._run(steps)

    def _run(self, steps: int) -> None:
        actions: list[tuple[int, Callable[[], None]]] = [
            (40, self.produce), (8, self.end_transaction), (4, self.retry), (20, self.sync), (6, self.read),
            (7, self.keep_house), (2, self.delete_records), (1, self.fill_disk), (1, self.fail), (3, self.crash),
            (1, self.close), (1, self.alter),
        ]  # fmt: skip
        weights = [weight for weight, _ in actions]
        choices = [action for _, action in actions]
        for _ in range(steps):
            self.now_ms += self.random.randrange(200)
            try:
                self.random.choices(choices, weights)[0]()
            except SimulatedCrash:
                self._restart(self._mode())
            if any(log.has_failed for log in self.partitions.logs.values()):
                self._restart(self._mode())
        self._restart(self._mode())

    def log(self) -> tuple[PartitionLog, LogModel]:
        partition = self.random.choice([EVENTS, TABLE])
        return self.partitions.logs[partition], self.models[partition]

    # -- clients

    def produce(self) -> None:
        """One batch of nobody, of an idempotent producer, or in a transaction; the machine may stop in the middle."""
        log, model = self.log()
        count = self.random.randrange(1, 5)
        keys: list[bytes | None] = [b"k%d" % self.random.randrange(6) for _ in range(count)]
        values: list[bytes | None] = [
            None if self.random.random() < 0.2 else b"%d" % (log.end_offset + index) * self.random.randrange(1, 15)
            for index in range(count)
        ]
        producer = self.random.choice([-1, *PRODUCERS])
        sequence = -1 if producer < 0 else self.next_sequence(model, producer)
        transactional = producer == PRODUCERS[0]
        batch = Batch(
            log.end_offset, tuple(zip(keys, values, strict=True)), self.now_ms, producer, sequence, transactional
        )
        self._stop_soon(0.03)
        self._append(log, model, batch)

    def end_transaction(self) -> None:
        log, model = self.log()
        commit = self.random.random() < 0.5
        self._stop_soon(0.03)
        self._append(log, model, Batch(log.end_offset, (), self.now_ms, PRODUCERS[0], commit=commit))

    def retry(self) -> None:
        """A producer that got no answer sends its last batch again: it is in the log once, where it was."""
        log, model = self.log()
        for producer in PRODUCERS:
            last = model.last_of(producer)
            if last is not None:
                result = log.append(encode(last), self.now_ms)
                assert (result.duplicate, result.base_offset) == (True, last.base), f"a duplicate of {last}"

    def next_sequence(self, model: LogModel, producer: int) -> int:
        last = model.last_of(producer)
        return 0 if last is None else last.sequence + len(last.rows)

    def read(self) -> None:
        for partition, log in self.partitions.logs.items():
            if not log.has_failed:
                check(log, self.models[partition], self.now_ms, self.random)

    def delete_records(self) -> None:
        log, model = self.partitions.logs[EVENTS], self.models[EVENTS]
        offset = self.random.randint(log.start_offset, log.high_watermark)
        model.asked = max(model.asked, offset)
        log.delete_records_before(offset)
        try:
            self.partitions.write_points()
        except OSError:
            return  # the client is told that it did not work; the records may be gone all the same
        model.start = log.start_offset  # all of it was written

    def _append(self, log: PartitionLog, model: LogModel, batch: Batch) -> None:
        model.batches.append(batch)  # a crash in the middle of the append may leave it in the log
        try:
            if batch.commit is None:
                result = self.partitions.append(log, encode(batch), self.now_ms)
            else:
                marker = Marker(producer_id=batch.producer, producer_epoch=0, coordinator_epoch=0, commit=batch.commit)
                result = self.partitions.append_marker(log, marker, self.now_ms)
        except StorageError:
            if log.has_failed:
                return
            model.batches.pop()
            assert log.end_offset == model.end, "a refused append left something"
            return
        self.filesystem.faults.crash_before = None
        assert (result.base_offset, result.duplicate) == (batch.base, False)

    # -- durability

    def advanced(self, partition: TopicPartition, synced_offset: int) -> None:
        model = self.models[partition]
        model.acknowledged = max(model.acknowledged, synced_offset)

    def lost(self, partition: TopicPartition, code: ErrorCode) -> None:
        """Nobody waits in this world."""

    def sync(self) -> None:
        """Begin a wave, sync some of its files in any order, and end it when that was the last one."""
        if not self.wave:
            self.wave = self.partitions.pending_syncs() + self.housekeeping.pending_syncs()
            self.unsynced = [(index, file) for index, part in enumerate(self.wave) for file in part.files]
            self.random.shuffle(self.unsynced)
        for _ in range(self.random.randint(1, 4)):
            if self.unsynced:
                index, file = self.unsynced.pop()
                try:
                    file.sync()
                except OSError as error:
                    self.failures[index] = error
        if self.wave and not self.unsynced:
            wave, self.wave = self.wave, ()
            failures, self.failures = self.failures, {}
            done = tuple(part for index, part in enumerate(wave) if index not in failures)
            failed = tuple((wave[index], error) for index, error in failures.items())
            self.partitions.synced(self.housekeeping.synced(SyncResult(done=done, failed=failed)))

    def keep_house(self) -> None:
        """A round of housekeeping and a checkpoint, with waves, reads and writes in between; it may be cut short."""
        self.now_ms += CHECK_INTERVAL_MS
        if self.random.random() < 0.3:
            self._stop_soon(1.0, 150)
        for _ in range(self.random.choice([3, 40, 40])):
            self.housekeeping.tick(self.now_ms)
            self.now_ms += STEP_PAUSE_MS
            self.sync()
            if self.random.random() < 0.05:
                self.read()
        if self.random.random() < 0.5:
            self.now_ms += 60_000 - CHECK_INTERVAL_MS
            self.partitions.checkpoint_if_due(self.now_ms)
        self.filesystem.faults.crash_before = None

    def alter(self) -> None:
        """Room is reserved for the next segment where it was not, or the other way round."""
        log, _ = self.log()
        config = replace(log.config, preallocate=not log.config.preallocate)
        self.configs[log.topic_partition] = config
        log.configure(config)

    # -- trouble

    def fill_disk(self) -> None:
        """Appends on a nearly full disk: each is whole, or leaves nothing; then there is space again."""
        self.filesystem.available_bytes = self.random.randrange(400)
        for _ in range(5):
            self.produce()
            self.sync()
        self.filesystem.available_bytes = DEFAULT_FREE_BYTES

    def fail(self) -> None:
        """The next sync or write fails."""
        if self.random.random() < 0.6:
            self.filesystem.faults.fail_next_sync = 5
        else:
            self.filesystem.faults.fail_next_write = 5

    def crash(self) -> None:
        self._restart(self._mode())

    def close(self) -> None:
        """A clean stop: everything that was appended is there afterwards."""
        while self.wave:
            self.sync()
        self.housekeeping.close()
        try:
            is_clean = self.partitions.close(self.now_ms)
        except (StorageError, OSError):
            self._restart(self._mode())
            return
        self.filesystem.crash(self.random, self._mode())
        self._open(was_clean=is_clean)
        self.read()

    def _mode(self) -> CrashMode:
        return self.random.choice(["keep", "drop", "tear", "tear"])

    def _stop_soon(self, chance: float, operations: int = 12) -> None:
        if self.random.random() < chance:
            faults = self.filesystem.faults
            faults.crash_before = faults.operations + self.random.randrange(operations)

    def _restart(self, mode: CrashMode) -> None:
        """Crash and recover; sometimes recovery crashes too, files beside a log are missing, or it is done twice."""
        self.filesystem.crash(self.random, mode)
        self.filesystem.available_bytes = DEFAULT_FREE_BYTES
        self.wave, self.unsynced, self.failures = (), [], {}
        if self.random.random() < 0.2:
            self._lose_side_files()
        if self.random.random() < 0.3:
            self.filesystem.faults.crash_before = self.random.randrange(40)
            try:
                self._open(was_clean=False, learn=False)
            except SimulatedCrash:
                pass
            self.filesystem.crash(self.random, "drop" if self.random.random() < 0.5 else "tear")
        self._open(was_clean=False)
        self.read()
        if self.random.random() < 0.3:
            before = self._state()
            self.filesystem.crash(self.random, "drop")
            self._open(was_clean=False)
            assert self._state() == before, "recovery is not idempotent"
        self.retry()

    def _lose_side_files(self) -> None:
        """Of the compacted log; the other's may hold what retention took from the log."""
        directory = f"logs/{TABLE}"
        for name in self.filesystem.list_directory(directory):
            if name.endswith((".index", ".timeindex", ".txnindex", ".snapshot")):
                self.filesystem.remove(f"{directory}/{name}")
        self.filesystem.sync_directory(directory)

    def _open(self, *, was_clean: bool, topics: dict[TopicPartition, Topic] = TOPICS, learn: bool = True) -> None:
        self.epoch += 1
        self.wave, self.unsynced, self.failures = (), [], {}
        self.partitions = Partitions(self.filesystem, Durability.SYNCED, NullObserver(), self)
        self.partitions.open(
            [(topic, self.configs[partition]) for partition, topic in topics.items()],
            leader_epoch=self.epoch, was_clean=was_clean, now_ms=self.now_ms,
        )  # fmt: skip
        self.housekeeping = Housekeeping(self.partitions, NullObserver())
        self.housekeeping.open(self.now_ms)
        if learn:
            for partition, log in self.partitions.logs.items():
                self.models[partition].survived(log.end_offset)

    def _state(self) -> list[object]:
        return [
            (log.start_offset, log.end_offset, log.last_stable_offset, read_rows(log, Isolation.READ_COMMITTED),
             read_rows(log, Isolation.READ_UNCOMMITTED), log.open_transactions())
            for log in self.partitions.logs.values()
        ]  # fmt: skip


def encode(batch: Batch) -> bytes:
    keys, values = zip(*batch.rows, strict=True)
    codec = 4 if batch.base % 7 == 3 else 0
    return build_batch(
        list(keys), list(values), [batch.timestamp] * len(keys), producer_id=batch.producer,
        producer_epoch=0 if batch.producer >= 0 else -1, base_sequence=batch.sequence,
        is_transactional=batch.transactional, codec=codec,
    )  # fmt: skip


def check(log: PartitionLog, model: LogModel, now_ms: int, generator: random.Random) -> None:
    """The log is what the model says: bounds, transactions, everything that both kinds of readers get."""
    start, high = log.start_offset, log.high_watermark
    assert high <= model.acknowledged, f"readers see up to {high}, acknowledged is {model.acknowledged}"
    assert log.end_offset == model.end
    model.check_start(start, now_ms)
    stable = log.last_stable_offset
    assert stable == model.stable(high), f"the last stable offset is {stable}, not {model.stable(high)}"
    found = {entry.producer_id: entry.first_offset for entry in log.open_transactions()}
    assert found == model.open_transactions(), f"open transactions {found}"
    max_bytes = generator.choice([1, 200, 100_000])
    rows = read_rows(log, Isolation.READ_UNCOMMITTED, max_bytes)
    model.check_rows(rows, start, high)
    model.check_committed(read_rows(log, Isolation.READ_COMMITTED, max_bytes), start, model.stable(high), now_ms)
    offset = generator.randint(start, high)
    tail = [row for row in read_rows(log, Isolation.READ_UNCOMMITTED, max_bytes, offset) if row[0] >= offset]
    assert tail == [row for row in rows if row[0] >= offset], (
        f"reading from offset {offset} is not the end of reading everything"
    )
    for bad in (start - 1, log.end_offset + 1):
        try:
            log.read(bad, 100, Isolation.READ_UNCOMMITTED)
        except BrokerError as error:
            assert error.code is ErrorCode.OFFSET_OUT_OF_RANGE
        else:
            raise AssertionError(f"offset {bad} can be read")


def read_rows(log: PartitionLog, isolation: Isolation, max_bytes: int = 1_000, offset: int | None = None) -> list[Row]:
    """Everything that a consumer gets from an offset on, aborted data filtered as Kafka's consumer does it."""
    offset = log.start_offset if offset is None else offset
    rows: list[Row] = []
    while True:
        result = log.read(offset, max_bytes, isolation)
        if not result.records:
            return rows
        waiting = sorted(result.aborted, key=lambda entry: entry.first_offset)
        aborting: set[int] = set()
        for position, header in iterate_batches(result.records):
            while waiting and waiting[0].first_offset <= header.last_offset:
                aborting.add(waiting.pop(0).producer_id)
            if header.is_control:
                if header.record_count:
                    aborting.discard(header.producer_id)
            elif not (header.is_transactional and header.producer_id in aborting):
                rows += _rows(decode_batch(result.records, position, header))
            offset = header.next_offset


def _rows(columns: BatchColumns) -> list[Row]:
    offsets = columns.offsets or range(columns.base_offset, columns.base_offset + len(columns.keys))
    return list(zip(offsets, columns.keys, columns.values, strict=True))
