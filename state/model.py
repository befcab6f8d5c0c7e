"""Local state's vocabulary. Values only; bytes in, bytes out, no serdes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

Family: TypeAlias = str
"""Name of one keyspace of a task's database: a store's name, or one of the reserved ones."""

POSITION_FAMILY: Family = "__positions__"
"""Where a task's database keeps how far into each changelog (and input) its rows reach."""

DEFAULT_CACHE_MAX_BYTES = 64 * 1024 * 1024
"""Record cache of one worker, when nobody says otherwise."""


class TaskId(NamedTuple):
    """Sub-topology and partition; printed as Kafka Streams does (``0_3``)."""

    subtopology: int
    partition: int

    def __str__(self) -> str:
        return f"{self.subtopology}_{self.partition}"

    @classmethod
    def parse(cls, text: str) -> TaskId:
        """The inverse of ``str``; ``ValueError`` for anything else."""
        subtopology, separator, partition = text.partition("_")
        if not separator or not (subtopology.isdecimal() and partition.isdecimal()):
            raise ValueError(f"{text!r} is no task id such as 0_3")
        return cls(int(subtopology), int(partition))


class Position(NamedTuple):
    """How far into one changelog a database's rows reach.

    Arguments:
        offset: the next offset to replay; every earlier one is in the rows.
        written_ms: when the rows were last known to be the whole truth (epoch milliseconds). Tombstones after
            ``offset`` that concern them are kept by the broker for ``delete.retention.ms`` from then on. A replay that
            is under way does not move it: half a replay knows nothing of the tombstones still ahead.
    """

    offset: int
    written_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowLayout:
    """What a window store knows of its windows; all in milliseconds.

    Arguments:
        size_ms: of every window.
        advance_ms: window starts are multiples of it; 0 where there is but one window.
        retention_ms: a window whose start lies this far behind the stream time may be forgotten; None: never.
    """

    size_ms: int
    advance_ms: int
    retention_ms: int | None


KEY_VALUE: Final = "key_value"
WINDOW: Final = "window"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSpec:
    """What a topology says of one store.

    Arguments:
        name: unique within the application; also the column family's name.
        kind: ``key_value`` or ``window`` (sessions come as a further kind).
        changelog_topic: where its writes are replicated; None when logging is off.
        source_topic: of a table without a changelog, the input topic that has all its rows and restores it. Its rows
            reach as far into that topic as its input has been committed.
        cached: whether the record cache may sit above it.
        windows: of a window store.
    """

    name: str
    kind: str = KEY_VALUE
    changelog_topic: str | None = None
    cached: bool = True
    windows: WindowLayout | None = None
    source_topic: str | None = None

    @property
    def restored_from(self) -> str | None:
        """The topic that a lost store is rebuilt from, by whose name its position is kept."""
        return self.changelog_topic or self.source_topic
