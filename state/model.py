"""Local state's vocabulary. Values only; bytes in, bytes out, no serdes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

Family: TypeAlias = str
"""Name of one keyspace of a task's database: a store's name, or one of the reserved ones."""

POSITION_FAMILY: Family = "__positions__"
"""Where a task's database keeps how far into each changelog (and input) its rows reach."""


class TaskId(NamedTuple):
    """Sub-topology and partition; printed as Kafka Streams does (``0_3``)."""

    subtopology: int
    partition: int

    def __str__(self) -> str:
        return f"{self.subtopology}_{self.partition}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSpec:
    """What a topology says of one store.

    Arguments:
        name: unique within the application; also the column family's name.
        kind: ``key_value`` (windows and sessions come as further kinds).
        changelog_topic: where its writes are replicated; None when logging is off.
        cached: whether the record cache may sit above it.
    """

    name: str
    kind: str = "key_value"
    changelog_topic: str | None = None
    cached: bool = True
