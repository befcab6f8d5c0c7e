"""Where tables begin: a topic read as one, or a stream made into one.

Whether such a table keeps its rows is decided by what comes after it (``Builder.materialise``), or by a name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from streams.dsl import joins
from streams.dsl.builder import Builder
from streams.dsl.flow import Flow, need_serde
from streams.dsl.functions import error_policy, timestamp_function
from streams.dsl.table import KTable
from streams.errors import TopologyError
from streams.on_error import OnError
from streams.topology.graph import at
from streams.topology.names import check_name
from streams.topology.nodes import AnySerde, Policy, Source, TableSource

if TYPE_CHECKING:
    from streams.dsl.stream import KStream


def of_topic(
    builder: Builder, topic: str, key: Any, value: Any, timestamp: str | Callable[[Any], Any] | None,
    store: str | None, on_error: OnError | None, location: str,
) -> KTable[Any, Any]:  # fmt: skip
    """The table of a topic; the same one where it is there already.

    Raises:
        TopologyError: it is there under another name, or the topic is read with other types.
    """
    check_name(topic, f"{at(location)}topic")
    key_serde = builder.serde(key, "table(key=...)", location)
    value_serde = builder.serde(value, "table(value=...)", location)
    chosen = None if timestamp is None else timestamp_function(timestamp, value, location)
    source = builder.source(
        Source(
            name=f"{topic}-source",
            location=location,
            on_error=error_policy(on_error, location),
            topics=(topic,),
            key_serde=key_serde,
            value_serde=value_serde,
            timestamp=chosen,
        )
    )
    for child in map(builder.graph.node, builder.graph.children(source)):
        if isinstance(child, TableSource) and child.topic:
            if store not in (None, child.name):
                raise TopologyError(
                    f"{at(location)}topic {topic!r} is table {child.name!r} {at(child.location, 'at ')}already; "
                    "keep that table in a variable and use it twice"
                )
            node = child
            break
    else:
        node = _add(builder, source, store or f"{topic}-table", key_serde, value_serde, location, topic=topic)
    if store is not None:
        builder.materialise(node.name)
    return _handle(builder, node)


def of_stream(stream: KStream[Any, Any], store: str | None, on_error: Policy | None, location: str) -> KTable[Any, Any]:
    """The table of a stream's last values; through a repartition topic where its key was changed."""
    builder = stream._builder
    because = "keeps the last value of each key"
    key_serde = need_serde(stream._key, "to_table", location, because=because, what="key")
    value_serde = need_serde(stream._value, "to_table", location, because=because, what="value")
    name = store if store is not None else f"{stream._base}-to-table"
    parent = stream._node
    if stream._rekeyed:
        parent = joins.repartition(stream, "to_table", name, on_error, location, given=store is not None)
    node = _add(builder, parent, name, key_serde, value_serde, location, on_error=on_error)
    if store is not None:
        builder.materialise(name)
    return _handle(builder, node)


def _add(
    builder: Builder, parent: str, name: str, key_serde: AnySerde, value_serde: AnySerde, location: str, *,
    topic: str = "", on_error: Policy | None = None,
) -> TableSource:  # fmt: skip
    builder.claim_store(name, location, given=True)
    del builder.stores[name]  # claimed as a name; it is a store once ``materialise`` makes it one
    node = TableSource(
        name=name, location=location, on_error=on_error, store=None, key_serde=key_serde, value_serde=value_serde,
        topic=topic,
    )  # fmt: skip
    builder.add(node, (parent,))
    return node


def _handle(builder: Builder, node: TableSource) -> KTable[Any, Any]:
    value = Flow(serde=node.value_serde)
    return KTable(builder, node.name, base=node.name, key=Flow(serde=node.key_serde), value=value)
