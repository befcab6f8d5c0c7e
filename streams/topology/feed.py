"""A feed: a Python iterable whose items become records of a topic, with a position that survives restarts.

Declares only; ``runtime.feeding`` iterates and commits the position with the records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from streams.topology.nodes import AnySerde


class Once(Iterator[Any]):
    """A source that can be gone through only once, such as an open file, and how many items it has given.

    Whoever goes on with it later in the same process has to know where it stands.
    """

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items
        self.given = 0

    def __next__(self) -> Any:
        item = next(self._items)
        self.given += item is not None
        return item


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One ``app.feed``.

    Arguments:
        topic: where the records go.
        source: an iterable, or a function of the last committed position (None at first) that returns one.
        key_serde, value_serde: of the topic; ``serde.own.own_type`` where none was declared.
        position_of: gives the position after an item, as a JSON value; None counts items instead.
        keyed: items are ``(key, value)`` pairs; otherwise they are values, or ``Record`` objects.
        location: ``file:line`` of the declaration.
    """

    topic: str
    source: Iterable[Any] | Callable[[Any], Iterable[Any]]
    key_serde: AnySerde
    value_serde: AnySerde
    position_of: Callable[[Any], Any] | None = None
    keyed: bool = False
    location: str = ""
