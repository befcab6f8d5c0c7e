"""Unmodified clients against our broker, scenario by scenario: the table is this file's tests times its clients.

Every scenario runs with each client alone, or with each pair where two have a part. The broker is a process of its own,
as a user would start it. Command-line clients are elsewhere: ``test_kcat``, ``test_java_clients``.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.interop.clients.aio import Aiokafka
from tests.interop.clients.base import TIMEOUT_S, Client, Member, Record, Refused, keys_of, values_of
from tests.interop.clients.kafka_python import KafkaPython
from tests.interop.clients.librdkafka import Librdkafka
from tests.unit.broker_core.broker_process import BrokerProcess

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")  # the clients' own
CLIENTS: Sequence[Client] = (Librdkafka(), KafkaPython(), Aiokafka())
PAIRS = list(itertools.product(CLIENTS, CLIENTS))
RECORDS = [Record(f"key {index}".encode(), f"value {index}".encode()) for index in range(300)]

each_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
each_pair = pytest.mark.parametrize(
    ("client", "other"), PAIRS, ids=[f"{client.name}-{other.name}" for client, other in PAIRS]
)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerProcess]:
    directory: Path = tmp_path_factory.mktemp("clients")
    settings = ("num.partitions=1", "min.free.bytes=0", "group.initial.rebalance.delay.ms=0")
    with BrokerProcess(directory, *settings) as started:
        yield started


def until(condition: Callable[[], bool], what: str) -> None:
    """Look again and again; whatever ``condition`` does (poll a member) makes the time pass."""
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end, f"not in time: {what}"


def shared_out(members: Sequence[Member], partitions: int) -> bool:
    """Poll all once; whether they have all partitions among them, each one somebody's, and nobody none."""
    for member in members:
        member.poll(0.1)
    assigned = [member.assignment() for member in members]
    return all(assigned) and sorted(itertools.chain(*assigned)) == list(range(partitions))


@each_pair
def test_one_writes_and_the_other_reads(broker: BrokerProcess, client: Client, other: Client, topic: str) -> None:
    client.produce(broker.address, topic, RECORDS)
    found = other.consume(broker.address, topic, len(RECORDS))
    assert [(record.key, record.value) for record in found] == [(record.key, record.value) for record in RECORDS]


@each_client
def test_codecs(broker: BrokerProcess, client: Client, topic: str) -> None:
    assert "gzip" in client.codecs
    for codec in client.codecs:
        client.produce(broker.address, topic, RECORDS, codec=codec)
    for reader in (client, CLIENTS[0]):  # and somebody who has them all
        found = reader.consume(broker.address, topic, len(RECORDS) * len(client.codecs))
        assert values_of(found) == values_of(RECORDS) * len(client.codecs)


@each_client
@pytest.mark.parametrize("acks", [0, 1, "all"])
def test_acknowledgements(broker: BrokerProcess, client: Client, acks: object, topic: str) -> None:
    client.create_topic(broker.address, topic, 1, {})
    client.produce(broker.address, topic, RECORDS, acks=acks)
    assert values_of(client.consume(broker.address, topic, len(RECORDS))) == values_of(RECORDS)


@each_pair
def test_headers_tombstones_and_null_keys(broker: BrokerProcess, client: Client, other: Client, topic: str) -> None:
    written = [
        Record(b"key", b"value", (("a", b"1"), ("a", b"2"), ("empty", b""))),
        Record(b"key", None),
        Record(None, b"no key"),
        Record(b"", b""),
    ]
    client.produce(broker.address, topic, written)
    found = other.consume(broker.address, topic, len(written))
    assert [(record.key, record.value, record.headers) for record in found] == [tuple(record[:3]) for record in written]


@each_pair
def test_timestamps_and_the_offset_of_a_time(broker: BrokerProcess, client: Client, other: Client, topic: str) -> None:
    base = int(time.time() * 1_000) - 1_000_000
    written = [Record(None, str(index).encode(), timestamp=base + index * 1_000) for index in range(20)]
    client.produce(broker.address, topic, written)
    found = other.consume(broker.address, topic, len(written))
    assert [record.timestamp for record in found] == [record.timestamp for record in written]
    assert other.offset_at(broker.address, topic, base + 4_500) == 5
    assert other.offset_at(broker.address, topic, base) == 0
    assert other.offset_at(broker.address, topic, base + 1_000_000) == -1


