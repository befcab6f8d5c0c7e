"""The arguments that users give, as the settings and parts that the clients are made of. No I/O but opening."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from broker_core.model import EARLIEST_OFFSET, LATEST_OFFSET
from streams.assignment import (
    Assignor,
    CooperativeStickyAssignor,
    RangeAssignor,
    RoundRobinAssignor,
    StickyAssignor,
)
from streams.client.admin import NewTopic
from streams.client.consumer import OffsetReset
from streams.client.group_settings import GroupSettings, default_assignors
from streams.client.public.opening import Opened, open_driver
from streams.client.public.reading import Reading
from streams.client.public.sending import Sending
from streams.durations import duration_ms
from streams.errors import ConfigError
from streams.model import Isolation
from streams.serde.own import own_type
from streams.serde.resolve import resolve

Duration = str | timedelta
ASSIGNORS: Final[dict[str, Assignor]] = {
    assignor.name: assignor
    for assignor in (RangeAssignor(), RoundRobinAssignor(), StickyAssignor(), CooperativeStickyAssignor())
}


def sending(
    *, broker: str | None, data_dir: str | Path | None, client_id: str, key: Any, value: Any, linger: Duration,
    batch_bytes: int, buffer_bytes: int, compression: str, transactional_id: str | None,
    transaction_timeout: Duration,
) -> tuple[Opened, Sending]:  # fmt: skip
    """A producer's parts. Arguments: ``Producer``."""
    linger_ms = duration_ms(linger, "linger")
    timeout_ms = duration_ms(transaction_timeout, "transaction_timeout")
    key_serde = own_type if key is None else resolve(key)
    value_serde = own_type if value is None else resolve(value)
    settings = {"batch_bytes": batch_bytes, "compression_type": compression}
    opened = open_driver(broker, data_dir, client_id, settings)
    return opened, Sending(
        opened.driver,
        key=key_serde,
        value=value_serde,
        linger_ms=linger_ms,
        parcel_bytes=batch_bytes,
        buffer_bytes=buffer_bytes,
        transactional_id=transactional_id,
        transaction_timeout_ms=timeout_ms,
    )


def reading(
    *, broker: str | None, data_dir: str | Path | None, client_id: str, group: str | None, key: Any, value: Any,
    auto_offset_reset: str, isolation: str, auto_commit: Duration | bool | None,
    assignors: Sequence[str | Assignor] | None, instance_id: str | None, session_timeout: Duration,
    heartbeat_interval: Duration, max_poll_interval: Duration, rack: str | None,
) -> tuple[Opened, Reading]:  # fmt: skip
    """A consumer's parts. Arguments: ``Consumer``."""
    if auto_offset_reset not in ("earliest", "latest", "none"):
        raise ConfigError(f"auto_offset_reset={auto_offset_reset!r}: one of earliest, latest, none")
    if isolation not in ("read_committed", "read_uncommitted"):
        raise ConfigError(f"isolation={isolation!r}: one of read_committed, read_uncommitted")
    reset: OffsetReset | None = None
    if auto_offset_reset != "none":
        reset = "earliest" if auto_offset_reset == "earliest" else "latest"
    commit_ms = None
    if auto_commit:
        commit_ms = duration_ms("5s" if auto_commit is True else auto_commit, "auto_commit")
    membership = None
    if group is not None:
        membership = GroupSettings(
            group_id=group,
            instance_id=instance_id,
            session_timeout_ms=duration_ms(session_timeout, "session_timeout"),
            heartbeat_interval_ms=duration_ms(heartbeat_interval, "heartbeat_interval"),
            max_poll_interval_ms=duration_ms(max_poll_interval, "max_poll_interval"),
            assignors=default_assignors() if assignors is None else tuple(map(_assignor, assignors)),
            rack=rack,
        )
    key_serde, value_serde = resolve(key), resolve(value)
    opened = open_driver(broker, data_dir, client_id)
    return opened, Reading(
        opened.driver,
        membership,
        key=key_serde,
        value=value_serde,
        isolation=Isolation.READ_COMMITTED if isolation == "read_committed" else Isolation.READ_UNCOMMITTED,
        offset_reset=reset,
        auto_commit_ms=commit_ms,
    )


def _assignor(given: str | Assignor) -> Assignor:
    if not isinstance(given, str):
        return given
    if given not in ASSIGNORS:
        raise ConfigError(f"assignors={given!r}: one of {', '.join(ASSIGNORS)}, or an Assignor")
    return ASSIGNORS[given]


def new_topic(partitions: int | None, configs: Mapping[str, str]) -> NewTopic:
    """A topic whose settings were given as keyword arguments."""
    return NewTopic(partitions=partitions, configs={name.replace("_", "."): value for name, value in configs.items()})


def timeout_ms(timeout: Duration | None) -> int | None:
    """Milliseconds, or None for "as long as it takes"."""
    return None if timeout is None else duration_ms(timeout, "timeout")


def point_ms(when: int | datetime | str) -> int:
    """Milliseconds since the epoch, or what stands for a log's start or end."""
    if when == "beginning":
        return EARLIEST_OFFSET
    if when == "end":
        return LATEST_OFFSET
    if isinstance(when, datetime):
        if when.tzinfo is None:
            raise ConfigError(f"{when!r} has no time zone; datetime.now(timezone.utc) has one")
        return round(when.timestamp() * 1000)
    if isinstance(when, bool) or not isinstance(when, int) or when < 0:
        raise ConfigError(f"{when!r} is no point in time: milliseconds since the epoch, or an aware datetime")
    return when
