"""A feed: a Python iterable whose items become records of a topic, with a position that survives restarts.

Declares only; ``runtime.feeding`` iterates and commits the position with the records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from streams.topology.nodes import AnySerde


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Data in, without another tool.

    Arguments:
        topic: where the items go.
        items: an iterable, of which a restart skips the items that are committed already, or a function that is called
            with the committed position (None at first) and returns the rest. An item is a value, a ``(key, value)``
            tuple, or a ``Record``.
        key_serde, value_serde: None where each object's own type decides.
        position: called with an item, returns the position that follows it: what ``items`` is called with after a
            restart, as text or a number. None: the number of items so far.
        location: ``file:line`` of the declaration.
    """

    topic: str
    items: Iterable[Any] | Callable[[Any], Iterable[Any]]
    key_serde: AnySerde | None = None
    value_serde: AnySerde | None = None
    position: Callable[[Any], str | int] | None = None
    location: str = ""