@each_pair
def test_transactions_committed_and_aborted(broker: BrokerProcess, client: Client, other: Client, topic: str) -> None:
    client.create_topic(broker.address, topic, 1, {})
    transaction = client.transaction(broker.address, f"id {topic}")
    for number, ends in enumerate((True, False, True)):
        transaction.begin()
        transaction.produce(topic, [Record(str(number).encode(), record.value) for record in RECORDS])
        if ends:
            transaction.commit()
        else:
            transaction.abort()
    transaction.close()
    committed = other.consume(broker.address, topic, 2 * len(RECORDS))
    assert keys_of(committed) == [b"0"] * len(RECORDS) + [b"2"] * len(RECORDS)
    everything = other.consume(broker.address, topic, 3 * len(RECORDS), committed=False)
    assert values_of(everything) == values_of(RECORDS) * 3


@each_client
def test_an_open_transaction_holds_readers_back(broker: BrokerProcess, client: Client, topic: str) -> None:
    client.create_topic(broker.address, topic, 1, {})
    transaction = client.transaction(broker.address, f"id {topic}")
    transaction.begin()
    transaction.produce(topic, RECORDS)
    client.produce(broker.address, topic, [Record(b"plain", b"after")])
    assert values_of(client.consume(broker.address, topic, 1, committed=False)) == [b"value 0"]
    transaction.abort()
    transaction.close()
    assert values_of(client.consume(broker.address, topic, 1)) == [b"after"]


@each_client
def test_offsets_in_a_transaction(broker: BrokerProcess, client: Client, topic: str) -> None:
    client.create_topic(broker.address, topic, 1, {})
    group = f"group {topic}"
    transaction = client.transaction(broker.address, f"id {topic}")
    for offset, ends in ((7, True), (9, False)):
        transaction.begin()
        transaction.produce(topic, RECORDS)
        transaction.send_offsets(group, {(topic, 0): offset})
        if ends:
            transaction.commit()
        else:
            transaction.abort()
    transaction.close()
    assert client.committed(broker.address, group, topic) == 7


@each_pair
def test_the_second_of_one_transactional_id_fences_the_first(
    broker: BrokerProcess, client: Client, other: Client, topic: str
) -> None:
    client.create_topic(broker.address, topic, 1, {})
    first = client.transaction(broker.address, f"id {topic}")
    first.begin()
    first.produce(topic, [Record(b"zombie", b"")])
    second = other.transaction(broker.address, f"id {topic}")
    with pytest.raises(Refused):
        first.produce(topic, [Record(b"zombie", b"")])
        first.commit()
    second.begin()
    second.produce(topic, [Record(b"heir", b"")])
    second.commit()
    second.close()
    first.close()
    assert keys_of(CLIENTS[0].consume(broker.address, topic, 1)) == [b"heir"]


@each_client
def test_a_group_goes_on_where_it_committed(broker: BrokerProcess, client: Client, topic: str) -> None:
    client.create_topic(broker.address, topic, 1, {})
    client.produce(broker.address, topic, RECORDS[:100])
    member = client.join(broker.address, "resuming " + topic, topic, assignor="range")
    found: list[Record] = []
    until(lambda: found.extend(member.poll(0.2)) or len(found) >= 100, "the first hundred")  # type: ignore[func-returns-value]
    member.commit()
    member.close()
    assert client.committed(broker.address, "resuming " + topic, topic) == 100
    client.produce(broker.address, topic, RECORDS[100:])
    heir = client.join(broker.address, "resuming " + topic, topic, assignor="range")
    until(lambda: found.extend(heir.poll(0.2)) or len(found) >= len(RECORDS), "the rest")  # type: ignore[func-returns-value]
    heir.close()
    assert values_of(found) == values_of(RECORDS)


