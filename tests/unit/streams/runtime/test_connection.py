"""A client with the embedded log or a cluster behind it, for the length of a block."""

from __future__ import annotations

import http.server
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from broker_core.errors import DataDirectoryError, StorageError
from broker_core.protocol.batch import iterate_batches
from broker_core.protocol.compression import Codec
from streams.client.admin import NewTopic
from streams.config import StreamsConfig
from streams.errors import ClientError, ConfigError, UnknownTopic
from streams.runtime.access import read_batches, send_records
from streams.runtime.activity import wait
from streams.runtime.connection import Clock, clock_ms, connect
from streams.runtime.supervisor import complete
from tests.unit.broker_core.server_kit import ServedBroker


def config(path: Path, **settings: object) -> StreamsConfig:
    return StreamsConfig(application_id="app", data_dir=str(path), **settings)  # type: ignore[arg-type]


def test_the_log_is_open_inside_and_free_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with connect(config(tmp_path)) as client:
            assert complete(client, wait(client.admin.list_topics())) == {}
            with (
                pytest.raises(DataDirectoryError, match=rf"^log in {tmp_path}/log: .*in use"),
                connect(config(tmp_path)),
            ):
                pass


def test_a_failure_inside_frees_it_too(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), connect(config(tmp_path)):
        raise ZeroDivisionError
    with connect(config(tmp_path)):
        pass


def test_a_cluster_is_written_to_and_read_and_no_log_is_made(tmp_path: Path) -> None:
    with ServedBroker() as broker:
        settings = config(tmp_path / "data", broker=broker.address)
        with connect(settings) as client:
            complete(client, wait(client.admin.create_topics({"t": NewTopic(partitions=1)})))
            assert complete(client, send_records(client, settings, "t", [(b"k", b"v", 1, ())])) is False
            found = [batch.values for batch in read_batches(lambda activity: complete(client, activity(client)), "t")]
    assert found == [[b"v"]] and not (tmp_path / "data").exists()


def test_an_application_on_a_cluster_imports_no_broker() -> None:
    """Its modules are a good part of the time to the first record."""
    program = (
        "import sys, streams.runtime.run; print({'broker_core.broker', 'broker_core.server'} & sys.modules.keys())"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout == "set()\n"


def test_what_a_cluster_refuses_names_it(tmp_path: Path) -> None:
    with ServedBroker() as broker:
        settings = config(tmp_path, broker=broker.address)
        with pytest.raises(UnknownTopic, match=f"^broker {broker.address}: the broker has no topic 'absent'"):
            with connect(settings) as client:
                complete(client, send_records(client, settings, "absent", [(None, b"v", 1, ())]))
        with pytest.raises(ClientError, match=f"^broker {broker.address}: deleting topic .*there is no such topic"):
            with connect(settings) as client:
                complete(client, wait(client.admin.delete_topics(["absent"])))
        with pytest.raises(ZeroDivisionError), connect(settings):
            raise ZeroDivisionError


def test_nobody_there_and_somebody_else_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.runtime.connection.CONNECT_TIMEOUT_MS", 300)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(
        ConfigError, match=f"broker 127.0.0.1:{port}: connection refused.*its port\\? 'streams broker' starts one"
    ):
        with connect(config(tmp_path, broker=f"127.0.0.1:{port}")):
            pass
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as web:
        with pytest.raises(ConfigError, match=f"broker 127.0.0.1:{web.server_port}: .*says nothing.*web server"):
            with connect(config(tmp_path, broker=f"127.0.0.1:{web.server_port}")):
                pass


def test_a_bare_number_gets_the_logs_own_reason(tmp_path: Path) -> None:
    """Most of Kafka's answers carry no text: what the embedded log knows about a damaged file is added."""
    with connect(config(tmp_path, partitions=1)) as client:
        complete(client, send_records(client, config(tmp_path, partitions=1), "t", [(None, b"x" * 9_000, 1, ())] * 9))
        complete(client, send_records(client, config(tmp_path, partitions=1), "t", [(None, b"x" * 9_000, 1, ())] * 9))
    path = tmp_path / "log/logs/t-0/00000000000000000000.log"
    data = bytearray(path.read_bytes())
    data[1_000] ^= 1
    path.write_bytes(data)
    with pytest.raises((ClientError, StorageError), match=rf"{path}, position 0: .*damaged on disk"):
        with connect(config(tmp_path)) as client:
            list(read_batches(lambda activity: complete(client, activity(client)), "t"))


def test_the_clock_counts_milliseconds() -> None:
    assert 1_700_000_000_000 < clock_ms() < 10_000_000_000_000


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_batches_are_packed_as_the_application_says(tmp_path: Path, codec: str) -> None:
    settings = config(tmp_path, compression_type=codec, partitions=1)
    rows = [(b"k", f"line {index}".encode(), index, ()) for index in range(1_000)]
    with connect(settings) as client:
        complete(client, send_records(client, settings, "lines", rows))
        found = [value for batch in read_batches(lambda activity: complete(client, activity(client)), "lines")
                 for value in batch.values]  # fmt: skip
    assert found == [value for _, value, _, _ in rows]
    data = (tmp_path / "log" / "logs" / "lines-0" / "00000000000000000000.log").read_bytes()
    assert {header.codec for _, header in iterate_batches(data)} == {Codec[codec.upper()]}


def test_the_clock_goes_on_when_the_machines_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else no commit would be due for an hour."""
    now = [1_000_000]
    monkeypatch.setattr("time.time_ns", lambda: now[0] * 1_000_000)
    clock = Clock()
    assert clock() == 1_000_000
    now[0] -= 3_600_000
    assert clock() == 1_000_000
    now[0] += 5
    assert clock() == 1_000_005
    now[0] += 4_000_000
    assert clock() == 1_000_005 + 4_000_000
