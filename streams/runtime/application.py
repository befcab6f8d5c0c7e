"""What the runtime needs of an application: its settings, its topology, its feeds. ``streams.app.App`` is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from streams.config import StreamsConfig
from streams.topology.compile import CompiledTopology
from streams.topology.feed import Feed
from streams.topology.nodes import AnySerde

if TYPE_CHECKING:
    from streams.runtime.metrics import WorkerMetrics
    from streams.runtime.supervisor import Supervisor


class Application(Protocol):
    """An application that can be run; ``running`` is set while it is, in this process, ``last_metrics`` after it."""

    running: Supervisor | None
    last_metrics: WorkerMetrics | None

    def config(self, overrides: Mapping[str, Any] | None = None) -> StreamsConfig: ...

    def topology(self, overrides: Mapping[str, Any] | None = None) -> CompiledTopology: ...

    @property
    def feeds(self) -> Sequence[Feed]: ...

    def is_table(self, topic: str) -> bool: ...

    def topic_serdes(
        self, topic: str, *, key: Any = None, value: Any = None
    ) -> tuple[AnySerde | None, AnySerde | None]: ...
