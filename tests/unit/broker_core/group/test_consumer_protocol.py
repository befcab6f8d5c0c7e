"""Topics are found in subscriptions of every version, and nothing else is taken for one."""

import pytest

from broker_core.group.consumer_protocol import read_topics
from tests.unit.broker_core.group.group_world import subscription


@pytest.mark.parametrize("version", [0, 1, 2, 3, 9])
def test_topics_of_every_version(version: int) -> None:
    assert read_topics(subscription("a", "über", version=version)) == ("a", "über")


@pytest.mark.parametrize(
    "metadata", [b"", b"\0", b"\0\1", b"\0\1\x7f\xff\xff\xff", b"\0\1\xff\xff\xff\xff", b"\0\1\0\0\0\1\0\2\xff\xff"]
)
def test_what_is_no_subscription(metadata: bytes) -> None:
    assert read_topics(metadata) is None
