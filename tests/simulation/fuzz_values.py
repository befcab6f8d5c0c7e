"""Requests for the fuzz test: bodies made from the codec's own layouts, tame or wild, and bytes flipped in them."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from google_crc32c import value as crc32c

from broker_core.handlers.table import HANDLERS
from broker_core.protocol.api import API, ApiKey
from broker_core.protocol.framing import Request, encode_request
from broker_core.protocol.layout import ArrayOf, Slot, StructOf, layout
from tests.unit.broker_core.broker_kit import produce_request

TOPICS = ("a", "b", "compacted")
"""Topics that requests may do anything to."""
STRINGS = (
    "", "g", "tx", "m", "consumer", "range", "member-1", "1", "-1", "0", "2", "__consumer_offsets",
    "__transaction_state",
    "delete", "compact", "retention.ms", "cleanup.policy", "max.message.bytes", "segment.bytes", "num.partitions",
    "log.retention.ms", "kafka", "1.0", "..", "a/b", "ä", "x" * 249, "x" * 250, "\0", "*", "User:x", "SCRAM-SHA-256",
)  # fmt: skip
TAME_NUMBERS = (0, 1, 2, 5, 10, 100)
EDGES = (-1, -2, -3, 0, 1, 127, -128, 32_767, -32_768, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 1_000_000)
RANGES = {
    "b": (-(2**7), 2**7 - 1), "h": (-(2**15), 2**15 - 1), "i": (-(2**31), 2**31 - 1), "q": (-(2**63), 2**63 - 1),
    "H": (0, 2**16 - 1), "I": (0, 2**32 - 1),
}  # fmt: skip
MOST_DAMAGE = 4
"""Places at which one request is damaged."""
MOST_VALUES = 100_000
"""Of one field, over all arrays around it: three long ones within each other are 27 million, too much memory."""


class Maker:
    """Makes requests.

    Arguments:
        draw: the source of everything.
        topic_ids: of topics that exist, and that requests may do anything to.
    """

    def __init__(self, draw: random.Random, topic_ids: Sequence[UUID]) -> None:
        self._draw = draw
        self._topic_ids = topic_ids
        self._wildness = 0.0
        self._around = 1
        """How often the value in the making will be there: the lengths of the arrays around it, multiplied."""

    def payload(self, api_key: int, version: int) -> bytes:
        """One request, most of them near to what clients send, some of them damaged as bytes."""
        draw = self._draw
        self._wildness = draw.choice((0.0, 0.05, 0.3, 0.9))
        body = self._body(API[api_key].request, version)
        request = Request(
            api_key=api_key, api_version=version, correlation_id=draw.getrandbits(31), client_id="fuzz", body=body
        )
        payload = encode_request(request)
        return self._damaged(payload) if draw.random() < 0.3 else payload

    def _body(self, cls: Any, version: int) -> Any:
        return cls(**{slot.name: self._field(slot, version) for slot in layout(cls, version) if slot.present})

    def _field(self, slot: Slot, version: int) -> Any:
        if slot.nullable and self._draw.random() < 0.15:
            return None
        return self._value(slot.type, version, slot.name)

    def _value(self, kind: Any, version: int, name: str) -> Any:
        draw = self._draw
        if isinstance(kind, ArrayOf):
            count = draw.choice((0, 1, 1, 1, 2, 3)) if draw.random() > self._wildness / 10 else 300
            count = count if self._around * count <= MOST_VALUES else 3
            around, self._around = self._around, self._around * max(1, count)
            items = [self._value(kind.item, version, name) for _ in range(min(count, 4))]
            self._around = around
            return tuple(items[index % len(items)] for index in range(count)) if items else ()
        if isinstance(kind, StructOf):
            return self._body(kind.cls, version)
        if kind.name == "bool":
            return draw.random() < 0.5
        if kind.name == "uuid":
            return draw.choice((UUID(int=0), *self._topic_ids, UUID(int=draw.getrandbits(128))))
        if kind.name == "string":
            return self._string(name)
        if kind.name in ("bytes", "records"):
            return self._records()
        if kind.name == "float64":
            return draw.choice((0.0, 1.5, -1.0, float("nan"), float("inf"), 1e300))
        low, high = RANGES[kind.format]
        return max(low, min(high, self._number(name)))

    def _string(self, name: str) -> str:
        draw = self._draw
        if draw.random() >= self._wildness:
            if "topic" in name or name == "name":
                return draw.choice(TOPICS)
            if "transactional" in name:
                return "tx"
            if "group" in name or name == "key":
                return "g"
        return draw.choice(STRINGS)

    def _number(self, name: str) -> int:
        draw = self._draw
        if draw.random() < self._wildness:
            return draw.choice(EDGES) if draw.random() < 0.7 else draw.getrandbits(64) - 2**63
        if "partition" in name and "count" not in name and "num" not in name:
            return draw.choice((0, 0, 0, 1, 2))
        if name in ("acks", "replica_id", "current_leader_epoch", "generation_id"):
            return -1
        if "bytes" in name:
            return draw.choice((0, 1, 100, 1 << 20))
        if "timeout" in name or "wait" in name:
            return draw.choice((0, 10, 6_000, 60_000))
        return draw.choice(TAME_NUMBERS)

    def _records(self) -> bytes:
        """A batch: good, damaged with a good checksum, damaged without, or no batch at all."""
        draw = self._draw
        more = draw.choice(
            (
                {}, {"keys": [b"k", None]}, {"producer": (1, 0, 0)}, {"producer": (0, 0, draw.randrange(4))},
                {"producer": (0, 0, 0), "transactional_id": "tx"}, {"codec": draw.randrange(5)},
            )
        )  # fmt: skip
        data = (
            produce_request("a", "x", "y" * draw.choice((1, 10, 1_000)), **more).topic_data[0].partition_data[0].records
        )
        assert data is not None
        if draw.random() >= max(0.3, self._wildness):
            return data
        damaged = bytearray(data)
        for _ in range(draw.randint(1, MOST_DAMAGE)):
            damaged[draw.randrange(len(damaged))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
        if draw.random() < 0.2:
            del damaged[draw.randrange(len(damaged)) :]
        if len(damaged) > 61 and draw.random() < 0.7:
            struct.pack_into(">I", damaged, 17, crc32c(bytes(damaged[21:])))
        return bytes(damaged) if draw.random() < 0.8 else draw.randbytes(draw.randrange(200))

    def _damaged(self, payload: bytes) -> bytes:
        """Bytes changed, cut out or put in, behind API key and version."""
        draw = self._draw
        damaged = bytearray(payload)
        for _ in range(draw.randint(1, MOST_DAMAGE)):
            at = draw.randrange(8, len(damaged) + 1)
            how = draw.random()
            if how < 0.7 and at < len(damaged):
                damaged[at] = draw.choice((0, 1, 2, 0x7F, 0x80, 0xFF, draw.randrange(256)))
            elif how < 0.85:
                damaged[at:at] = draw.randbytes(draw.randint(1, 8))
            else:
                del damaged[at : at + draw.randint(1, 8)]
        return bytes(damaged)


def versions() -> list[tuple[int, int]]:
    """Every API key and version that the broker serves."""
    return [
        (api_key, version)
        for api_key in sorted(HANDLERS)
        for version in range(API[api_key].request.MIN_VERSION, API[api_key].request.MAX_VERSION + 1)
    ]


def name_of(api_key: int) -> str:
    return ApiKey(api_key).name
