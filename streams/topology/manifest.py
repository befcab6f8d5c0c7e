"""What an application was when it last ran, as a small file, and what a change of it does to its state.

Values and their JSON; reading and writing the file is the runtime's. Format: docs/formats/manifest.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import msgspec

from streams.errors import ConfigError
from streams.topology.compile import CompiledTopology
from streams.topology.graph import kind_of
from streams.topology.nodes import Aggregate, Sink, Stateful

FORMAT_VERSION = 1


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


class Effect(Enum):
    """What a change does to one thing."""

    KEEPS = "keeps"
    ADDS = "adds"
    MOVES = "moves"
    """The store belongs to another sub-topology now: rebuilt from its changelog."""
    ORPHANS = "orphans"
    """It is there and nobody reads it any more."""
    BREAKS = "breaks"
    """It is there in a format that cannot be read any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one store or repartition topic."""

    effect: Effect
    kind: str
    name: str
    detail: str = ""

    def is_refused(self, *, accept: bool) -> bool:
        """Whether ``run`` must refuse it. State that nobody reads any more may be let go of (``accept``); state that
        is still to be read, but cannot be, is refused whatever the user agreed to."""
        return self.effect is Effect.BREAKS or (self.effect is Effect.ORPHANS and not accept)

    def __str__(self) -> str:
        return f"{self.effect.value} {self.kind} {self.name}" + (f": {self.detail}" if self.detail else "")


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


def compare(old: Manifest, new: Manifest) -> tuple[Change, ...]:
    """What becomes of everything that the old manifest names, and what the new one adds; in order of name.

    Raises:
        ConfigError: the two are of different applications.
    """
    if old.application_id != new.application_id:
        raise ConfigError(
            f"the data directory belongs to application {old.application_id!r}, not {new.application_id!r}; "
            "give each application a directory of its own"
        )
    stores = [
        _store_change(name, old.stores.get(name), new.stores.get(name)) for name in _names(old.stores, new.stores)
    ]
    topics = [
        _topic_change(name, old.repartitions.get(name), new.repartitions.get(name))
        for name in _names(old.repartitions, new.repartitions)
    ]
    return (*stores, *topics)


def _names(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    return sorted({**old, **new})


def _store_change(name: str, old: StoreEntry | None, new: StoreEntry | None) -> Change:
    def change(effect: Effect, detail: str = "") -> Change:
        return Change(effect=effect, kind="store", name=name, detail=detail)

    if old is None:
        return change(Effect.ADDS, "starts empty, from the committed position on")
    if new is None:
        return change(
            Effect.ORPHANS, "no operator keeps it any more; was it renamed? store='...' gives it its old name"
        )
    for part, before, after in (
        ("key", old.key, new.key),
        ("value", old.value, new.value),
        ("kind", old.kind, new.kind),
    ):
        if before != after:
            return change(Effect.BREAKS, f"its {part} was {before} and is {after} now")
    if old.aggregation != new.aggregation:
        return change(Effect.BREAKS, f"it held a {old.aggregation} and holds a {new.aggregation} now")
    if old.subtopology != new.subtopology:
        return change(Effect.MOVES, "rebuilt from its changelog")
    return change(Effect.KEEPS)


def _topic_change(name: str, old: RepartitionEntry | None, new: RepartitionEntry | None) -> Change:
    def change(effect: Effect, detail: str = "") -> Change:
        return Change(effect=effect, kind="repartition topic", name=name, detail=detail)

    if old is None:
        return change(Effect.ADDS)
    if new is None:
        return change(Effect.ORPHANS, "records in it that are not processed yet are lost; name='...' keeps its name")
    for part, before, after in (("keys", old.key, new.key), ("values", old.value, new.value)):
        if before != after:
            return change(Effect.BREAKS, f"its {part} were {before} and are {after} now")
    if old.partitions != new.partitions:
        return change(Effect.BREAKS, f"it had partitions={old.partitions} and has {new.partitions} now")
    return change(Effect.KEEPS)


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
        )
        for name, placed in topology.stores.items()
    }
