"""What a scenario can ask of a client. Nothing here knows a library; each adapter imports its own, when it is used.

Adapters do as little as they can: what a client does by itself is what the tests are about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

TIMEOUT_S = 90
"""Patience with a loaded machine; nothing waits that long unless something is wrong."""


class Record(NamedTuple):
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp: int | None = None
    """Milliseconds; None lets the client say."""
    partition: int = 0


class Refused(Exception):
    """The broker said no; ``code`` is Kafka's number."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Transaction(Protocol):
    """A transactional producer, initialised."""

    def begin(self) -> None: ...

    def produce(self, topic: str, records: Sequence[Record]) -> None:
        """Returns when all are acknowledged. Raises Refused."""

    def send_offsets(self, group: str, offsets: Mapping[tuple[str, int], int]) -> None: ...

    def commit(self) -> None:
        """Raises Refused."""

    def abort(self) -> None: ...

    def close(self) -> None: ...


class Member(Protocol):
    """A consumer in a group, from the earliest record on where nothing is committed; commits when told to."""

    def poll(self, seconds: float) -> list[Record]:
        """What came within ``seconds``; lets the member take part in rebalances."""

    def assignment(self) -> set[int]:
        """Partitions of its one topic."""

    def commit(self) -> None:
        """Where it stands."""

    def close(self) -> None:
        """Leave."""


class Client(Protocol):
    """One library. Addresses are ``host:port``; everything raises ``Refused`` where the broker refuses."""

    name: str

    @property
    def codecs(self) -> tuple[str, ...]:
        """What it can pack with."""

    def produce(
        self, address: str, topic: str, records: Sequence[Record], *, codec: str = "none", acks: Any = "all"
    ) -> None:
        """Returns when all are acknowledged (``acks=0``: sent)."""

    def consume(self, address: str, topic: str, count: int, *, committed: bool = True) -> list[Record]:
        """The first ``count`` records of partition 0, without a group."""

    def offset_at(self, address: str, topic: str, timestamp: int) -> int:
        """Of the first record of partition 0 with this timestamp or a later one; -1 for none."""

    def transaction(self, address: str, transactional_id: str) -> Transaction: ...

    def join(self, address: str, group: str, topic: str, *, instance: str | None = None, assignor: str) -> Member:
        """A member that subscribes to ``topic``."""

    def committed(self, address: str, group: str, topic: str) -> int:
        """Of partition 0; -1 for none."""

    def create_topic(self, address: str, topic: str, partitions: int, configs: Mapping[str, str]) -> None: ...

    def delete_topic(self, address: str, topic: str) -> None: ...

    def grow_topic(self, address: str, topic: str, partitions: int) -> None: ...

    def topics(self, address: str) -> dict[str, int]:
        """Partition counts."""

    def config(self, address: str, topic: str, name: str) -> str: ...

    def ends(self, address: str, topic: str) -> tuple[int, int]:
        """First offset and end of partition 0."""


def keys_of(records: Sequence[Record]) -> list[bytes | None]:
    return [record.key for record in records]


def values_of(records: Sequence[Record]) -> list[bytes | None]:
    return [record.value for record in records]
