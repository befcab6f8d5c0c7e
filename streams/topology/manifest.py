"""What an application was when it last ran, as a small file.

Values and their JSON; what a change does to state is ``topology.changes``', reading and writing the file is the
runtime's. Format: docs/formats/manifest.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import msgspec

from streams.errors import ConfigError
from streams.topology.compile import CompiledTopology, PlacedStore
from streams.topology.graph import kind_of
from streams.topology.nodes import Aggregate, Sink, Stateful

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowsEntry:
    """The windows of a store's rows, in milliseconds."""

    size_ms: int
    advance_ms: int
    retention_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreEntry:
    """A store: what its rows are and where they live."""

    kind: str
    aggregation: str
    key: str
    """Id of the key's serde."""
    value: str
    subtopology: int
    changelog_topic: str | None
    windows: WindowsEntry | None = None
    source_topic: str | None = None
    """The input that has its rows, of a store without a changelog."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepartitionEntry:
    """A repartition topic: it may hold records that are not processed yet."""

    key: str
    value: str
    partitions: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeEntry:
    """A node, for whoever reads the file; nothing is decided by it."""

    name: str
    kind: str
    subtopology: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The parts of a topology that outlive a run."""

    format_version: int
    application_id: str
    sources: dict[str, str]
    """Topic to the ids of its serdes, ``utf8/json:int``."""
    repartitions: dict[str, RepartitionEntry]
    stores: dict[str, StoreEntry]
    nodes: tuple[NodeEntry, ...]
    orphaned_stores: dict[str, StoreEntry] = field(default_factory=dict)
    """Stores of earlier topologies: their changelogs are still there."""
    orphaned_repartitions: dict[str, RepartitionEntry] = field(default_factory=dict)


def manifest_of(topology: CompiledTopology) -> Manifest:
    """The manifest of a topology."""
    internal = {topic.name: topic for topic in topology.internal_topics}
    sinks = [sink for sub in topology.subtopologies for sink in sub.sinks]
    return Manifest(
        format_version=FORMAT_VERSION,
        application_id=topology.application_id,
        sources={
            topic: f"{source.key_serde.id}/{source.value_serde.id}"
            for sub in topology.subtopologies
            for source in sub.sources
            for topic in source.topics
            if not source.internal
        },
        repartitions={
            str(sink.topic): RepartitionEntry(
                key=sink.key_serde.id, value=_value_id(sink), partitions=internal[str(sink.topic)].partitions
            )
            for sink in sinks
            if sink.internal and sink.key_serde is not None and sink.value_serde is not None
        },
        stores=_store_entries(topology),
        nodes=tuple(
            NodeEntry(name=node.name, kind=kind_of(node), subtopology=sub.id)
            for sub in topology.subtopologies
            for node in sub.nodes
        ),
    )


def succeeding(old: Manifest, new: Manifest) -> Manifest:
    """The new manifest with what the old one knows of earlier topologies, and with what the change leaves behind."""
    stores = {**old.orphaned_stores, **old.stores}
    repartitions = {**old.orphaned_repartitions, **old.repartitions}
    return replace(
        new,
        orphaned_stores={name: entry for name, entry in stores.items() if name not in new.stores},
        orphaned_repartitions={name: entry for name, entry in repartitions.items() if name not in new.repartitions},
    )


def encode_manifest(manifest: Manifest) -> bytes:
    """JSON, indented, with a line end: people read it too."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"


def decode_manifest(data: bytes) -> Manifest:
    """The twin of ``encode_manifest``.

    Raises:
        ConfigError: of a newer version, or no manifest.
    """
    try:
        version = msgspec.json.decode(data, type=dict[str, object]).get("format_version")
        if version == FORMAT_VERSION:
            return msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ConfigError(
            f"the manifest cannot be read ({error}); restore it, or use another data directory"
        ) from error
    raise ConfigError(
        f"the manifest has format version {version}, this program knows {FORMAT_VERSION}: the data directory was "
        "used by another version; run that one, or use another data directory"
    )


def _value_id(sink: Sink) -> str:
    assert sink.value_serde is not None
    return f"change({sink.value_serde.id})" if sink.changes else sink.value_serde.id


def _store_entries(topology: CompiledTopology) -> dict[str, StoreEntry]:
    aggregations = {
        node.store.name: node.kind if isinstance(node, Aggregate) else kind_of(node)
        for sub in topology.subtopologies
        for node in sub.nodes
        if isinstance(node, Stateful) and node.store is not None
    }
    return {
        name: StoreEntry(
            kind=placed.spec.kind,
            aggregation=aggregations[name],
            key=placed.key_serde.id,
            value=placed.value_serde.id,
            subtopology=placed.subtopology,
            changelog_topic=placed.spec.changelog_topic,
            windows=_windows(placed),
            source_topic=placed.spec.source_topic,
        )
        for name, placed in topology.stores.items()
    }


def _windows(placed: PlacedStore) -> WindowsEntry | None:
    layout = placed.spec.windows
    if layout is None:
        return None
    return WindowsEntry(size_ms=layout.size_ms, advance_ms=layout.advance_ms, retention_ms=layout.retention_ms)
