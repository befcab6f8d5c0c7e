"""Settings as text become a configuration, or an error that says what to write instead."""

from __future__ import annotations

import pytest

from broker_core.broker_config import LOG_SETTINGS, START_SETTINGS
from broker_core.config import BrokerConfig, Durability
from broker_core.errors import BrokerError, ErrorCode
from broker_core.start_settings import parse_listener, start_config
from broker_core.topic_config import text_of


def test_settings_reach_the_configuration() -> None:
    config = start_config(
        {
            "num.partitions": "7", "auto.create.topics.enable": "False", "node.id": "5", "log.dirs": "/d",
            "durability": "interval", "max.connections": "3", "log.retention.ms": "60000", "log.segment.bytes": "4096",
        }
    )  # fmt: skip
    assert (config.num_partitions, config.auto_create_topics, config.node_id, config.log_dirs) == (7, False, 5, "/d")
    assert (config.durability, config.server.max_connections) == (Durability.INTERVAL, 3)
    assert (config.log.retention_ms, config.log.segment_bytes) == (60_000, 4096)


def test_nothing_given_is_the_defaults() -> None:
    assert start_config({}) == BrokerConfig()


def test_every_setting_can_be_given_the_text_it_is_told_as() -> None:
    """What DescribeConfigs says of a broker starts another one like it."""
    config = BrokerConfig()
    told = {name: setting.text(config) for name, setting in START_SETTINGS.items()}
    told |= {name: text_of(setting, config.log) for name, setting in LOG_SETTINGS.items()}
    assert start_config(told) == config


def test_every_field_of_a_setting_exists_and_has_a_meaning() -> None:
    for name, setting in START_SETTINGS.items():
        assert setting.name == name and setting.meaning.endswith(".")
        assert setting.text(BrokerConfig())


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost:9092", ("localhost", 9092)),
        ("PLAINTEXT://0.0.0.0:0", ("0.0.0.0", 0)),
        ("plaintext://:9092", ("", 9092)),
        ("[::1]:9092", ("::1", 9092)),
    ],
)
def test_listeners(text: str, address: tuple[str, int]) -> None:
    assert parse_listener(text) == address


@pytest.mark.parametrize("text", ["localhost", "localhost:", "h:99999", "h:-1", "a:1,b:2", "SSL://h:9093", ""])
def test_listeners_that_are_refused(text: str) -> None:
    with pytest.raises(BrokerError, match="setting listeners") as caught:
        start_config({"listeners": text})
    assert caught.value.code is ErrorCode.INVALID_CONFIG


def test_clients_are_told_where_it_listens_unless_something_else_is_said() -> None:
    config = start_config({"listeners": "10.0.0.1:9999"})
    assert (config.advertised_host, config.advertised_port) == ("10.0.0.1", 9999)
    config = start_config({"listeners": "0.0.0.0:9999", "advertised.listeners": "PLAINTEXT://kafka.example:19092"})
    assert (config.server.listen_host, config.advertised_host, config.advertised_port) == (
        "0.0.0.0", "kafka.example", 19092,
    )  # fmt: skip


def test_kafkas_other_names() -> None:
    assert start_config({"log.retention.hours": "2"}).log.retention_ms == 7_200_000
    assert start_config({"log.retention.hours": "-1"}).log.retention_ms == -1
    assert start_config({"log.dir": "x", "broker.id": "9"}).node_id == 9
    finer = {"log.retention.ms": "5", "log.retention.hours": "2"}
    assert start_config(finer).log.retention_ms == 5


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"num.partition": "3"}, "no broker setting 'num.partition'; the nearest are num.partitions"),
        ({"idle": "3"}, "connections.max.idle.ms"),
        ({"xyzzy": "3"}, "docs/how-to/broker.md"),
        ({"num.partitions": "0"}, "setting num.partitions: '0' is not from 1"),
        ({"num.partitions": "many"}, "is no int"),
        ({"auto.create.topics.enable": "maybe"}, "is no boolean"),
        ({"durability": "often"}, "is not among synced, interval, none"),
        ({"log.retention.hours": "long"}, "log.retention.hours: 'long'"),
        ({"default.replication.factor": "3"}, "it is always '1'"),
        ({"log.cleaner.min.compaction.lag.ms": "9", "log.cleaner.max.compaction.lag.ms": "8"}, "is above"),
    ],
)
def test_what_is_refused(given: dict[str, str], says: str) -> None:
    with pytest.raises(BrokerError) as caught:
        start_config(given)
    assert says in str(caught.value)
