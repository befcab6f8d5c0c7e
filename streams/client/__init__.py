"""Kafka clients: producer, consumer, admin, on the embedded log, our server or Apache Kafka. docs/how-to/clients.md.

The classes exported here are ``public``'s. The other modules are the sans-IO cores beneath them and beneath the
framework, among them a ``producer.Producer`` and a ``consumer.Consumer`` of their own.
"""

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
