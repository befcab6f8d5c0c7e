"""What Apache Kafka does not allow, and what the user is told then."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from streams.client.admin import NewTopic
from streams.client.client import Client
from streams.config import StreamsConfig
from streams.errors import ClientError
from streams.model import OffsetAndMetadata, TopicPartition
from streams.runtime.access import caller, send_records
from streams.runtime.activity import Activity, wait
from tests.interop.brokers import ApacheKafka

pytestmark = pytest.mark.interop

AUTHORIZER = (
    "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "allow.everyone.if.no.acl.found=true",
)
DENIED = "the broker's access control does not allow it"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApacheKafka]:
    """Nobody may write to one topic, read another, or use the group and the transactional id called "secret"."""
    with ApacheKafka(tmp_path_factory.mktemp("guarded"), settings=AUTHORIZER) as kafka:
        with caller(config(kafka), None) as call:
            call(
                lambda client: wait(
                    client.admin.create_topics(dict.fromkeys(("read", "written"), NewTopic(partitions=1)))
                )
            )
        for resource, name, operation in (
            ("topic", "written", "Write"),
            ("topic", "read", "Read"),
            ("group", "secret", "Read"),
            ("transactional-id", "secret", "Write"),
        ):
            # Whoever may write may describe: without the second rule everybody may still do the first, but not this.
            allowed = ["--add", "--allow-principal", "User:*", f"--{resource}", name, "--operation", "Describe"]
            kafka.tool("acls", *allowed)
            kafka.tool("acls", *allowed[:1], "--deny-principal", "User:*", *allowed[3:-1], operation)
        yield kafka


def config(kafka: ApacheKafka) -> StreamsConfig:
    return StreamsConfig(application_id="test", data_dir="unused", broker=kafka.address)


def read_for_ever(client: Client) -> Activity[None]:
    consumer = client.consumer()
    consumer.assign({TopicPartition("read", 0): 0})
    while True:
        consumer.poll_batches()
        yield None


def test_writing(guarded: ApacheKafka) -> None:
    expected = f"broker {guarded.address}: writing to written-0 was refused: TOPIC_AUTHORIZATION_FAILED.*{DENIED}"
    with pytest.raises(ClientError, match=expected), caller(config(guarded), None) as call:
        call(lambda client: send_records(client, config(guarded), "written", [(b"k", b"v", 1, ())]))


def test_reading(guarded: ApacheKafka) -> None:
    expected = f"broker {guarded.address}: reading read-0 at offset 0 was refused: TOPIC_AUTHORIZATION_FAILED.*{DENIED}"
    with pytest.raises(ClientError, match=expected), caller(config(guarded), None) as call:
        call(read_for_ever)


def test_a_group(guarded: ApacheKafka) -> None:
    expected = f"broker {guarded.address}: .*group secret.* was refused: GROUP_AUTHORIZATION_FAILED.*{DENIED}"
    offsets = {TopicPartition("secret", 0): OffsetAndMetadata(0)}
    with pytest.raises(ClientError, match=expected), caller(config(guarded), None) as call:
        call(lambda client: wait(client.admin.commit_offsets("secret", offsets)))


def test_a_transactional_id(guarded: ApacheKafka) -> None:
    """Said at once, not when the time for the coordinator is up."""
    expected = f"broker {guarded.address}: .*secret.* was refused: TRANSACTIONAL_ID_AUTHORIZATION_FAILED.*{DENIED}"
    with pytest.raises(ClientError, match=expected), caller(config(guarded), None) as call:
        call(lambda client: wait(client.producer(transactional_id="secret").init_transactions()))
