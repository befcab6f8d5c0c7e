"""A compiled topology for people and programs: text, mermaid, JSON. (Its generated source is ``codegen``'s.)

Renders only; everything shown is in the compiled topology already, in its order.
"""

from __future__ import annotations

from typing import Any

import msgspec

from streams.durations import duration_text
from streams.topology.compile import CompiledTopology, SubTopology
from streams.topology.graph import kind_of
from streams.topology.nodes import (
    Aggregate,
    AnySerde,
    ForEach,
    Node,
    Peek,
    Sink,
    Source,
    Stateful,
    UserFunction,
    WindowedAggregate,
)
from streams.windows import UnlimitedWindows, Windows


def describe_text(topology: CompiledTopology) -> str:
    """The sub-topologies with their nodes, functions and stores, as Kafka Streams' own ``describe`` lays them out."""
    lines = [f"Application {topology.application_id}"]
    for sub in topology.subtopologies:
        lines += ["", f"Sub-topology {sub.id}, reads {', '.join(sub.source_topics)}"]
        for node in sub.nodes:
            facts = _facts(node)
            lines.append(f"  {_heading(node)}{f' ({facts})' if facts else ''}")
            if sub.children[node.name]:
                lines.append(f"    --> {', '.join(sub.children[node.name])}")
            elif has_no_effect(sub, node):
                lines.append("    --> nowhere: no to() and no for_each() follows")
            if node.name in sub.reads:
                lines.append(f"    reads {', '.join(sub.reads[node.name])}")
    if topology.internal_topics:
        lines += ["", "Internal topics"]
    for topic in topology.internal_topics:
        count = "as many partitions as its input" if topic.partitions is None else f"{topic.partitions} partitions"
        lines.append(f"  {topic.name} ({topic.kind}, {count}, {topic.configs['cleanup.policy']})")
    return "\n".join(lines) + "\n"


def has_no_effect(sub: SubTopology, node: Node) -> bool:
    """Whether what this node makes is neither written, kept, looked up nor handed to a function for its effect."""
    effects = (Sink, ForEach, Peek)
    if sub.children[node.name] or isinstance(node, effects) or (isinstance(node, Stateful) and node.store is not None):
        return False
    return not any(node.name in tables for tables in sub.reads.values())


def describe_mermaid(topology: CompiledTopology) -> str:
    """A flow chart in mermaid's language: topics outside, sub-topologies as boxes, stores beside their nodes."""
    ids: dict[str, str] = {}

    def ident(kind: str, name: str) -> str:
        return ids.setdefault(f"{kind} {name}", f"{kind}{len(ids)}")

    lines, edges = ["flowchart TD"], []
    for sub in topology.subtopologies:
        lines.append(f'  subgraph sub{sub.id}["Sub-topology {sub.id}"]')
        for node in sub.nodes:
            lines.append(f'    {ident("node", node.name)}["{_quoted(_heading(node))}"]')
            edges += [f"  {ident('node', node.name)} --> {ident('node', child)}" for child in sub.children[node.name]]
            edges += [
                f"  {ident('node', table)} -.-> {ident('node', node.name)}" for table in sub.reads.get(node.name, ())
            ]
            if isinstance(node, Stateful) and node.store is not None:
                lines.append(f'    {ident("store", node.store.name)}[("{_quoted(node.store.name)}")]')
                edges.append(f"  {ident('node', node.name)} --- {ident('store', node.store.name)}")
        lines.append("  end")
        edges += _topic_edges(sub, ident)
    topics = [key for key in ids if key.startswith("topic ")]
    lines += [f'  {ids[key]}[/"{_quoted(key.removeprefix("topic "))}"/]' for key in topics]
    return "\n".join([*lines, *edges]) + "\n"


def describe_json(topology: CompiledTopology) -> str:
    """The same as a JSON object, indented."""
    return msgspec.json.format(msgspec.json.encode(as_dict(topology)), indent=2).decode() + "\n"


def as_dict(topology: CompiledTopology) -> dict[str, Any]:
    """The same as plain values: what ``describe_json`` writes."""
    return {
        "application_id": topology.application_id,
        "subtopologies": [
            {
                "id": sub.id,
                "source_topics": list(sub.source_topics),
                "nodes": [_node_dict(sub, node) for node in sub.nodes],
                "stores": [spec.name for spec in sub.stores],
            }
            for sub in topology.subtopologies
        ],
        "internal_topics": [
            {"name": topic.name, "kind": topic.kind, "partitions": topic.partitions, "configs": dict(topic.configs)}
            for topic in topology.internal_topics
        ],
        "stores": {
            name: {
                "kind": placed.spec.kind,
                "subtopology": placed.subtopology,
                "key": placed.key_serde.id,
                "value": placed.value_serde.id,
                "changelog_topic": placed.spec.changelog_topic,
                "source_topic": placed.spec.source_topic,
            }
            for name, placed in topology.stores.items()
        },
        "external_topics": list(topology.external_topics),
        "output_topics": list(topology.output_topics),
    }


