"""Apache Kafka's admin tools against a broker of ours: each is run, and what it prints is what is so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from broker_core.handlers.table import HANDLERS
from broker_core.model import TopicPartition
from broker_core.protocol.api import API
from broker_core.protocol.batch import build_batch
from broker_core.protocol.create_topics import CreatableTopic, CreateTopicsRequest
from broker_core.server import wall_clock_ms
from tests.interop.kafka_tools import run_tool
from tests.unit.broker_core.broker_kit import TransactionalProducer, produce_request, produced
from tests.unit.broker_core.server_kit import ServedBroker, WireClient

pytestmark = pytest.mark.interop

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def broker() -> Iterator[ServedBroker]:
    with ServedBroker() as started:
        yield started


def tool(broker: ServedBroker, name: str, *arguments: str, code: int | None = 0) -> str:
    return run_tool(name, "--bootstrap-server", broker.address, *arguments, code=code)


def create(broker: ServedBroker, topic: str, partitions: int = 1, *values: str) -> None:
    body = CreateTopicsRequest(topics=(CreatableTopic(name=topic, num_partitions=partitions, replication_factor=1),))
    with broker.connect() as client:
        assert client.exchange(body).topics[0].error_code == 0
        if values:
            request = produce_request(topic, *values, now_ms=wall_clock_ms())
            assert produced(client.exchange(request)).error_code == 0


class OverWire:
    """What ``TransactionalProducer`` asks of a kit, over a connection."""

    def __init__(self, client: WireClient) -> None:
        self.call = client.exchange

    def sync_all(self) -> None:
        """The server syncs by itself."""


def open_transaction(broker: ServedBroker, name: str, topic: str) -> TransactionalProducer:
    """A producer of the older protocol that has written one record and does not go on."""
    with broker.connect() as client:
        producer = TransactionalProducer(OverWire(client), name)  # type: ignore[arg-type]
        assert producer.init() == 0
        assert producer.add(TopicPartition(topic, 0)) == [0]
        assert producer.produce(TopicPartition(topic, 0), "x") == 0
    return producer


def committed(broker: ServedBroker, topic: str, partition: int = 0) -> list[str]:
    return broker.on_thread(lambda: broker.kit.values(topic, committed=True, partition=partition))


# -- topics and their settings


def test_topics_are_made_shown_grown_and_deleted(broker: ServedBroker) -> None:
    made = tool(broker, "topics", "--create", "--topic", "words", "--partitions", "2", "--config", "retention.ms=5000")
    assert "Created topic words." in made
    again = tool(broker, "topics", "--create", "--topic", "words", code=1)
    assert "TopicExistsException" in again
    assert "words" in tool(broker, "topics", "--list").split()
    tool(broker, "topics", "--alter", "--topic", "words", "--partitions", "3")
    assert "InvalidPartitionsException" in tool(
        broker, "topics", "--alter", "--topic", "words", "--partitions", "3", code=1
    )
    shown = tool(broker, "topics", "--describe", "--topic", "words")
    assert "PartitionCount: 3\tReplicationFactor: 1\tConfigs: retention.ms=5000" in shown
    for index in range(3):
        assert f"Partition: {index}\tLeader: 1\tReplicas: 1\tIsr: 1" in shown
    assert tool(broker, "topics", "--describe", "--under-replicated-partitions").strip() == ""
    tool(broker, "topics", "--delete", "--topic", "words")
    assert "words" not in tool(broker, "topics", "--list").split()
    assert "does not exist" in tool(broker, "topics", "--delete", "--topic", "words", code=1)


def test_settings_of_a_topic(broker: ServedBroker) -> None:
    create(broker, "configured")
    of_topic = ("configs", "--entity-type", "topics", "--entity-name", "configured")
    tool(broker, *of_topic, "--alter", "--add-config", "cleanup.policy=[compact,delete],retention.ms=7")
    tool(broker, *of_topic, "--alter", "--delete-config", "retention.ms")
    shown = tool(broker, *of_topic, "--describe")
    assert "cleanup.policy=compact,delete sensitive=false" in shown
    assert "DYNAMIC_TOPIC_CONFIG:cleanup.policy=compact,delete, DEFAULT_CONFIG:log.cleanup.policy=delete" in shown
    assert "retention.ms=" not in shown
    everything = tool(broker, *of_topic, "--describe", "--all")
    assert "  retention.ms=604800000 sensitive=false" in everything
    refused = tool(broker, *of_topic, "--alter", "--add-config", "retention.ms=soon", code=None)
    assert "InvalidConfigurationException" in refused and "'soon' is no long" in refused


def test_settings_of_the_broker(broker: ServedBroker) -> None:
    of_broker = ("configs", "--entity-type", "brokers", "--entity-name", "1")
    everything = tool(broker, *of_broker, "--describe", "--all")
    assert "num.partitions=4 sensitive=false synonyms={DEFAULT_CONFIG:num.partitions=4}" in everything
    tool(broker, *of_broker, "--alter", "--add-config", "log.retention.ms=7777777")
    assert "DYNAMIC_BROKER_CONFIG:log.retention.ms=7777777" in tool(broker, *of_broker, "--describe")
    tool(broker, *of_broker, "--alter", "--delete-config", "log.retention.ms")
    assert "log.retention.ms" not in tool(broker, *of_broker, "--describe")
    refused = tool(broker, *of_broker, "--alter", "--add-config", "num.partitions=7", code=None)
    assert "cannot be changed while the broker runs" in refused


def test_users_and_clients_have_no_settings(broker: ServedBroker) -> None:
    assert tool(broker, "configs", "--describe", "--entity-type", "users").strip() == ""
    assert tool(broker, "configs", "--describe", "--entity-type", "clients").strip() == ""
    quota = ("configs", "--alter", "--entity-type", "clients", "--entity-name", "c")
    refused = tool(broker, *quota, "--add-config", "producer_byte_rate=1024", code=None)
    assert "UnsupportedVersionException" in refused and "quotas are not supported" in refused
    user = ("configs", "--alter", "--entity-type", "users", "--entity-name", "u")
    refused = tool(broker, *user, "--add-config", "SCRAM-SHA-256=[password=p]", code=None)
    assert "UnsupportedSaslMechanismException" in refused


# -- records


def test_offsets_and_deleted_records(broker: ServedBroker, tmp_path: Path) -> None:
    create(broker, "counted", 2, "a", "b", "c")

    def offsets(*arguments: str) -> list[str]:
        return tool(broker, "get-offsets", "--topic", "counted", *arguments).split()

    assert offsets() == ["counted:0:3", "counted:1:0"]
    assert offsets("--time", "earliest") == ["counted:0:0", "counted:1:0"]
    assert offsets("--time", "max-timestamp") == ["counted:0:0"]
    assert offsets("--time", "earliest-local") == ["counted:0:0", "counted:1:0"]
    assert offsets("--time", "latest-tiered") == []
    assert offsets("--time", "0") == ["counted:0:0"]
    file = tmp_path / "offsets.json"
    asked = [{"topic": "counted", "partition": 0, "offset": 2}, {"topic": "counted", "partition": 1, "offset": -1}]
    file.write_text(json.dumps({"version": 1, "partitions": asked}))
    deleted = tool(broker, "delete-records", "--offset-json-file", str(file))
    assert "partition: counted-0\tlow_watermark: 2" in deleted and "partition: counted-1\tlow_watermark: 0" in deleted
    assert offsets("--time", "-2") == ["counted:0:2", "counted:1:0"]


def test_sizes_of_logs(broker: ServedBroker) -> None:
    create(broker, "sized", 1, "a", "b")
    printed = tool(broker, "log-dirs", "--describe", "--topic-list", "sized")
    (directory,) = json.loads(printed[printed.index("{") :])["brokers"][0]["logDirs"]
    size = len(broker.kit.filesystem.read_file("logs/sized-0/00000000000000000000.log"))
    assert directory["error"] is None
    assert directory["partitions"] == [{"partition": "sized-0", "size": size, "offsetLag": 0, "isFuture": False}]


# -- transactions


def test_transactions_are_listed_and_described(broker: ServedBroker) -> None:
    create(broker, "ledger")
    producer = open_transaction(broker, "shown", "ledger")
    listed = tool(broker, "transactions", "list")
    assert ["shown", "1", str(producer.producer_id), "Ongoing"] in [line.split() for line in listed.splitlines()]
    assert "shown" not in tool(broker, "transactions", "list", "--duration-filter", str(60 * MINUTE_MS))
    described = tool(broker, "transactions", "describe", "--transactional-id", "shown").splitlines()[1].split("\t")
    assert [word.strip() for word in described[:6]] == [
        "1", "shown", str(producer.producer_id), "0", "Ongoing", "60000",
    ]  # fmt: skip
    assert described[-2].strip() == "ledger-0" or described[-1].strip() == "ledger-0"
    writers = tool(broker, "transactions", "describe-producers", "--topic", "ledger", "--partition", "0")
    row = writers.splitlines()[1].split()
    assert (row[0], row[-1]) == (str(producer.producer_id), "0"), "the producer, and where its transaction began"
    unknown = tool(broker, "transactions", "describe", "--transactional-id", "nobody", code=None)
    assert "the ID could not be found" in unknown


def test_a_hanging_transaction_is_found_and_aborted(broker: ServedBroker) -> None:
    """Open in the log and unknown to its coordinator, as a broker older than KIP-890 may leave it."""
    create(broker, "hung", 1, "before")
    old_ms = wall_clock_ms() - 20 * MINUTE_MS
    batch = build_batch(
        [None], [b"lost"], [old_ms], producer_id=777_777, producer_epoch=3, base_sequence=0, is_transactional=True
    )

    def append() -> None:
        partitions = broker.kit.broker._partitions
        partitions.append(partitions.logs[TopicPartition("hung", 0)], batch, wall_clock_ms())

    broker.on_thread(append)
    with broker.connect() as client:  # its sync takes along what was appended
        assert produced(client.exchange(produce_request("hung", "after", now_ms=wall_clock_ms()))).error_code == 0
    found = tool(broker, "transactions", "find-hanging", "--broker-id", "1")
    assert found.splitlines()[1].split()[:3] == ["hung", "0", "777777"]
    assert tool(broker, "get-offsets", "--topic", "hung").split() == ["hung:0:3"]
    tool(broker, "transactions", "abort", "--topic", "hung", "--partition", "0", "--start-offset", "1")
    assert "777777" not in tool(broker, "transactions", "find-hanging", "--broker-id", "1")
    assert committed(broker, "hung") == ["before", "after"]


def test_a_transaction_is_terminated_over_its_owners_head(broker: ServedBroker) -> None:
    create(broker, "taken")
    producer = open_transaction(broker, "owned", "taken")
    tool(broker, "transactions", "forceTerminateTransaction", "--transactionalId", "owned")
    assert committed(broker, "taken") == []
    with broker.connect() as client:
        producer.kit = OverWire(client)  # type: ignore[assignment]
        assert producer.add(TopicPartition("taken", 0)) == [90]


def test_javas_producer_uses_kip_890(broker: ServedBroker) -> None:
    """It takes transaction.version 2 from ApiVersions, names no partition before it writes, and every commit bumps."""
    create(broker, "perf", 2)
    printed = run_tool(
        "producer-perf", "--topic", "perf", "--num-records", "3000", "--record-size", "50", "--throughput", "3000",
        "--transactional-id", "perf-tx", "--transaction-duration-ms", "200",
        "--producer-props", f"bootstrap.servers={broker.address}",
    )  # fmt: skip
    assert "3000 records sent" in printed
    transaction = broker.on_thread(lambda: broker.kit.broker._coordinator.transactions.get("perf-tx"))
    assert transaction is not None and transaction.client_version == 2
    assert transaction.producer_epoch > 1, "several transactions, each with its epoch"
    with broker.connect() as client:
        assert TransactionalProducer(OverWire(client), "perf-tx").init() == 0  # type: ignore[arg-type]
    assert sum(len(committed(broker, "perf", index)) for index in (0, 1)) == 3000


# -- the cluster


def test_the_cluster(broker: ServedBroker) -> None:
    cluster_id = broker.kit.broker._catalog.cluster_id
    assert f"Cluster ID: {cluster_id}" in run_tool("cluster", "cluster-id", "--bootstrap-server", broker.address)
    endpoints = run_tool("cluster", "list-endpoints", "--bootstrap-server", broker.address)
    assert ["1", "127.0.0.1", str(broker.port)] in [line.split()[:3] for line in endpoints.splitlines()]
    status = tool(broker, "quorum", "describe", "--status")
    assert "LeaderId:               1" in status
    assert f'"id": 1, "endpoints": ["PLAINTEXT://{broker.address}"]' in status
    assert "Leader" in tool(broker, "quorum", "describe", "--replication")


def test_versions_and_features(broker: ServedBroker) -> None:
    printed = tool(broker, "api-versions")
    for key in HANDLERS:
        name = API[key].request.__name__.removesuffix("Request")
        first, last = API[key].min_version, API[key].max_version
        versions = str(first) if first == last else f"{first} to {last}"
        assert f"{name}({key}): {versions} [usable: " in printed
    described = tool(broker, "features", "describe")
    assert "transaction.version" in described and "FinalizedVersionLevel: 2" in described
    refused = tool(broker, "features", "downgrade", "--feature", "transaction.version=1", code=None)
    assert "cannot be changed" in refused


def test_there_is_nothing_to_elect_or_to_move(broker: ServedBroker, tmp_path: Path) -> None:
    create(broker, "led")
    elect = ("leader-election", "--election-type", "preferred")
    assert tool(broker, *elect, "--all-topic-partitions").strip() == ""
    one = tool(broker, *elect, "--topic", "led", "--partition", "0")
    assert "Valid replica already elected for partitions led-0" in one
    assert "No partition reassignments found." in tool(broker, "reassign", "--list")
    file = tmp_path / "plan.json"
    plan = [{"topic": "led", "partition": 0, "replicas": [1], "log_dirs": ["any"]}]
    file.write_text(json.dumps({"version": 1, "partitions": plan}))
    executed = tool(broker, "reassign", "--execute", "--reassignment-json-file", str(file))
    assert "Successfully started partition reassignment for led-0" in executed
    verified = tool(broker, "reassign", "--verify", "--reassignment-json-file", str(file))
    assert "Reassignment of partition led-0 is completed." in verified


def test_acls_are_refused_as_without_an_authorizer(broker: ServedBroker) -> None:
    for arguments in (["--list"], ["--add", "--allow-principal", "User:a", "--operation", "Read", "--topic", "words"]):
        assert "SecurityDisabledException" in tool(broker, "acls", *arguments, code=1)
