"""DeleteTopics: everything of a topic goes, waiting requests included."""

from __future__ import annotations

from broker_core.broker import SyncResult
from broker_core.errors import ErrorCode
from broker_core.protocol.delete_topics import DeleteTopicsRequest, DeleteTopicState
from broker_core.protocol.metadata import MetadataRequest, MetadataRequestTopic
from tests.unit.broker_core.broker_kit import Kit, fetched, produce_request, produced


def test_delete_topics_by_name_and_id(kit: Kit) -> None:
    kit.create("one")
    kit.create("two")
    topic_id = kit.call(MetadataRequest(topics=(MetadataRequestTopic(name="two"),))).topics[0].topic_id
    body = DeleteTopicsRequest(
        topics=(DeleteTopicState(name="one"), DeleteTopicState(topic_id=topic_id), DeleteTopicState(name="three"))
    )
    codes = [result.error_code for result in kit.call(body).responses]
    assert codes == [0, 0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    kit.create("three")
    assert kit.call(DeleteTopicsRequest(topic_names=("three",)), 5).responses[0].error_code == 0
    assert kit.call(MetadataRequest(topics=None)).topics == ()


def test_deleting_a_topic_ends_its_long_polls_and_writes(kit: Kit) -> None:
    kit.create("words")
    poll = kit.send(kit.fetch_request("words", max_wait_ms=500), 12)
    write = kit.send(produce_request("words", "a"))
    (result,) = kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name="words"),))).responses
    assert result.error_code == 0
    assert fetched(kit.answer(poll)).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert produced(kit.answer(write)).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert kit.filesystem.list_directory("logs") == []


def test_a_topic_deleted_during_a_sync_wave_and_made_anew(kit: Kit) -> None:
    kit.create("words")
    kit.send(produce_request("words", "old"))
    wave = kit.broker.pending_syncs()
    kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name="words"),)))
    kit.create("words")
    token = kit.send(produce_request("words", "new"))
    kit.broker.synced(SyncResult(done=wave), kit.now_ms)
    kit.collect()
    assert kit.answer(token) is None, "the old wave says nothing about the new log"
    kit.sync()
    assert produced(kit.answer(token)).error_code == 0
    assert kit.values("words") == ["new"]
    kit.restart()
    assert kit.values("words") == ["new"]


def test_a_topic_made_anew_starts_at_0(kit: Kit) -> None:
    kit.create("words")
    kit.produce("words", "old")
    kit.restart()
    kit.call(DeleteTopicsRequest(topics=(DeleteTopicState(name="words"),)))
    kit.create("words")
    kit.restart(crash="drop")
    assert kit.values("words") == []
    assert kit.produce("words", "new").base_offset == 0
