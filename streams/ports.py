"""What the framework needs from outside: a place for measurements. Time comes in as ``now_ms``."""

from __future__ import annotations

from typing import Protocol


class Observer(Protocol):
    """Hears what a worker does, on the worker's thread; the default hears nothing.

    Names are dotted constants: ``worker.state``, ``commit.step`` (``step``, ``at`` = ``before`` or ``after``),
    ``commit.done`` (``duration_ms``), ``restore.started``, ``restore.batch``, ``restore.done``, ``record.dropped``.
    An exception that an observer raises stops the worker as a failure of its own would.
    """

    def event(self, name: str, **fields: object) -> None: ...


class NullObserver:
    """The observer that ignores everything."""

    def event(self, name: str, **fields: object) -> None:
        return None
