"""kcat against our broker, as somebody at a terminal would use it. Skipped, with the reason, where there is none."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.clients.base import TIMEOUT_S, Record
from tests.interop.clients.librdkafka import Librdkafka
from tests.unit.broker_core.broker_process import BrokerProcess

pytestmark = pytest.mark.skipif(shutil.which("kcat") is None, reason="kcat is not installed")
OTHER = Librdkafka()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    directory: Path = tmp_path_factory.mktemp("kcat")
    settings = ("num.partitions=1", "min.free.bytes=0", "group.initial.rebalance.delay.ms=0")
    with BrokerProcess(directory, *settings) as started:
        yield started


def kcat(broker: BrokerProcess, *options: str, text: str = "", status: int = 0) -> str:
    """What it prints; its exit status must be ``status``."""
    done = subprocess.run(
        ["kcat", "-b", broker.address, *options],
        input=text,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout if not status else done.stderr


def read(broker: BrokerProcess, topic: str, *options: str) -> list[dict[str, Any]]:
    """All records of ``topic``, by -J."""
    printed = kcat(broker, "-C", "-t", topic, "-o", "beginning", "-e", "-q", "-J", *options)
    return [json.loads(line) for line in printed.splitlines()]


def test_produce_and_consume(broker: BrokerProcess, topic: str) -> None:
    kcat(broker, "-P", "-t", topic, text="one\ntwo\nthree\n")
    assert kcat(broker, "-C", "-t", topic, "-e", "-q").split() == ["one", "two", "three"]


def test_keys_and_format(broker: BrokerProcess, topic: str) -> None:
    kcat(broker, "-P", "-t", topic, "-K:", text="a:1\nb:2\n")
    assert kcat(broker, "-C", "-t", topic, "-e", "-q", "-f", "%o %k=%s %S\\n").splitlines() == ["0 a=1 1", "1 b=2 1"]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_codecs(broker: BrokerProcess, codec: str, topic: str) -> None:
    lines = [f"a line that repeats, number {number}" for number in range(1_000)]
    kcat(broker, "-P", "-t", topic, "-z", codec, text="\n".join(lines) + "\n")
    assert [record["payload"] for record in read(broker, topic)] == lines


def test_headers(broker: BrokerProcess, topic: str) -> None:
    kcat(broker, "-P", "-t", topic, "-H", "origin=terminal", "-H", "n=1", text="x\n")
    assert read(broker, topic)[0]["headers"] == ["origin", "terminal", "n", "1"]


def test_tombstones(broker: BrokerProcess, topic: str) -> None:
    kcat(broker, "-P", "-t", topic, "-Z", "-K:", text="key:\n")
    (record,) = OTHER.consume(broker.address, topic, 1)
    assert (record.key, record.value) == (b"key", None)


def test_partitions(broker: BrokerProcess, topic: str) -> None:
    OTHER.create_topic(broker.address, topic, 3, {})
    for partition in ("2", "0"):
        kcat(broker, "-P", "-t", topic, "-p", partition, text=f"to {partition}\n")
    assert [record["payload"] for record in read(broker, topic, "-p", "2")] == ["to 2"]
    assert sorted(record["partition"] for record in read(broker, topic)) == [0, 2]


def test_metadata(broker: BrokerProcess, topic: str) -> None:
    OTHER.create_topic(broker.address, topic, 3, {})
    listed = json.loads(kcat(broker, "-L", "-J"))
    assert [node["name"] for node in listed["brokers"]] == [broker.address]
    assert listed["controllerid"] == listed["brokers"][0]["id"]
    (found,) = (each for each in listed["topics"] if each["topic"] == topic)
    assert [(place["partition"], place["leader"]) for place in found["partitions"]] == [(0, 1), (1, 1), (2, 1)]


def test_the_offset_of_a_time(broker: BrokerProcess, topic: str) -> None:
    written = [Record(None, str(number).encode(), timestamp=1_700_000_000_000 + number) for number in range(10)]
    OTHER.create_topic(broker.address, topic, 1, {"retention.ms": "-1"})
    OTHER.produce(broker.address, topic, written)
    assert kcat(broker, "-Q", "-t", f"{topic}:0:1700000000007").split() == [topic, "[0]", "offset", "7"]


def test_reading_from_a_time_on(broker: BrokerProcess, topic: str) -> None:
    written = [Record(None, str(number).encode(), timestamp=1_700_000_000_000 + number) for number in range(10)]
    OTHER.create_topic(broker.address, topic, 1, {"retention.ms": "-1"})
    OTHER.produce(broker.address, topic, written)
    assert kcat(broker, "-C", "-t", topic, "-o", "s@1700000000008", "-e", "-q").split() == ["8", "9"]


def test_the_last_records(broker: BrokerProcess, topic: str) -> None:
    kcat(broker, "-P", "-t", topic, text="1\n2\n3\n4\n")
    assert kcat(broker, "-C", "-t", topic, "-o", "-2", "-e", "-q").split() == ["3", "4"]


def test_a_group(broker: BrokerProcess, topic: str) -> None:
    kcat(broker, "-P", "-t", topic, text="1\n2\n")
    options = ("-G", f"group.{topic}", "-X", "auto.offset.reset=earliest", "-q")
    assert kcat(broker, *options, "-c", "2", topic).split() == ["1", "2"]
    kcat(broker, "-P", "-t", topic, text="3\n")
    assert kcat(broker, *options, "-c", "1", topic).split() == ["3"]


def test_a_transaction(broker: BrokerProcess, topic: str) -> None:
    kcat(broker, "-P", "-t", topic, "-X", f"transactional.id={topic}", text="all\nor nothing\n")
    assert [record.value for record in OTHER.consume(broker.address, topic, 2)] == [b"all", b"or nothing"]


def test_aborted_records_stay_unseen(broker: BrokerProcess, topic: str) -> None:
    OTHER.create_topic(broker.address, topic, 1, {})
    transaction = OTHER.transaction(broker.address, topic)
    for value, ends in ((b"kept", transaction.commit), (b"dropped", transaction.abort)):
        transaction.begin()
        transaction.produce(topic, [Record(None, value)])
        ends()
    seen = read(broker, topic, "-X", "isolation.level=read_committed")
    assert [record["payload"] for record in seen] == ["kept"]
    assert len(read(broker, topic, "-X", "isolation.level=read_uncommitted")) == 2


def test_idempotence_and_acknowledgements(broker: BrokerProcess, topic: str) -> None:
    for acks in ("0", "1", "-1"):
        kcat(broker, "-P", "-t", topic, "-X", f"acks={acks}", text=f"acks {acks}\n")
    kcat(broker, "-P", "-t", topic, "-X", "enable.idempotence=true", text="idempotent\n")
    assert len(read(broker, topic)) == 4


def test_what_cannot_be(broker: BrokerProcess, topic: str) -> None:
    OTHER.create_topic(broker.address, topic, 1, {"max.message.bytes": "1000"})
    assert "too large" in kcat(broker, "-P", "-t", topic, text="x" * 5_000 + "\n", status=1).lower()
    assert "partition 7 does not exist" in kcat(broker, "-C", "-t", topic, "-p", "7", "-e", status=1)
