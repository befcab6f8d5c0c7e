"""Names of nodes, stores and internal topics: which are legal, and what they are when nobody gave one.

A name that carries state (a store, an internal topic) is made of the sources, repartitions and state nodes above it
and of nothing else, so that inserting a filter moves no state. Assigned at declaration, before any compile pass.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence

from streams.errors import TopologyError

_LEGAL = re.compile(r"[A-Za-z0-9._-]+")
MAX_TOPIC_LENGTH = 249
"""Kafka's own limit."""
MAX_NAME_LENGTH = 200
"""Shorter, since the application id and the suffix must fit too."""


def check_name(name: object, what: str) -> str:
    """The name, if Kafka takes it within a topic's name.

    Raises:
        TopologyError: no string, empty, too long, or with other characters than letters, digits, ``.``, ``_``, ``-``.
    """
    if not isinstance(name, str):
        raise TopologyError(f"{what} is a string, not {name!r} ({type(name).__name__})")
    if not is_legal(name) or len(name) > MAX_NAME_LENGTH:
        raise TopologyError(
            f"{what}={name!r} is no legal name: 1 to {MAX_NAME_LENGTH} letters, digits, '.', '_' or '-' "
            "(it becomes part of a topic's name)"
        )
    return name


def is_topic_name(name: object) -> bool:
    """Whether Kafka takes it as the name of a topic."""
    return isinstance(name, str) and len(name) <= MAX_TOPIC_LENGTH and is_legal(name)


def is_legal(name: str) -> bool:
    return _LEGAL.fullmatch(name) is not None and name not in (".", "..")


def auto_name(base: str, taken: Container[str]) -> str:
    """The base, or the base with the first free number. For nodes that carry no state only."""
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def source_base(topics: Sequence[str]) -> str:
    """What the names below a source begin with."""
    return "-".join(topics)


def merged_base(left: str, right: str) -> str:
    """What the names below a merge begin with: of the same origin, that origin."""
    return left if left == right else f"{left}-{right}"


def repartition_topic(application_id: str, name: str) -> str:
    return f"{application_id}-{name}-repartition"


def changelog_topic(application_id: str, store: str) -> str:
    return f"{application_id}-{store}-changelog"