def _node_dict(sub: SubTopology, node: Node) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": node.name,
        "kind": kind_of(node),
        "location": node.location,
        "children": list(sub.children[node.name]),
    }
    if isinstance(node, Source):
        found |= {"topics": list(node.topics), "key": node.key_serde.id, "value": node.value_serde.id}
    if isinstance(node, Sink):
        found |= {"topic": _topic(node), "key": _format(node.key_serde), "value": _format(node.value_serde)}
    if node.name in sub.reads:
        found |= {"reads": list(sub.reads[node.name])}
    if isinstance(node, Stateful) and node.store is not None:
        found |= {"store": node.store.name}
    if isinstance(node, Aggregate):
        found |= {"aggregation": node.kind}
    if isinstance(node, WindowedAggregate):
        found |= {"windows": window_text(node.windows)}
    functions = _functions(node)
    if functions:
        found["functions"] = [function.name for function in functions]
    return found


def _topic_edges(sub: SubTopology, ident: Any) -> list[str]:
    read = [
        f"  {ident('topic', topic)} --> {ident('node', source.name)}"
        for source in sub.sources
        for topic in source.topics
    ]
    written = [f"  {ident('node', sink.name)} --> {ident('topic', _topic(sink))}" for sink in sub.sinks]
    restored = [
        f"  {ident('topic', spec.source_topic)} -. restores .-> {ident('store', spec.name)}"
        for spec in sub.stores
        if spec.source_topic is not None
    ]
    return [*read, *written, *restored]


def _heading(node: Node) -> str:
    kind = node.kind if isinstance(node, Aggregate) else kind_of(node)
    if isinstance(node, Sink) and node.combines_for is not None:
        return f"{kind} {node.name}, combines for {node.combines_for.kind} {node.combines_for.name}"
    return f"{kind} {node.name}"


def _facts(node: Node) -> str:
    """What sets this node apart: topics and types, functions, store, place of declaration."""
    facts: list[str] = []
    if isinstance(node, Source):
        facts.append(f"topics {', '.join(node.topics)}: {node.key_serde.id} -> {node.value_serde.id}")
    if isinstance(node, Sink):
        facts.append(f"topic {_topic(node)}: {_format(node.key_serde)} -> {_format(node.value_serde)}")
    if isinstance(node, Stateful) and node.store is not None:
        restored = f", restored from topic {node.store.source_topic}" if node.store.source_topic else ""
        facts.append(f"store {node.store.name}: {node.key_serde.id} -> {_format(node.value_serde)}{restored}")
    if isinstance(node, WindowedAggregate):
        facts.append(window_text(node.windows))
    facts += [f"{function.name}({', '.join(function.arguments)})" for function in _functions(node)]
    if node.location:
        facts.append(node.location)
    return "; ".join(facts)


def _functions(node: Node) -> tuple[UserFunction, ...]:
    """In the order of the node's fields; a sink's topic function is its topic, not listed again."""
    fields = (getattr(node, field) for field in type(node).__dataclass_fields__ if field != "topic")
    return tuple(found for found in fields if isinstance(found, UserFunction))


def window_text(windows: Windows) -> str:
    """Windows in a few words: ``hopping 10s every 2s, grace 1s``."""
    if isinstance(windows, UnlimitedWindows):
        return f"unlimited from {windows.start_ms}"
    size, grace = duration_text(windows.size_ms), duration_text(windows.grace_ms)
    kind = f"tumbling {size}" if windows.is_tumbling else f"hopping {size} every {duration_text(windows.advance_ms)}"
    return f"{kind}, grace {grace}"


def _topic(sink: Sink) -> str:
    return sink.topic if isinstance(sink.topic, str) else f"chosen by {sink.topic.name}"


def _format(serde: AnySerde | None) -> str:
    return "own type" if serde is None else serde.id


def _quoted(text: str) -> str:
    """Mermaid ends a label at a quote and reads angle brackets as HTML."""
    return text.replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
