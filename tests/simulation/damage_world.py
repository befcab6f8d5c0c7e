"""A data directory to be damaged, and what a broker may then say of it: what it said before, or where the damage is.

``check_flipped`` and ``check_missing`` damage one place; which places is ``damage``'s and the tests' business.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

from broker_core.config import BrokerConfig, LogConfig
from broker_core.errors import StorageError
from broker_core.housekeeping import CHECK_INTERVAL_MS, STEP_PAUSE_MS
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import Isolation, TopicPartition
from broker_core.protocol.batch import decode_batch, iterate_batches
from broker_core.protocol.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsRequest,
    DeleteRecordsTopic,
)
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer, committed_offset, fetched, read_values

CONFIG = BrokerConfig(log=LogConfig(segment_bytes=700, index_interval_bytes=150))
WORDS = [TopicPartition("words", 0), TopicPartition("words", 1)]
TABLE = TopicPartition("table", 0)
START, TURNS, KEYS = 6, 24, 5
"""Records of words-1 below ``START`` were deleted."""
ENDINGS = ("closed", "killed", "preallocated")
KINDS = (
    ".log", ".index", ".timeindex", ".txnindex", ".seal", ".snapshot", "leader-epoch-checkpoint", "partition.metadata",
    "log-offsets", "recovery-point-offset-checkpoint", "log-start-offset-checkpoint", "cleaner-offset-checkpoint",
    "catalog", "format-version",
)  # fmt: skip


class World(NamedTuple):
    """A directory, and what a healthy broker says of it. ``ending`` is one of ``ENDINGS``."""

    ending: str
    files: dict[str, bytes]
    directories: tuple[str, ...]
    now_ms: int
    answers: dict[str, Any]


@cache
def written(ending: str) -> World:
    """Several segments and starts, transactions of both kinds, offsets, deleted records, a compacted topic; closed
    cleanly, or killed a moment after it was synced and checkpointed, with or without reserved room in its files."""
    kit = Kit(config=_config(ending)).open()
    kit.create("words", partitions=2)
    kit.create("table", cleanup_policy="compact", segment_bytes="400", min_cleanable_dirty_ratio="0.1")
    producer = TransactionalProducer(kit)
    assert producer.init() == 0
    for start in range(0, TURNS, 4):
        if start == 8:
            kit.restart()
            producer = TransactionalProducer(kit)
            assert producer.init() == 0
        kit.now_ms += 1_000
        assert producer.add(*WORDS) == [0, 0]
        for index in range(start, start + 4):
            assert producer.produce(WORDS[index % 2], f"value {index}") == 0
            assert kit.produce("table", f"{index}", keys=[b"k%d" % (index % KEYS)]).error_code == 0
        assert producer.send_offsets("g", WORDS[0], start) == [0, 0]
        assert producer.end(commit=True) == 0
        kit.sync_all()
        assert producer.add(*WORDS) == [0, 0]
        assert producer.produce(WORDS[0], "aborted") == 0
        assert producer.end(commit=False) == 0
        kit.sync_all()
    asked = DeleteRecordsPartition(partition_index=1, offset=START)
    body = DeleteRecordsRequest(topics=(DeleteRecordsTopic(name="words", partitions=(asked,)),), timeout_ms=1_000)
    assert kit.call(body).topics[0].partitions[0].error_code == 0
    keep_house(kit)
    assert kit.events.named("log.compacted")
    kit.tick(70_000)
    answers = told(kit)
    if ending == "closed":
        kit.broker.close(kit.now_ms)
    else:
        kit.filesystem.crash(random.Random(1), "keep")
    names = paths(kit.filesystem)
    directories = tuple(sorted({name.rpartition("/")[0] for name in names}))
    return World(
        ending, {name: kit.filesystem.read_file(name) for name in names}, directories, kit.now_ms, answers
    )  # fmt: skip


def _config(ending: str) -> BrokerConfig:
    return replace(CONFIG, log=replace(CONFIG.log, preallocate=ending == "preallocated"))


def keep_house(kit: Kit) -> None:
    kit.tick(CHECK_INTERVAL_MS)
    for _ in range(120):
        kit.sync_all()
        kit.tick(STEP_PAUSE_MS)


def paths(filesystem: MemoryFilesystem) -> list[str]:
    """Every file but the lock, whose presence is all that it says."""
    found = []
    pending = [""]
    while pending:
        directory = pending.pop()
        for name in filesystem.list_directory(directory):
            path = f"{directory}/{name}".lstrip("/")
            if filesystem.list_directory(path):
                pending.append(path)
            elif name != "lock":
                found.append(path)
    return sorted(path for path in found if filesystem.exists(path))


def laid_out(world: World, **changed: bytes | None) -> MemoryFilesystem:
    """The world's directory with some files changed, or (None) missing."""
    filesystem = MemoryFilesystem()
    for directory in world.directories:
        filesystem.make_directory(directory)
    for path, data in {**world.files, **changed}.items():
        if data is not None:
            filesystem.replace_file(path, data)
    return filesystem


