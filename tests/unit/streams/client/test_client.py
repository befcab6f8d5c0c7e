from __future__ import annotations

import random

import pytest

from streams.client.client import Client
from streams.client.pending import Pending
from streams.client.settings import ClientSettings
from streams.model import TopicPartition
from tests.unit.streams.client.scripted import ScriptedTransport
from tests.unit.streams.client.world import World


def test_poll_says_whether_anything_moved(world: World) -> None:
    client = world.client()
    assert client.poll(world.clock()) is False
    listed = client.admin.list_topics()
    assert client.poll(world.clock()) is True
    assert listed.result() == {}


def test_complete_gives_up_in_time() -> None:
    ticks = iter(range(0, 1_000_000, 100))
    client = Client(ScriptedTransport({}), client_id="c", random=random.Random(1))
    with pytest.raises(TimeoutError, match="500 ms"):
        client.complete(Pending[None](), lambda: next(ticks), timeout_ms=500)


def test_a_released_core_is_pumped_no_more(world: World) -> None:
    world.topic("t")
    client = world.client()
    consumer = client.consumer()
    consumer.assign({TopicPartition("t", 0): 0})
    client.release(consumer)
    assert client.poll(world.clock()) is False
    assert consumer.end_offset(TopicPartition("t", 0)) is None


def test_the_next_deadline_is_the_earliest_of_all() -> None:
    transport = ScriptedTransport({})
    settings = ClientSettings(operation_timeout_ms=77)
    client = Client(transport, client_id="c", random=random.Random(1), settings=settings)
    assert client.next_deadline() is None
    client.consumer().assign({TopicPartition("missing", 0): 0})
    client.poll(0)
    deadline = client.next_deadline()
    assert deadline is not None and 0 < deadline <= 77
