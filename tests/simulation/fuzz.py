"""Structure-aware fuzzing of a served broker: whatever well-formed frames come, it serves on and its logs stay whole.

    python -m tests.simulation.fuzz --seeds 0-2                 1,000 requests per API key, version and seed
    python -m tests.simulation.fuzz --seeds 7 --api PRODUCE     one API
    python -m tests.simulation.fuzz --seeds 0 --requests 40     a short run, as in CI

Requests are made from the codec's own layouts, with values that meet each other's effects, wild ones, damaged record
batches and flipped bytes; those that the parser refuses do not count. Each goes through a connection of its own, as
bytes. After each API and version: no fault was reported, good requests are served, every acknowledged batch is where it
was acknowledged, every log reads from its start to its end, memory is bounded, and the same holds after a crash.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from broker_core.config import BrokerConfig, ServerConfig
from broker_core.errors import ProtocolError
from broker_core.memory_filesystem import MemoryFilesystem
from broker_core.model import Isolation
from broker_core.protocol.api import ApiKey
from broker_core.protocol.batch import BatchHeader, decode_batch, iterate_batches
from broker_core.protocol.framing import Request, decode_request, decode_response, encode_request
from broker_core.server import BrokerServer
from broker_core.server_connection import ServerConnection
from broker_core.sync_waves import InlineSyncExecutor
from tests.simulation.fuzz_values import Maker, name_of, versions
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer, produce_request

CANARY = "canary"
"""A topic that no request names: it must not notice anything."""
CANARY_CONFIGS = {
    "retention_ms": "-1", "retention_bytes": "-1", "max_message_bytes": "1000000", "cleanup_policy": "delete",
    "message_timestamp_before_max_ms": str(2**63 - 1), "message_timestamp_after_max_ms": str(2**63 - 1),
}  # fmt: skip
MAX_GROWTH_BYTES = 768 * 1024 * 1024
MAX_TRIES_PER_REQUEST = 50
MAX_PAYLOAD_BYTES = 200_000
"""Longer requests find nothing else and take most of the time; limits of size have their own tests."""
PRODUCER_ID = slice(43, 51)
"""Where a batch has it."""
NO_PRODUCER = b"\xff" * 8
PASSING_MS = (0, 0, 0, 0, 10, 1_000, 60_000)
"""How much time passes between two requests of a mixed round."""
FAULTS = ("request.failed", "request.unanswerable", "server.failed", "log.failed", "coordinator.append_failed")
"""Events that no request may bring about."""


Place: TypeAlias = tuple[str, int, int]
"""Topic, partition, offset."""
Pairs: TypeAlias = list[tuple[bytes | None, bytes | None]]


class FuzzTransport(asyncio.Transport):
    """Takes what a connection writes."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self if name == "socket" else None

    def setsockopt(self, *_: object) -> None: ...
    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...
    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: Any) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...


class Fault(AssertionError):
    """What the fuzzing found; the message says how to see it again."""


@dataclass
class World:
    """A broker, what it acknowledged, and the requests that led to here."""

    kit: Kit
    server: BrokerServer
    acknowledged: dict[Place, Pairs] = field(default_factory=dict)
    canary: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    async def send(self, payload: bytes) -> bytes:
        """Through a connection of its own, which then vanishes; returns what was written to it."""
        connection, transport = ServerConnection(self.server), FuzzTransport()
        connection.connection_made(transport)
        started = time.process_time()
        frame = struct.pack(">i", len(payload)) + payload
        while frame:
            buffer = connection.get_buffer(-1)
            size = min(len(buffer), len(frame))
            buffer[:size] = frame[:size]
            buffer.release()
            connection.buffer_updated(size)
            frame = frame[size:]
        self.kit.now_ms += 1
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.slowest_s = max(self.slowest_s, time.process_time() - started)
        connection.connection_lost(None)
        return transport.written

    async def write_canary(self) -> None:
        value = f"song {len(self.canary)}"
        kit = self.kit
        request = produce_request(CANARY, value, now_ms=kit.now_ms)
        payload = encode_request(Request(api_key=0, api_version=9, correlation_id=1, client_id="c", body=request))
        written = await self.send(payload)
        if not written:
            raise Fault("the broker no longer answers a good request")
        answer: Any = decode_response(0, 9, written[4:])[1]
        if answer.responses[0].partition_responses[0].error_code:
            raise Fault(f"the broker refuses a good request: {answer}")
        self.canary.append(value)


async def open_world(seed: int) -> World:
    limits = ServerConfig(socket_request_max_bytes=1 << 20)
    kit = Kit(filesystem=MemoryFilesystem(), config=BrokerConfig(num_partitions=2, server=limits), seed=seed).open()
    kit.create("a", partitions=3)
    kit.create("b", partitions=1)
    kit.create("compacted", partitions=2, cleanup_policy="compact")
    kit.create(CANARY, 1, **CANARY_CONFIGS)
    producer = TransactionalProducer(kit)
    assert producer.init() == 0
    kit.produce("a", "first", "second")
    return World(
        kit,
        BrokerServer(
            kit.broker, limits, observer=kit.events, clock_ms=lambda: kit.now_ms, executor=InlineSyncExecutor()
        ),
    )


