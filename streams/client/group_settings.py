"""A group member's settings, and who it is at the moment. Times are milliseconds; names follow Kafka's clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from streams.assignment import Assignor, CooperativeStickyAssignor, RangeAssignor
from streams.errors import ConfigError

NO_MEMBER: Final = ""
NO_GENERATION: Final = -1


def default_assignors() -> tuple[Assignor, ...]:
    """As Kafka's own consumer: range, with cooperative-sticky offered so that a group can move over to it."""
    return (RangeAssignor(), CooperativeStickyAssignor())


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSettings:
    """How one consumer takes part in a group.

    Attributes:
        instance_id: a static member's own name: it may come back within ``session_timeout_ms`` without a rebalance.
        session_timeout_ms: without a heartbeat for so long the coordinator takes it for dead.
        heartbeat_interval_ms: a third of that or less.
        max_poll_interval_ms: an application that does not come back for so long is taken for stuck, and leaves.
        assignors: in order of preference; a group uses one that all its members have.
        rack: where this process runs, for assignors that plan by racks.
        topics_max_age_ms: how often the group's leader looks for new partitions.
    """

    group_id: str
    instance_id: str | None = None
    session_timeout_ms: int = 10_000
    heartbeat_interval_ms: int = 3_000
    max_poll_interval_ms: int = 300_000
    assignors: tuple[Assignor, ...] = field(default_factory=default_assignors)
    rack: str | None = None
    topics_max_age_ms: int = 30_000

    def __post_init__(self) -> None:
        if not self.group_id:
            raise ConfigError("group='': a group has a name")
        if not self.assignors:
            raise ConfigError(f"group {self.group_id!r} has no assignor; leave assignors out for the usual ones")
        if self.heartbeat_interval_ms >= self.session_timeout_ms:
            raise ConfigError(
                f"heartbeat_interval_ms={self.heartbeat_interval_ms} is not shorter than "
                f"session_timeout_ms={self.session_timeout_ms}: every member would be taken for dead; a third is usual"
            )

    @property
    def is_cooperative(self) -> bool:
        """Members keep reading through rebalances if every plan that may be chosen can deal with it (KIP-429)."""
        return all(assignor.is_cooperative for assignor in self.assignors)


class GroupIdentity(NamedTuple):
    """What a commit is made in the name of. The coordinator refuses it once the generation is over.

    Attributes:
        member_id, generation: ``""`` and -1 outside of a membership.
    """

    group_id: str
    member_id: str = NO_MEMBER
    generation: int = NO_GENERATION
    instance_id: str | None = None
