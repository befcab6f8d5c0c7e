"""What a user's function may ask about the record in hand (the ``context`` argument).

Set by generated code, only in topologies whose functions take it. One object per task, valid during the call.
"""

from __future__ import annotations

from streams.model import Headers, Offset, TimestampMs


class RecordContext:
    """Where the current record came from.

    Downstream of a record cache, changes no longer belong to an input record: ``topic`` is empty, ``offset`` -1 and
    ``timestamp`` the row's.
    """

    __slots__ = ("headers", "offset", "partition", "timestamp", "topic")

    def __init__(self) -> None:
        self.topic = ""
        self.partition = -1
        self.offset: Offset = -1
        self.timestamp: TimestampMs = -1
        self.headers: Headers = ()

    def leave_input(self) -> None:
        """What comes now is a flush, not an input record."""
        self.topic, self.offset, self.headers = "", -1, ()
