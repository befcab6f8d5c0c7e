"""Precedence of settings, and that a changed default of the broker marks the topics that it compacts."""

from __future__ import annotations

from broker_core.config import BrokerConfig, LogConfig
from broker_core.settings import Source
from tests.unit.broker_core.broker_kit import Kit


def test_what_the_broker_was_started_with_stands_before_the_default() -> None:
    kit = Kit(config=BrokerConfig(log=LogConfig(segment_ms=5), num_partitions=9)).open()
    kit.create("words", flush_ms="1")
    settings, topic = kit.broker._context.settings, kit.broker._catalog.topics["words"]
    assert [(origin.value, origin.source) for origin in settings.topic_origins("segment.ms", topic)] == [
        ("5", Source.START), (str(7 * 24 * 3_600_000), Source.DEFAULT),
    ]  # fmt: skip
    assert settings.topic_origins("flush.ms", topic)[0] == ("flush.ms", "1", Source.TOPIC)
    assert [(origin.value, origin.source) for origin in settings.broker_origins("num.partitions")] == [
        ("9", Source.START), ("4", Source.DEFAULT),
    ]  # fmt: skip
    assert settings.log_config(topic).flush_ms == 1


def test_a_broker_started_with_compaction_marks_its_topics() -> None:
    kit = Kit().open()
    kit.create("words")
    assert not kit.broker._catalog.topics["words"].has_gaps
    kit.config = BrokerConfig(log=LogConfig(cleanup_policy=frozenset({"compact"})))
    kit.restart()
    kit.config = BrokerConfig()
    kit.restart()
    assert kit.broker._catalog.topics["words"].has_gaps


def test_segments_end_a_little_earlier_with_jitter_and_the_same_after_a_restart() -> None:
    kit = Kit(config=BrokerConfig(log=LogConfig(segment_ms=1_000, segment_jitter_ms=900))).open()
    kit.create("words", partitions=30)
    lengths = set()
    for (_, partition), log in kit.broker._partitions.logs.items():
        jitter = log._writer._jitter_ms(0)
        assert 0 <= jitter < 900
        assert jitter == log._writer._jitter_ms(0)
        lengths.add(jitter)
        kit.produce("words", "a", partition=partition)
    assert len(lengths) > 20
    kit.now_ms += 1_001
    for partition in range(30):
        kit.produce("words", "b", partition=partition)
    assert all(len(log._segments) == 2 for log in kit.broker._partitions.logs.values())
