"""The embedded log with a thread of its own: the same client on it, and others' clients beside."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker_core.config import BrokerConfig
from broker_core.errors import BrokerError, DataDirectoryError, ErrorCode, StorageError
from broker_core.protocol.metadata import MetadataRequest
from streams.client.admin import NewTopic
from streams.client.errors import ConnectionLost
from streams.config import StreamsConfig
from streams.errors import ConfigError
from streams.runtime.access import read_batches, send_records
from streams.runtime.activity import wait
from streams.runtime.connection import clock_ms, connect
from streams.runtime.listening import ListeningBroker, open_listening
from streams.runtime.supervisor import complete
from tests.unit.broker_core.broker_kit import fetched, produce_request, produced, read_values
from tests.unit.broker_core.server_kit import WireClient
from tests.unit.broker_core.test_server_connection import fetch

CONFIG = BrokerConfig(min_free_bytes=0, num_partitions=1)


def open_log(path: Path, listen: str = "127.0.0.1:0") -> ListeningBroker:
    return open_listening(str(path), CONFIG, listen, clock_ms)


def port_of(log: ListeningBroker) -> int:
    return int(log.address.rpartition(":")[2])


def test_the_application_and_others_see_one_log(tmp_path: Path) -> None:
    heard: dict[str, object] = {}

    class Hears:
        def event(self, name: str, **fields: object) -> None:
            if name == "log.listening":
                heard.update(fields)

    settings = StreamsConfig(application_id="app", data_dir=str(tmp_path))
    with connect(settings, Hears(), listen="127.0.0.1:0") as client:
        complete(client, wait(client.admin.create_topics({"t": NewTopic(partitions=1)})))
        complete(client, send_records(client, settings, "t", [(b"k", b"ours", 1, ())]))
        with WireClient(int(str(heard["address"]).rpartition(":")[2])) as other:
            (node,) = other.exchange(MetadataRequest(topics=())).brokers
            assert f"{node.host}:{node.port}" == heard["address"]
            assert read_values(fetched(other.exchange(fetch(), 12)), 0, committed=False) == ["ours"]
            assert produced(other.exchange(produce_request("t", "theirs", now_ms=clock_ms()))).base_offset == 1
        found = [batch.values for batch in read_batches(lambda activity: complete(client, activity(client)), "t")]
        assert found == [[b"ours"], [b"theirs"]]
    with connect(settings) as client:  # closed cleanly, and free again
        assert set(complete(client, wait(client.admin.list_topics()))) == {"t"}


def test_what_others_write_is_checked_record_by_record(tmp_path: Path) -> None:
    """Our own producer's batches need not be; a stranger's must."""
    log = open_listening(str(tmp_path), BrokerConfig(min_free_bytes=0), "127.0.0.1:0", clock_ms)
    assert log._config.log.check_records
    log.close(clock_ms())


def test_a_fetch_that_waits_holds_no_other_request_back(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    with WireClient(port_of(log)) as other:
        assert other.exchange(MetadataRequest(topics=None), 8).topics == ()
    transport = log.connect("app")
    transport.send(None, MetadataRequest(topics=(), allow_auto_topic_creation=False))
    answers = []
    while not answers:
        answers = transport.poll(clock_ms())
        transport.wait(1_000)
    assert [token for token, _ in answers] == [1]
    log.close(clock_ms())
    log.close(clock_ms())


def test_what_waits_when_the_log_is_closed_is_answered(tmp_path: Path) -> None:
    log = open_log(tmp_path)
    transport = log.connect("app")
    with WireClient(port_of(log)) as other:
        other.exchange(MetadataRequest(topics=None, allow_auto_topic_creation=True), 8)
    transport.send(None, fetch(wait_ms=600_000))
    answers = transport.poll(clock_ms())
    log.close(clock_ms())
    transport.send(None, MetadataRequest(topics=()))
    for _ in range(2):
        answers += transport.poll(clock_ms())
    (_, first), (_, second) = answers
    assert fetched(first).error_code == ErrorCode.UNKNOWN_TOPIC_ID, "taken, so answered"
    assert isinstance(second, ConnectionLost)


def test_a_broker_that_fails_tells_its_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = open_log(tmp_path)
    transport = log.connect("app")

    def broken() -> None:
        raise ZeroDivisionError("a fault")

    monkeypatch.setattr(log._broker, "released", broken)
    transport.send(None, MetadataRequest(topics=()))
    transport.poll(clock_ms())
    log._thread.join(20)
    assert not log._thread.is_alive()
    for call in (transport.poll, log.close):
        with pytest.raises(StorageError, match="the log's thread has failed.*a fault") as caught:
            call(clock_ms())
        assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_addresses_and_directories_that_cannot_be_had(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match="listen"):
        open_log(tmp_path, "nowhere")
    log = open_log(tmp_path / "a")
    with pytest.raises(StorageError, match="cannot listen on"):
        open_log(tmp_path / "b", log.address)
    with pytest.raises(DataDirectoryError, match="in use"):
        open_log(tmp_path / "a")
    log.close(clock_ms())


def test_a_cluster_has_no_embedded_log_to_serve(tmp_path: Path) -> None:
    settings = StreamsConfig(application_id="app", data_dir=str(tmp_path), broker="127.0.0.1:9", listen="127.0.0.1:0")
    with pytest.raises(ConfigError, match="leave one of them out"), connect(settings, listen=settings.listen):
        pass
