"""Coordinator requests make their internal topics, wait for their sync, and are refused while the disk is full."""

from __future__ import annotations

from typing import Any

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.metadata import MetadataRequest
from tests.unit.broker_core.broker_kit import Kit, TransactionalProducer
from tests.unit.broker_core.handlers.test_offset_commit import commit_request


def topics(kit: Kit) -> set[str]:
    return {topic.name for topic in kit.call(MetadataRequest(topics=None)).topics}


def test_internal_topics_come_when_first_needed(kit: Kit) -> None:
    kit.create("input")
    assert topics(kit) == {"input"}
    token = kit.send(commit_request(1))
    assert kit.answer(token) is None
    kit.sync()
    assert kit.answer(token).topics[0].partitions[0].error_code == 0
    assert topics(kit) == {"input", "__consumer_offsets"}
    assert TransactionalProducer(kit).init() == 0
    assert topics(kit) == {"input", "__consumer_offsets", "__transaction_state"}


def test_a_full_disk_refuses_new_work(kit: Kit) -> None:
    kit.create("input")
    kit.filesystem.available_bytes = 0
    kit.now_ms += 1_000
    refused: Any = kit.call(commit_request(1)).topics[0].partitions[0]
    assert refused.error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert TransactionalProducer(kit).init() == ErrorCode.KAFKA_STORAGE_ERROR
    assert topics(kit) == {"input"}


@pytest.mark.parametrize("failing", range(8))
def test_an_internal_topic_that_cannot_be_made_is_made_later(kit: Kit, failing: int) -> None:
    kit.create("input")
    operations = 0

    def fail(operation: str, path: str) -> None:
        nonlocal operations
        operations += 1
        if operations == failing + 1:
            raise OSError(28, "No space left on device", path)

    kit.filesystem.faults.hook = fail
    refused: Any = kit.call(commit_request(1)).topics[0].partitions[0]
    kit.filesystem.faults.hook = None
    assert refused.error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert kit.call(commit_request(2)).topics[0].partitions[0].error_code == 0