async def fuzz_round(kinds: Sequence[tuple[int, int]], seed: str, count: int) -> tuple[int, float]:
    """``count`` requests of these APIs and versions; returns how many the parser refused besides, and the slowest."""
    draw = random.Random(seed)
    world = await open_world(draw.getrandbits(30))
    ids = [topic.id for topic in world.kit.broker._catalog.topics.values() if topic.name != CANARY]
    maker = Maker(draw, ids)
    refused = 0
    for index in range(count):
        api_key, version = draw.choice(kinds)
        for _ in range(MAX_TRIES_PER_REQUEST):
            payload = maker.payload(api_key, version)
            written = await world.send(payload)
            _check_events(world, payload)
            if len(payload) <= MAX_PAYLOAD_BYTES and _parses(payload):
                break
            refused += 1
        else:
            raise Fault(f"{MAX_TRIES_PER_REQUEST} requests in a row are refused by the parser: the fuzzer is at fault")
        if written and len(kinds) == 1 and api_key == ApiKey.PRODUCE:
            _note_acknowledged(world, payload, version, written)
        if len(kinds) > 1:
            world.kit.now_ms += draw.choice(PASSING_MS)
        if index % 20 == 0:
            await world.write_canary()
    await world.write_canary()
    _check_logs(world)
    world.server.is_stopping = True
    world.kit.restart(crash="drop")
    _check_logs(world)
    return refused, world.slowest_s


def _parses(payload: bytes) -> bool:
    try:
        decode_request(payload)
    except ProtocolError:
        return False
    return True


def _check_events(world: World, payload: bytes) -> None:
    for name, fields in world.kit.events.heard:
        if name in FAULTS and not str(fields.get("reason")).endswith("was deleted"):
            error = fields.get("error")
            cause = error if isinstance(error, BaseException) else None
            raise Fault(f"{name} {fields}\nrequest {payload.hex()}") from cause
    world.kit.events.heard.clear()


def _note_acknowledged(world: World, payload: bytes, version: int, written: bytes) -> None:
    request: Any = decode_request(payload).body
    answer: Any = decode_response(ApiKey.PRODUCE, version, written[4:])[1]
    sent = [(topic.name, data.index, data.records) for topic in request.topic_data for data in topic.partition_data]
    told = [(topic.name, partition) for topic in answer.responses for partition in topic.partition_responses]
    if [place[:2] for place in sent] != [(name, partition.index) for name, partition in told]:
        raise Fault(f"the answer is about other partitions than the request: {answer}")
    for (name, index, records), (_, partition) in zip(sent, told, strict=True):
        # What repeats an idempotent producer's batch is acknowledged at the place of the first one.
        if not partition.error_code and records and records[PRODUCER_ID] == NO_PRODUCER:
            world.acknowledged[name, index, partition.base_offset] = _pairs(records, *next(iterate_batches(records)))


def _check_logs(world: World) -> None:
    """Every log reads from start to end, the canary's has what was acknowledged, and so have the others."""
    kit = world.kit
    found: dict[Place, Pairs] = {}
    for partition, log in sorted(kit.broker._partitions.logs.items()):
        offset = log.start_offset
        while offset < log.end_offset:
            records = log.read(offset, 1 << 20, Isolation.READ_UNCOMMITTED).records
            if not records:
                raise Fault(f"{partition} cannot be read at {offset} of {log.end_offset}")
            for position, header in iterate_batches(records):
                if header.last_offset < offset:
                    raise Fault(f"{partition} goes back from {offset} to {header.last_offset}")
                found[partition.topic, partition.partition, header.base_offset] = _pairs(records, position, header)
                offset = header.next_offset
    for place, pairs in world.acknowledged.items():
        if place[0] != "compacted" and found.get(place) != pairs:
            raise Fault(f"acknowledged at {place}: {pairs}, but there is {found.get(place)}")
    if kit.values(CANARY) != world.canary:
        raise Fault(f"the canary's log holds {len(kit.values(CANARY))} of {len(world.canary)} records")


def _pairs(records: bytes, position: int, header: BatchHeader) -> Pairs:
    """Keys and values; the broker may pack a batch anew, so that its bytes say nothing."""
    columns = decode_batch(records, position, header)
    return list(zip(columns.keys, columns.values, strict=True))


def run(seeds: range, count: int, only: str | None = None, *, mixed: int = 0, quiet: bool = False) -> int:
    """Every API and version with every seed, then ``mixed`` rounds of all together.

    Returns:
        how many requests went through the parser.

    Raises:
        Fault: what was found.
    """
    before = _peak_bytes()
    total = 0
    for seed in seeds:
        kinds = [kind for kind in versions() if only is None or name_of(kind[0]) == only]
        rounds = [(f"{name_of(api_key)} version {version}", [(api_key, version)]) for api_key, version in kinds]
        rounds += [(f"mixed {number}", kinds) for number in range(mixed)]
        for name, of in rounds:
            try:
                refused, slowest_s = asyncio.run(fuzz_round(of, f"{seed}/{name}", count))
            except Exception as error:
                raise Fault(f"seed {seed} {name}: {error}") from error
            total += count
            grown = _peak_bytes() - before
            if not quiet:
                print(
                    f"seed {seed} {name}: {count} requests, {refused} refused by the parser, "
                    f"slowest {slowest_s * 1000:.0f} ms, memory +{grown >> 20} MiB",
                    flush=True,
                )
            if grown > MAX_GROWTH_BYTES:
                raise Fault(f"seed {seed} {name}: memory grew by {grown >> 20} MiB")
    return total


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.fuzz")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--requests", type=int, default=1_000, help="per API key and version, past the parser")
    parser.add_argument("--api", help="one API only, such as PRODUCE")
    parser.add_argument("--mixed", type=int, default=20, help="rounds of requests of all APIs, per seed")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("-")
    total = run(range(int(first), int(last or first) + 1), options.requests, options.api, mixed=options.mixed)
    print(f"{total:,} requests; the broker serves on, and its logs are whole")


if __name__ == "__main__":
    main()
