"""What a person should know although the application goes on: trouble once each by the logger ``streams``, progress
beside the live line.

An observer in front of another one. Failures that end the run are not told here; they are raised.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from streams.ports import NullObserver, Observer

LOGGER: Final = logging.getLogger("streams")

NOTICES: Final = {
    "state.quarantined": "{reason}. Done: it is now {moved_to}, and the stores are being rebuilt",
    "txn.marker_delayed": "the end of a transaction waits for the disk of {partition}: {reason}",
}
"""Event to what is told of it, with the event's fields."""

PROGRESS: Final = {
    "worker.resumed": "goes on from its last commit{after}",
    "broker.lost": "{reason}; it is tried again",
    "broker.reached": "broker {broker} is reached again",
    "log.listening": "its log is served at {address}; look into it with: kcat -b {address} -L",
}
"""The same, of what is no trouble, or none for long."""

TROUBLE: Final = frozenset(
    {"fetch.refused", "request.refused", "coordinator.append_failed", "txn.marker_delayed", "log.failed"}
)
"""Events of the embedded log whose ``reason`` explains a refusal that came as a mere number."""


class Notices:
    """Observer that tells and remembers, and hands everything on.

    Arguments:
        observer: hears everything, too.
        say: shows a line to the person who watches; None for nobody.

    Attributes:
        last_trouble: why the embedded log last refused something.
    """

    def __init__(self, observer: Observer | None = None, say: Callable[[str], None] | None = None) -> None:
        self._observer = observer or NullObserver()
        self._say = say
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
        if name in PROGRESS and self._say is not None:
            self._say(PROGRESS[name].format(**fields))
        self._observer.event(name, **fields)