@each_pair
@pytest.mark.parametrize("assignor", ["range", "roundrobin"])
def test_a_group_of_two_shares_and_heals(
    broker: BrokerProcess, client: Client, other: Client, assignor: str, topic: str
) -> None:
    client.create_topic(broker.address, topic, 4, {})
    first = client.join(broker.address, "two " + topic, topic, assignor=assignor)
    until(lambda: shared_out([first], 4), "one member has everything")
    second = other.join(broker.address, "two " + topic, topic, assignor=assignor)
    until(lambda: shared_out([first, second], 4), "two members share")
    assert len(first.assignment()) == len(second.assignment()) == 2
    first.close()
    until(lambda: shared_out([second], 4), "the one that is left has everything")
    second.close()


@each_client
def test_a_static_member_comes_back_without_a_rebalance(broker: BrokerProcess, client: Client, topic: str) -> None:
    """The one that stays is there first and so leads: kafka-python joins twice, which from a leader is a rebalance."""
    client.create_topic(broker.address, topic, 4, {})
    group = "static " + topic
    lasting = client.join(broker.address, group, topic, instance="a", assignor="range")
    until(lambda: shared_out([lasting], 4), "one member has everything")
    bouncing = client.join(broker.address, group, topic, instance="b", assignor="range")
    until(lambda: shared_out([lasting, bouncing], 4), "two members share")
    before = lasting.assignment(), bouncing.assignment()
    bouncing.close()
    again = client.join(broker.address, group, topic, instance="b", assignor="range")
    until(lambda: bool(again.poll(0.1) or again.assignment()), "it has its partitions again")
    assert (lasting.assignment(), again.assignment()) == before
    again.close()
    lasting.close()


@each_client
def test_topics_are_made_grown_configured_and_deleted(broker: BrokerProcess, client: Client, topic: str) -> None:
    client.create_topic(broker.address, topic, 2, {"cleanup.policy": "compact", "retention.ms": "12345"})
    assert client.topics(broker.address)[topic] == 2
    assert client.config(broker.address, topic, "cleanup.policy") == "compact"
    assert client.config(broker.address, topic, "retention.ms") == "12345"
    assert client.config(broker.address, topic, "segment.bytes") == str(128 * 1024 * 1024)
    client.grow_topic(broker.address, topic, 3)
    assert client.topics(broker.address)[topic] == 3
    with pytest.raises(Refused):
        client.grow_topic(broker.address, topic, 1)
    with pytest.raises(Refused):
        client.create_topic(broker.address, topic, 2, {})
    client.delete_topic(broker.address, topic)
    assert topic not in client.topics(broker.address)


@each_client
def test_mistakes_are_refused(broker: BrokerProcess, client: Client, topic: str) -> None:
    with pytest.raises(Refused):
        client.create_topic(broker.address, "a name/with a slash", 1, {})
    with pytest.raises(Refused):
        client.create_topic(broker.address, topic, 1, {"no.such.config": "1"})
    client.create_topic(broker.address, topic, 1, {"cleanup.policy": "compact", "max.message.bytes": "1000"})
    with pytest.raises(Refused):
        client.produce(broker.address, topic, [Record(None, b"no key on a compacted topic")])
    with pytest.raises(Refused):
        client.produce(broker.address, topic, [Record(b"key", b"x" * 5_000)])
    client.produce(broker.address, topic, [Record(b"key", b"fits")])
    assert client.ends(broker.address, topic) == (0, 1)


@each_client
def test_lag(broker: BrokerProcess, client: Client, topic: str) -> None:
    client.create_topic(broker.address, topic, 1, {})
    client.produce(broker.address, topic, RECORDS)
    assert client.committed(broker.address, "lagging " + topic, topic) == -1
    member = client.join(broker.address, "lagging " + topic, topic, assignor="range")
    found: list[Record] = []
    until(lambda: found.extend(member.poll(0.2)) or len(found) >= len(RECORDS), "all")  # type: ignore[func-returns-value]
    member.commit()
    member.close()
    client.produce(broker.address, topic, RECORDS[:50])
    assert client.ends(broker.address, topic) == (0, len(RECORDS) + 50)
    assert client.committed(broker.address, "lagging " + topic, topic) == len(RECORDS)
