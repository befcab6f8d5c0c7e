"""What a person should know although the application goes on: told once each, by the logger ``streams``.

An observer in front of another one. Failures that end the run are not told here; they are raised.
"""

from __future__ import annotations

import logging
from typing import Final

from streams.ports import NullObserver, Observer

LOGGER: Final = logging.getLogger("streams")

NOTICES: Final = {
    "state.quarantined": "{reason}. Done: it is now {moved_to}, and the stores are being rebuilt",
    "txn.marker_delayed": "the end of a transaction waits for the disk of {partition}: {reason}",
}
"""Event to what is told of it, with the event's fields."""

TROUBLE: Final = frozenset(
    {"fetch.refused", "request.refused", "coordinator.append_failed", "txn.marker_delayed", "log.failed"}
)
"""Events of the embedded log whose ``reason`` explains a refusal that came as a mere number."""


class Notices:
    """Observer that tells and remembers, and hands everything on.

    Attributes:
        last_trouble: why the embedded log last refused something.
    """

    def __init__(self, observer: Observer | None = None) -> None:
        self._observer = observer or NullObserver()
        self._told: set[str] = set()
        self.last_trouble: str | None = None

    def event(self, name: str, **fields: object) -> None:
        if name in TROUBLE:
            self.last_trouble = str(fields.get("reason"))
        if name in NOTICES:
            text = NOTICES[name].format(**fields)
            if text not in self._told:
                self._told.add(text)
                LOGGER.warning("%s", text)
        self._observer.event(name, **fields)
