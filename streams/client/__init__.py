"""Kafka clients: producer, consumer, admin, on the embedded log, our server or Apache Kafka. docs/how-to/clients.md.

The classes exported here are ``public``'s. The other modules are the sans-IO cores beneath them and beneath the
framework, among them a ``producer.Producer`` and a ``consumer.Consumer`` of their own.

A class is imported when it is first asked for: an application starts without most of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streams.assignment import Assignment, Assignor, GroupMember
    from streams.client.admin import NewTopic, TopicDescription
    from streams.client.errors import CommitFailed, CorruptRecords, NoOffset, OffsetOutOfRange, RebalanceInProgress
    from streams.client.group_descriptions import GroupDescription, MemberDescription
    from streams.client.group_settings import GroupIdentity
    from streams.client.public.awaiting import AsyncAdmin, AsyncConsumer, AsyncProducer
    from streams.client.public.blocking import Admin, Consumer, Producer
    from streams.client.public.delivery import BatchDelivery, BatchMetadata, Delivery
    from streams.client.public.sending import RecordMetadata
    from streams.errors import ClientError, ProducerFenced, TransactionAborted
    from streams.model import ColumnBatch, OffsetAndMetadata, Record, TopicPartition

__all__ = [
    "Admin",
    "Assignment",
    "Assignor",
    "AsyncAdmin",
    "AsyncConsumer",
    "AsyncProducer",
    "BatchDelivery",
    "BatchMetadata",
    "ClientError",
    "ColumnBatch",
    "CommitFailed",
    "Consumer",
    "CorruptRecords",
    "Delivery",
    "GroupDescription",
    "GroupIdentity",
    "GroupMember",
    "MemberDescription",
    "NewTopic",
    "NoOffset",
    "OffsetAndMetadata",
    "OffsetOutOfRange",
    "Producer",
    "ProducerFenced",
    "RebalanceInProgress",
    "Record",
    "RecordMetadata",
    "TopicDescription",
    "TopicPartition",
    "TransactionAborted",
]

_HOMES = {
    "streams.assignment": ("Assignment", "Assignor", "GroupMember"),
    "streams.client.admin": ("NewTopic", "TopicDescription"),
    "streams.client.errors": ("CommitFailed", "CorruptRecords", "NoOffset", "OffsetOutOfRange", "RebalanceInProgress"),
    "streams.client.group_descriptions": ("GroupDescription", "MemberDescription"),
    "streams.client.group_settings": ("GroupIdentity",),
    "streams.client.public.awaiting": ("AsyncAdmin", "AsyncConsumer", "AsyncProducer"),
    "streams.client.public.blocking": ("Admin", "Consumer", "Producer"),
    "streams.client.public.delivery": ("BatchDelivery", "BatchMetadata", "Delivery"),
    "streams.client.public.sending": ("RecordMetadata",),
    "streams.errors": ("ClientError", "ProducerFenced", "TransactionAborted"),
    "streams.model": ("ColumnBatch", "OffsetAndMetadata", "Record", "TopicPartition"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(_HOME_OF[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__
