"""A transport whose answers the test writes, one by one."""

from __future__ import annotations

from typing import Any

from broker_core.protocol.find_coordinator import Coordinator, FindCoordinatorRequest, FindCoordinatorResponse
from broker_core.protocol.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)


class ScriptedTransport:
    """Keeps requests until the test answers them; metadata and coordinators are answered by itself.

    Arguments:
        topics: name to the leaders of its partitions.
        coordinator: node id of every coordinator.
        brokers: node ids of all brokers.
    """

    def __init__(self, topics: dict[str, list[int]], coordinator: int = 1, brokers: tuple[int, ...] = (1,)) -> None:
        self.topics, self.coordinator, self.brokers = topics, coordinator, brokers
        self.requests: list[tuple[int, int | None, Any]] = []
        self.asked: list[Any] = []
        self._answers: list[tuple[int, Any]] = []
        self._last_token = 0

    def send(self, node_id: int | None, body: Any, max_version: int | None = None) -> int:
        self._last_token += 1
        if isinstance(body, MetadataRequest):
            self.asked.append(body)
            self._answers.append((self._last_token, self._metadata(body)))
        elif isinstance(body, FindCoordinatorRequest):
            self.asked.append(body)
            found = tuple(Coordinator(key=key, node_id=self.coordinator) for key in body.coordinator_keys)
            self._answers.append((self._last_token, FindCoordinatorResponse(coordinators=found)))
        else:
            self.requests.append((self._last_token, node_id, body))
        return self._last_token

    def take(self, kind: type) -> tuple[int, int | None, Any]:
        """The oldest open request of a kind: its token, its node and its body."""
        for request in self.requests:
            if isinstance(request[2], kind):
                self.requests.remove(request)
                return request
        raise AssertionError(f"no {kind.__name__} among {[type(body).__name__ for _, _, body in self.requests]}")

    def answer(self, token: int, answer: Any) -> None:
        self._answers.append((token, answer))

    def poll(self, now_ms: int) -> list[tuple[int, Any]]:
        answers, self._answers = self._answers, []
        return answers

    def wait(self, timeout_ms: int) -> None: ...

    def next_deadline(self) -> int | None:
        return None

    def close(self, now_ms: int) -> None: ...

    def _metadata(self, body: MetadataRequest) -> MetadataResponse:
        return MetadataResponse(
            brokers=tuple(MetadataResponseBroker(node_id=node_id) for node_id in self.brokers),
            topics=tuple(
                MetadataResponseTopic(
                    name=topic.name,
                    error_code=0 if topic.name in self.topics else 3,
                    partitions=tuple(
                        MetadataResponsePartition(partition_index=index, leader_id=leader)
                        for index, leader in enumerate(self.topics.get(topic.name or "", []))
                    ),
                )
                for topic in body.topics or ()
            ),
        )
