"""A client with the embedded log behind it, for the length of a block."""

from __future__ import annotations

from pathlib import Path

import pytest

from broker_core.errors import DataDirectoryError, StorageError
from broker_core.protocol.batch import iterate_batches
from broker_core.protocol.compression import Codec
from streams.config import StreamsConfig
from streams.errors import ClientError, ConfigError
from streams.runtime.access import read_batches, send_records
from streams.runtime.activity import wait
from streams.runtime.connection import Clock, clock_ms, connect
from streams.runtime.supervisor import complete


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


def test_a_cluster_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="broker='h:9092': this version runs on the embedded log only"):
        with connect(config(tmp_path / "data", broker="h:9092")):
            pass
    assert not (tmp_path / "data").exists()


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
