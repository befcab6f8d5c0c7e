"""A broker process under kill -9, again and again, while clients write, commit offsets and end transactions.

    python -m tests.simulation.broker_kill --kills 50

After each restart: what was acknowledged is there, once and in order; a committed offset is the last one acknowledged,
or the one that was on its way; a transaction that was being committed is so entirely or not at all, and its producer
can go on; an open one is invisible to readers of committed records until it is committed.
"""

from __future__ import annotations

import argparse
import random
import struct
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from broker_core.errors import ErrorCode
from broker_core.model import NO_OFFSET, TopicPartition
from broker_core.protocol.create_topics import CreatableTopic, CreateTopicsRequest
from broker_core.protocol.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from broker_core.server import wall_clock_ms
from tests.unit.broker_core.broker_kit import (
    Kit,
    TransactionalProducer,
    committed_offset,
    produce_request,
    produced,
)
from tests.unit.broker_core.broker_process import BrokerProcess
from tests.unit.broker_core.server_kit import WireClient

PLAIN, PLACED = TopicPartition("plain", 0), TopicPartition("placed", 0)
MAX_RECORDS_PER_LIFE = 400


class Lost(AssertionError):
    """A promise that was not kept."""


class RemoteKit(Kit):
    """The kit's usual requests, sent to a process."""

    def __init__(self, client: WireClient) -> None:
        self.client = client

    @property
    def now_ms(self) -> int:  # type: ignore[override]
        return wall_clock_ms()

    def call(self, body: Any, version: int | None = None) -> Any:
        return self.client.exchange(body, version)

    def sync_all(self) -> None:
        time.sleep(0.002)  # the process syncs by itself; somebody waits for the end of a transaction


@dataclass
class Lives:
    """What clients were promised over all lives of the broker."""

    acknowledged: list[str] = field(default_factory=list)
    sent: int = 0
    offset: int = 0
    offset_sent: int = 0
    transactions: list[str] = field(default_factory=list)
    """Values of committed transactions, in order."""
    ended_by_restart: int = 0
    still_open: int = 0


def run(directory: Path, kills: int, seed: int) -> Lives:
    """Kill the broker ``kills`` times. Raises ``Lost``."""
    draw, lives = random.Random(seed), Lives()
    with BrokerProcess(directory, "min.free.bytes=0") as broker:
        with broker.connect() as client:
            topics = tuple(
                CreatableTopic(name=name, num_partitions=1, replication_factor=1) for name in ("plain", "placed")
            )
            client.exchange(CreateTopicsRequest(topics=topics))
        for kill in range(kills):
            if kill % 2:
                _kill_while_writing(broker, lives, draw)
            else:
                _kill_in_a_transaction(broker, lives, draw, kill)
            broker.start()
            _check(broker, lives)
        if broker.terminate() != 0:
            raise Lost("the broker does not stop cleanly")
        broker.start()
        _check(broker, lives)
    return lives


def _kill_while_writing(broker: BrokerProcess, lives: Lives, draw: random.Random) -> None:
    """A writer and a committer, one request after the other, until the broker dies under them."""
    delay_s = draw.uniform(0.0, 0.15)

    def write() -> None:
        for _ in range(MAX_RECORDS_PER_LIFE):
            value = f"value {lives.sent}"
            lives.sent += 1
            if produced(client.exchange(produce_request("plain", value, now_ms=wall_clock_ms()))).error_code == 0:
                lives.acknowledged.append(value)

    def commit() -> None:
        for _ in range(MAX_RECORDS_PER_LIFE):
            lives.offset_sent = lives.offset + 1
            asked = OffsetCommitRequestPartition(partition_index=0, committed_offset=lives.offset_sent)
            topic = OffsetCommitRequestTopic(name="plain", partitions=(asked,))
            answer = committer.exchange(OffsetCommitRequest(group_id="g", topics=(topic,)), 8)
            if answer.topics[0].partitions[0].error_code == 0:
                lives.offset = lives.offset_sent

    with broker.connect() as client, broker.connect() as committer:
        threads = [threading.Thread(target=_until_closed, args=(work,)) for work in (write, commit)]
        for thread in threads:
            thread.start()
        time.sleep(delay_s)
        broker.kill()
        for thread in threads:
            thread.join()


