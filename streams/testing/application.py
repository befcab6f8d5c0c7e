"""The application under test as the driver sees it: its topology, its topics, and their records as bytes and back.

Runs nothing and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from streams.config import StreamsConfig
from streams.dsl.table import KTable
from streams.errors import SerdeError, StreamsError
from streams.topology.compile import CompiledTopology
from streams.topology.nodes import AnySerde, Source, TableSource


class Application(Protocol):
    """What the driver needs of an application; ``streams.App`` is one."""

    def config(self, overrides: Mapping[str, Any] | None = None) -> StreamsConfig: ...

    def topology(self) -> CompiledTopology: ...

    def topic_serdes(self, topic: str, *, key: Any = None, value: Any = None) -> tuple[AnySerde, AnySerde]: ...

    def store_name(self, table: KTable[Any, Any] | str) -> str: ...


def source_topic(topology: CompiledTopology, target: object) -> str:
    """The topic that a test means: named, or read by the stream or table that it gives.

    Raises:
        StreamsError: a stream that is no source, or one of several topics.
    """
    if isinstance(target, str):
        return target
    name = getattr(target, "_node", None)
    found = ((sub, node) for sub in topology.subtopologies for node in sub.nodes if node.name == name)
    sub, node = next(found, (None, None))
    if sub is not None and isinstance(node, TableSource):
        node = next((source for source in sub.sources if source.name in sub.parents[node.name]), None)
    if not isinstance(node, Source) or node.internal:
        raise StreamsError(
            f"{target!r} is no source: send to what app.stream(...) or app.table(...) returned, or name a topic"
        )
    if len(node.topics) > 1:
        raise StreamsError(f"{target!r} reads several topics; name one of {', '.join(node.topics)}")
    return node.topics[0]


def encoded(value: Any, serde: AnySerde, what: str) -> bytes | None:
    """Bytes of a key or value; ``SerdeError`` naming ``what`` where it does not fit."""
    if value is None:
        return None
    try:
        return serde.encode(value)
    except (TypeError, ValueError, AttributeError) as error:
        raise SerdeError(f"{value!r:.80} does not fit as {what} ({serde.id}): {error}") from error


def decoded(data: bytes | None, serde: AnySerde, what: str) -> Any:
    """The inverse of ``encoded``; ``SerdeError`` naming ``what`` for bytes of another format."""
    if data is None:
        return None
    try:
        return serde.decode(data)
    except (TypeError, ValueError) as error:
        raise SerdeError(f"{data!r:.80} is no {what} ({serde.id}): {error}") from error
