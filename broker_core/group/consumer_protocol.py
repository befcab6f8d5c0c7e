"""The little that the broker understands of what consumers tell each other: the topics they subscribe to.

Kafka's ``ConsumerProtocolSubscription``; its first field is the same in all versions. Everything else in there, and the
whole of other protocol types, is opaque to the broker.
"""

from __future__ import annotations

from typing import ClassVar, Final

from broker_core.errors import ProtocolError
from broker_core.protocol.schema import NEVER_FLEXIBLE, String, Struct, decode_from, read_version

CONSUMER_PROTOCOL_TYPE: Final = "consumer"


class SubscribedTopics(Struct, frozen=True, kw_only=True):
    """The beginning of a subscription, behind its version."""

    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = NEVER_FLEXIBLE

    topics: tuple[String, ...] = ()


def read_topics(metadata: bytes) -> tuple[str, ...] | None:
    """The topics in a consumer's metadata; None if it is no subscription."""
    try:
        read_version(metadata)
        return decode_from(SubscribedTopics, 0, metadata, 2)[0].topics
    except ProtocolError:
        return None