def _until_closed(work: Any) -> None:
    try:
        work()
    except (OSError, AssertionError, struct.error):
        return  # the broker is dead: the request on its way has no answer


def _kill_in_a_transaction(broker: BrokerProcess, lives: Lives, draw: random.Random, kill: int) -> None:
    """Kill before the end of a transaction is asked for, or some moments after; then end it with the next broker."""
    values = [f"transaction {kill} value {index}" for index in range(3)]
    ask = draw.random() < 0.75
    with broker.connect() as client:
        producer = TransactionalProducer(RemoteKit(client))
        _expect(producer.init(), ErrorCode.NONE)
        _expect(producer.add(PLACED)[0], ErrorCode.NONE)
        _expect(producer.produce(PLACED, *values), ErrorCode.NONE)
        _expect(max(producer.send_offsets("tg", PLAIN, kill + 1)), ErrorCode.NONE)
        if ask:
            client.send(producer.end_request(commit=True), 3)
            time.sleep(draw.choice((0.0, 0.0005, 0.001, 0.002, 0.004)))
        broker.kill()
    broker.start()
    with broker.connect() as client:
        kit = RemoteKit(client)
        before = _committed(kit)
        if before == lives.transactions + values:
            lives.ended_by_restart += 1
        elif before == lives.transactions:
            lives.still_open += 1
        else:
            raise Lost(f"a part of a transaction is visible: {before[len(lives.transactions) :]}")
        producer.kit = kit
        code = producer.end(commit=True)  # a retry: ends what is open, confirms what has ended
        while code == ErrorCode.CONCURRENT_TRANSACTIONS:
            code = producer.end(commit=True)
        _expect(code, ErrorCode.NONE)
        lives.transactions += values
        _wait_for(lambda: _committed(kit) == lives.transactions, "the transaction's records")
        _wait_for(lambda: committed_offset(kit, "tg", PLAIN) == (0, kill + 1), "the transaction's offset")
    broker.kill()


def _committed(kit: Kit) -> list[str]:
    """What a reader of committed records has from the start to the last stable offset."""
    return kit.values("placed", committed=True)


def _wait_for(condition: Any, what: str) -> None:
    for _ in range(5_000):
        if condition():
            return
        time.sleep(0.001)
    raise Lost(f"{what}: never there")


def _expect(code: int, wanted: ErrorCode) -> None:
    if code != wanted:
        raise Lost(f"{ErrorCode(code).name} instead of {wanted.name}")


def _check(broker: BrokerProcess, lives: Lives) -> None:
    with broker.connect() as client:
        kit = RemoteKit(client)
        found = kit.values("plain")
        numbers = [int(value.split()[1]) for value in found]
        if numbers != sorted(set(numbers)):
            raise Lost("records are there twice, or out of order")
        missing = set(lives.acknowledged) - set(found)
        if missing:
            raise Lost(f"acknowledged and gone: {sorted(missing)[:5]}")
        if _committed(kit) != lives.transactions:
            raise Lost("committed transactions are not what they were")
        code, offset = committed_offset(kit, "g", PLAIN)
        if code or offset not in {lives.offset or NO_OFFSET, lives.offset_sent or NO_OFFSET}:
            raise Lost(f"committed offset {offset}, acknowledged {lives.offset}, on its way {lives.offset_sent}")
        lives.offset = max(lives.offset, offset, 0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.broker_kill")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        lives = run(Path(directory), options.kills, options.seed)
    print(
        f"{options.kills} kills: {len(lives.acknowledged)} of {lives.sent} records acknowledged, all there; offset "
        f"{lives.offset}; {len(lives.transactions) // 3} transactions, {lives.ended_by_restart} ended by the restart, "
        f"{lives.still_open} open after it"
    )


if __name__ == "__main__":
    main()