def reopened(now_ms: int, filesystem: Any) -> Kit | StorageError:
    """A broker over ``filesystem``, or why there is none."""
    again = Kit(filesystem=filesystem, config=CONFIG, now_ms=now_ms, seed=9)
    try:
        return again.open()
    except StorageError as error:
        return error


def served(kit: Kit, partition: TopicPartition) -> list[str]:
    """What a read_committed reader gets; it ends with "(failed)" if an error ended it."""
    found: list[str] = []
    log = kit.broker._partitions.logs[partition]
    offset, end = log.start_offset, log.last_stable_offset
    while offset < end:
        asked = kit.fetch_request(partition.topic, offset, partition=partition.partition, committed=True)
        data = fetched(kit.call(asked, 12))
        if data.error_code:
            return [*found, "(failed)"]
        assert data.records
        found += read_values(data, offset, committed=True)
        *_, (_, last) = iterate_batches(data.records)
        offset = last.next_offset
    return found


def rows(kit: Kit) -> dict[bytes | None, bytes | None] | str:
    """The table as its last values by key."""
    log = kit.broker._partitions.logs[TABLE]
    offset = log.start_offset
    found: dict[bytes | None, bytes | None] = {}
    while offset < log.end_offset:
        try:
            data = log.read(offset, 1_000, Isolation.READ_UNCOMMITTED).records
        except StorageError as error:
            return f"(failed) {error}"
        for position, header in iterate_batches(data):
            columns = decode_batch(data, position, header)
            found.update(zip(columns.keys, columns.values, strict=True))
            offset = header.next_offset
    return found


def told(kit: Kit) -> dict[str, Any]:
    """What a broker answers: values, rows, bounds, lookups by time, epochs, committed offsets."""
    logs = kit.broker._partitions.logs
    answers: dict[str, Any] = {"table": rows(kit), "group": committed_offset(kit, "g", WORDS[0])}
    for partition in WORDS:
        log = logs[partition]
        answers[f"{partition} values"] = served(kit, partition)
        answers[f"{partition} bounds"] = (log.start_offset, log.end_offset)
        lookups: dict[str, Callable[[], Any]] = {
            "newest": log.offset_of_max_timestamp,
            "epoch": partial(log.end_offset_for_epoch, 1),
        }
        for at in range(1_000_000, 1_007_000, 500):
            lookups[f"at {at}"] = partial(log.offset_for_timestamp, at)
        for name, lookup in lookups.items():
            try:
                answers[f"{partition} {name}"] = lookup()
            except StorageError as error:
                answers[f"{partition} {name}"] = f"(failed) {error}"
    return answers


def judge(kit: Kit, path: str, world: World) -> str:
    """Every answer is the healthy one (``healed``), or a failure that names file and position (``reported``)."""
    verdict = "healed"
    for _ in range(2):
        answers = told(kit)
        refusals = " ".join(str(fields) for fields in kit.events.named("fetch.refused"))
        for name, expected in world.answers.items():
            answer = answers[name]
            if answer == expected:
                continue
            verdict = "reported"
            text = str(answer)
            if name.endswith("values") and answer[-1:] == ["(failed)"]:
                assert answer[:-1] == expected[: len(answer) - 1], f"{path}: {name}"
                text = refusals
            assert "(failed)" in str(answer) and path in text and "position" in text, (path, name, answer, expected)
        keep_house(kit)  # retention and compaction destroy nothing either
    return verdict


def of_kind(world: World, kind: str) -> list[str]:
    return [path for path in sorted(world.files) if path.endswith(kind) and world.files[path]]


def check_flipped(world: World, path: str, position: int, bit: int) -> str:
    """One bit of one file is not what was written: ``healed``, ``reported``, or AssertionError."""
    data = bytearray(world.files[path])
    data[position] ^= 1 << bit
    again = reopened(world.now_ms, laid_out(world, **{path: bytes(data)}))
    if isinstance(again, StorageError):
        assert path in str(again), f"{path}@{position}: {again}"
        assert not path.endswith(".log") or "position" in str(again), again
        return "reported"
    return judge(again, path, world)


def check_missing(world: World, path: str) -> str:
    """A file is gone. The last segment of a log that was killed has no files beside it: the directory is named."""
    again = reopened(world.now_ms, laid_out(world, **{path: None}))
    if isinstance(again, StorageError):
        assert path.rpartition("/")[0] in str(again), f"{path}: {again}"
        return "reported"
    return judge(again, path, world)
