"""What a test has not read yet of what the application wrote.

Keeps a cursor per topic over the log's outputs; decodes what is asked for.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from streams.errors import SerdeError, StreamsError
from streams.model import Record
from streams.testing.application import Application, decoded
from streams.testing.memory_log import MemoryLog
from streams.topology.compile import CompiledTopology

SHOWN_PER_TOPIC: Final = 10
"""Unread records that a message lists."""


class UnreadOutputs:
    """Outputs that wait to be read.

    Arguments:
        app: knows the types of its topics.
        topology: compiled, of ``app``.
        log: what it writes to.
    """

    def __init__(self, app: Application, topology: CompiledTopology, log: MemoryLog) -> None:
        self._app = app
        self._log = log
        self._internal = {topic.name for topic in topology.internal_topics}
        self._known = dict.fromkeys((*topology.output_topics, *(topic.name for topic in topology.internal_topics)))
        self._routed = any(not isinstance(sink.topic, str) for sub in topology.subtopologies for sink in sub.sinks)
        self._read: Counter[str] = Counter()

    def take(
        self, topic: str, *, limit: int | None = None, key: Any = None, value: Any = None
    ) -> list[Record[Any, Any]]:
        """The next unread records of a topic, which are read from now on.

        Arguments:
            limit: at most so many.
            key, value: types; default: those that the topology uses for the topic, else bytes.

        Raises:
            StreamsError: the application never writes to this topic.
            SerdeError: bytes of another format; nothing counts as read.
        """
        found = self._unread(topic, limit, key, value)
        self._read[topic] += len(found)
        return found

    def counts(self) -> dict[str, int]:
        """Unread records of each topic that has any."""
        written = self._log.output_counts()
        return {topic: count - self._read[topic] for topic, count in written.items() if count > self._read[topic]}

    def description(self) -> str:
        """The unread records, internal topics left out, for a message; empty where there are none."""
        lines: list[str] = []
        for topic, count in self.counts().items():
            if topic not in self._internal:
                shown = self._peek(topic)
                lines.append(f"{topic}: {count} unread")
                lines += [f"  {record.key!r} = {record.value!r} at {record.timestamp}" for record in shown]
        return "\n".join(lines)

    def _unread(self, topic: str, limit: int | None, key: Any, value: Any) -> list[Record[Any, Any]]:
        self._check(topic)
        key_serde, value_serde = self._app.topic_serdes(topic, key=key, value=value)
        found: list[Record[Any, Any]] = []
        for partition, offset, logged in self._log.output(topic, self._read[topic]):
            if limit is not None and len(found) == limit:
                break
            found.append(
                Record(
                    key=decoded(logged.key, key_serde, f"key of topic {topic!r}"),
                    value=decoded(logged.value, value_serde, f"value of topic {topic!r}"),
                    timestamp=logged.timestamp,
                    headers=logged.headers,
                    topic=topic,
                    partition=partition,
                    offset=offset,
                )
            )
        return found

    def _peek(self, topic: str) -> list[Record[Any, Any]]:
        """Some unread records, for a message; as bytes where their types are not those of the topology."""
        try:
            return self._unread(topic, SHOWN_PER_TOPIC, None, None)
        except SerdeError:
            return self._unread(topic, SHOWN_PER_TOPIC, bytes, bytes)

    def _check(self, topic: str) -> None:
        if topic not in self._known and not self._routed and topic not in self._log.output_counts():
            known = ", ".join(sorted(self._known)) or "none"
            raise StreamsError(f"the application does not write to topic {topic!r}; it writes to {known}")
