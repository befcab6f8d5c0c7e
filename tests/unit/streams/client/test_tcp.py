"""The transport itself, over real sockets. What it carries, the other tests of this directory check over it."""

from __future__ import annotations

import random
import socket
import threading

import pytest

from broker_core.config import BrokerConfig
from broker_core.protocol.list_groups import ListGroupsRequest
from streams.client.peers import Address
from streams.client.settings import ClientSettings
from streams.client.tcp import TcpTransport, parse_addresses
from streams.errors import ConfigError
from streams.model import TopicPartition
from streams.runtime.connection import clock_ms
from tests.unit.streams.client.world import World, drain


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("h:9092", [("h", 9092)]),
        (" a:1 , b.c:65535,", [("a", 1), ("b.c", 65535)]),
        ("[::1]:9092", [("::1", 9092)]),
    ],
)
def test_addresses(text: str, addresses: list[tuple[str, int]]) -> None:
    assert parse_addresses(text) == tuple(Address(*address) for address in addresses)


@pytest.mark.parametrize("text", ["", ",", "h", "h:", ":9", "h:0", "h:65536", "h:x", "http://h:9092", "h:9,k"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(ConfigError, match=r"broker='.*host:port"):
        parse_addresses(text)


def test_a_client_lives_on_through_a_broker_that_hangs_up() -> None:
    world = World(tcp=True)
    world.topic("t")
    client = world.client()
    producer, consumer = client.producer(), client.consumer()
    consumer.assign({TopicPartition("t", 0): 0})
    values = []
    for number in range(5):
        producer.append("t", 0, [b"k"], [b"%d" % number], [1])
        client.poll(world.clock())
        assert world.server is not None
        world.server.hang_up()
        world.wait(client, producer.flush())
        for _ in range(200):
            client.poll(world.clock())
            values += [value for batch in consumer.poll_batches() for value in batch.values]
    assert values == [b"0", b"1", b"2", b"3", b"4"]
    world.close()


def test_frames_of_megabytes() -> None:
    """Longer than what is received at once, and than what a frame gets memory for at once."""
    world = World(tcp=True)
    world.topic("t")
    large = ClientSettings(batch_bytes=5_000_000, fetch_partition_max_bytes=16_000_000, fetch_max_bytes=16_000_000)
    client = world.client(large)
    producer, consumer = client.producer(), client.consumer()
    values = [bytes([number]) * 900_000 for number in range(12)]
    producer.append("t", 0, [None] * 12, values, [1] * 12)
    world.wait(client, producer.flush())
    consumer.assign({TopicPartition("t", 0): 0})
    assert [value for batch in drain(world, client, consumer) for value in batch.values] == values
    world.close()


def test_an_observer_hears_of_a_broker_that_is_lost_and_reached_again() -> None:
    """Once each, however many connections there were; and not of one that hangs up on an idle client."""
    world = World(tcp=True)
    world.topic("t")
    client = world.client()
    heard: list[tuple[str, object]] = []

    class Listening:
        def event(self, name: str, **fields: object) -> None:
            heard.append((name, fields["broker"]))

    world.carriers[-1].inner._observer = Listening()
    consumer = client.consumer()
    consumer.assign({TopicPartition("t", 0): 0})
    for _ in range(3):
        client.poll(world.clock())
    assert world.server is not None
    world.server.hang_up()
    for _ in range(200):
        client.poll(world.clock())
    place = str(world.server.address)
    assert heard == [("broker.lost", place), ("broker.reached", place)]
    world.close()


def test_nobody_at_any_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        places = [Address(*listener.getsockname()[:2]) for listener in (one, two)]
    transport = TcpTransport(places, client_id="c", clock=clock_ms, random=random.Random(1))
    with pytest.raises(ConfigError, match=f"broker {places[0]}: connection refused.*; broker {places[1]}: connection"):
        transport.connect(5_000)
    transport.close(0)


def test_a_place_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = Address(*silent.getsockname()[:2])
        transport = TcpTransport([place], client_id="c", clock=clock_ms, random=random.Random(1))
        with pytest.raises(ConfigError, match=f"broker {place}: it takes connections and says nothing"):
            transport.connect(50)
        transport.close(0)


def test_waiting_ends_when_somebody_wakes_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = Address(*silent.getsockname()[:2])
        transport = TcpTransport([place], client_id="c", clock=clock_ms, random=random.Random(1))
        threading.Timer(0.05, transport.wake).start()
        transport.wait(60_000)
        transport.poll(0)
        transport.close(0)
        transport.close(0)


def test_heartbeats_go_out_while_the_caller_is_busy() -> None:
    """The server takes its turns in this thread; the transport is not polled meanwhile."""
    world = World(tcp=True)
    client = world.client()
    world.wait(client, client.admin.list_topics())
    server, transport = world.server, world.carriers[-1].inner
    assert server is not None
    transport._clock = clock_ms
    transport.poll(clock_ms())
    token = transport.pulse(BrokerConfig().node_id, ListGroupsRequest(), 10, silence_limit_ms=300_000)
    end_ms = clock_ms() + 20_000
    while server.asked.count(ListGroupsRequest.API_KEY) < 3:
        server.pump(world.now_ms)
        assert clock_ms() < end_ms
    transport.stop_pulse(token)
    assert transport.poll(clock_ms()) == []
    world.close()
