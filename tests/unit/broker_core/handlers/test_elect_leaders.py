"""ElectLeaders: nobody but this broker can lead."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.elect_leaders import ElectLeadersRequest, TopicPartitions
from tests.unit.broker_core.broker_kit import Kit


@pytest.mark.parametrize(("version", "kind"), [(0, 0), (1, 0), (2, 0), (2, 1)])
def test_no_election_is_needed(kit: Kit, version: int, kind: int) -> None:
    kit.create("words")
    asked = (TopicPartitions(topic="words", partitions=(0, 1)),)
    answer = kit.call(ElectLeadersRequest(election_type=kind, topic_partitions=asked), version)
    (topic,) = answer.replica_election_results
    assert [(result.partition_id, result.error_code) for result in topic.partition_result] == [
        (0, ErrorCode.ELECTION_NOT_NEEDED),
        (1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    ]


def test_null_asks_for_all_and_none_is_elected(kit: Kit) -> None:
    kit.create("words")
    answer = kit.call(ElectLeadersRequest(topic_partitions=None))
    assert (answer.error_code, answer.replica_election_results) == (0, ())


def test_an_unknown_kind_is_refused(kit: Kit) -> None:
    assert kit.call(ElectLeadersRequest(election_type=2, topic_partitions=None)).error_code == ErrorCode.INVALID_REQUEST
