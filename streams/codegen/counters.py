"""How many records each operator dropped, and why.

Written by generated code on the worker's thread, read by the runtime; nothing here reports anywhere.
"""

from __future__ import annotations

from collections import defaultdict


class DropCounters:
    """Dropped records by operator and reason, since the task was made.

    ``counts`` maps ``(operator name, reason)`` to a number; the reasons are ``operators.drops``'s.
    """

    __slots__ = ("_told", "counts")

    def __init__(self) -> None:
        self.counts: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._told: dict[tuple[str, str], int] = {}

    def of(self, operator: str) -> int:
        """Records that ``operator`` dropped, for any reason."""
        return sum(count for (name, _), count in self.counts.items() if name == operator)

    def take_new(self) -> dict[tuple[str, str], int]:
        """What was counted since the last call."""
        told, self._told = self._told, dict(self.counts)
        return {place: count - told.get(place, 0) for place, count in self._told.items() if count != told.get(place, 0)}

    @property
    def total(self) -> int:
        return sum(self.counts.values())
