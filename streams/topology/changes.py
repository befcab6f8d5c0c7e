"""What a change of a topology does to what earlier runs have left: stores, internal topics, positions in inputs. PURE.

Compares two manifests; nothing here knows whether the topology's results change, only what becomes of its state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from streams.durations import duration_text
from streams.errors import ConfigError
from streams.topology.manifest import Manifest, RepartitionEntry, StoreEntry, WindowsEntry

STORE: Final = "store"
REPARTITION: Final = "repartition topic"
INPUT: Final = "input"


class Effect(Enum):
    """What a change does to one thing."""

    KEEPS = "keeps"
    ADDS = "adds"
    MIGRATES = "migrates"
    """It goes on in another place or under other settings, by itself."""
    LEAVES = "leaves"
    """An input is not read any more. It is the user's, and its position stays committed: nothing is lost."""
    ORPHANS = "orphans"
    """It is there and nobody reads it any more."""
    BREAKS = "breaks"
    """It is there in a format that cannot be read any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one store, repartition topic or input."""

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


def compare(old: Manifest, new: Manifest) -> tuple[Change, ...]:
    """What becomes of everything that the old manifest names, and what the new one adds: stores, repartition topics,
    inputs, each in order of name.

    Raises:
        ConfigError: the two are of different applications.
    """
    if old.application_id != new.application_id:
        raise ConfigError(
            f"the data directory belongs to application {old.application_id!r}, not {new.application_id!r}; "
            "give each application a directory of its own"
        )
    stores = [
        _returned_store(name, old.orphaned_stores[name], new.stores[name])
        if name not in old.stores and name in old.orphaned_stores
        else _store_change(name, old.stores.get(name), new.stores.get(name))
        for name in _names(old.stores, new.stores)
    ]
    topics = [
        _returned_topic(name, old.orphaned_repartitions[name], new.repartitions[name])
        if name not in old.repartitions and name in old.orphaned_repartitions
        else _topic_change(name, old.repartitions.get(name), new.repartitions.get(name))
        for name in _names(old.repartitions, new.repartitions)
    ]
    inputs = [
        _input_change(name, old.sources.get(name), new.sources.get(name)) for name in _names(old.sources, new.sources)
    ]
    return (*stores, *topics, *inputs)


def _names(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    return sorted({**old, **new})


def _store_change(name: str, old: StoreEntry | None, new: StoreEntry | None) -> Change:
    def change(effect: Effect, detail: str = "") -> Change:
        return Change(effect=effect, kind=STORE, name=name, detail=detail)

    if old is None:
        if new is not None and new.source_topic is not None:
            return change(Effect.ADDS, f"filled from its input {new.source_topic}, up to the committed position")
        return change(Effect.ADDS, "starts empty, from the committed position on")
    if new is None:
        return change(
            Effect.ORPHANS, "no operator keeps it any more; was it renamed? store='...' gives it its old name"
        )
    difference = _difference(old, new)
    if difference:
        return change(Effect.BREAKS, difference)
    if new.source_topic is not None and old.source_topic is None:
        detail = f"restored from its input {new.source_topic} from now on; its changelog topic is of no more use"
        return change(Effect.MIGRATES, detail)
    origin = "changelog" if new.source_topic is None else "input"
    migrations = [
        *((f"rebuilt from its {origin} in another sub-topology",) if old.subtopology != new.subtopology else ()),
        *_retention_change(old.windows, new.windows),
    ]
    return change(Effect.MIGRATES if migrations else Effect.KEEPS, "; ".join(migrations))


def _difference(old: StoreEntry, new: StoreEntry) -> str:
    """Why rows of the old store are none of the new one's; empty where they are."""
    for part, before, after in (
        ("key", old.key, new.key),
        ("value", old.value, new.value),
        ("kind", old.kind, new.kind),
    ):
        if before != after:
            return f"its {part} was {before} and is {after} now"
    if old.aggregation != new.aggregation:
        return f"it held a {old.aggregation} and holds a {new.aggregation} now"
    if old.windows and new.windows and old.windows.advance_ms != new.windows.advance_ms:
        before, after = duration_text(old.windows.advance_ms), duration_text(new.windows.advance_ms)
        return f"its windows started every {before} and start every {after} now"
    if old.source_topic is not None and old.source_topic != new.source_topic:
        why = (
            "this topology asks for a changelog: keep reuse_source_topics on, without timestamp= and on_error="
            if new.source_topic is None
            else f"its input is {new.source_topic!r} now"
        )
        return f"its rows are in its input topic {old.source_topic!r} alone, and {why}"
    return ""


def _retention_change(old: WindowsEntry | None, new: WindowsEntry | None) -> tuple[str, ...]:
    if old is None or new is None or old.retention_ms is None or new.retention_ms is None:
        return ()
    if old.retention_ms == new.retention_ms:
        return ()
    before, after = duration_text(old.retention_ms), duration_text(new.retention_ms)
    return (f"its windows were kept for {before} and are for {after} now, in its changelog too",)


def _returned_store(name: str, old: StoreEntry, new: StoreEntry) -> Change:
    difference = _difference(old, new)
    if difference:
        detail = f"an earlier topology left it behind, and {difference}; give this one another name: store='...'"
        return Change(effect=Effect.BREAKS, kind=STORE, name=name, detail=detail)
    detail = "an earlier topology left it behind: it has the rows of that time, and not what came since"
    return Change(effect=Effect.MIGRATES, kind=STORE, name=name, detail=detail)


def _topic_change(name: str, old: RepartitionEntry | None, new: RepartitionEntry | None) -> Change:
    def change(effect: Effect, detail: str = "") -> Change:
        return Change(effect=effect, kind=REPARTITION, name=name, detail=detail)

    if old is None:
        return change(Effect.ADDS)
    if new is None:
        return change(Effect.ORPHANS, "records in it that are not processed yet are lost; name='...' keeps its name")
    difference = _topic_difference(old, new)
    return change(Effect.BREAKS if difference else Effect.KEEPS, difference)


def _topic_difference(old: RepartitionEntry, new: RepartitionEntry) -> str:
    for part, before, after in (("keys", old.key, new.key), ("values", old.value, new.value)):
        if before != after:
            return f"its {part} were {before} and are {after} now"
    if old.partitions != new.partitions:
        return f"it had partitions={old.partitions} and has {new.partitions} now"
    return ""


def _returned_topic(name: str, old: RepartitionEntry, new: RepartitionEntry) -> Change:
    difference = _topic_difference(old, new)
    if difference:
        detail = f"an earlier topology left it behind, and {difference}; give this one another name: name='...'"
        return Change(effect=Effect.BREAKS, kind=REPARTITION, name=name, detail=detail)
    detail = "an earlier topology left it behind: it is read on from there"
    return Change(effect=Effect.MIGRATES, kind=REPARTITION, name=name, detail=detail)


def _input_change(name: str, old: str | None, new: str | None) -> Change:
    def change(effect: Effect, detail: str = "") -> Change:
        return Change(effect=effect, kind=INPUT, name=name, detail=detail)

    if old is None:
        return change(Effect.ADDS, "read from its beginning, or from where it was left")
    if new is None:
        return change(Effect.LEAVES, "read no more; its position stays, so that reading it again goes on there")
    if old != new:
        return change(Effect.MIGRATES, f"it was read as {old} and is read as {new} from the committed position on")
    return change(Effect.KEEPS)
