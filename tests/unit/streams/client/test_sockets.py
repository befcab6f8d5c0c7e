"""The shell with real sockets: names with several addresses, refusals, large writes, a broker that goes away."""

from __future__ import annotations

import random
import socket
from typing import Any

import pytest

from broker_core.protocol.list_groups import ListGroupsRequest
from streams.client.network import Network
from streams.client.peers import Address
from streams.client.settings import ConnectionSettings
from streams.client.sockets import Sockets


class Bench:
    def __init__(self, address: Address) -> None:
        self.network = Network([address], client_id="c", random=random.Random(1), settings=ConnectionSettings())
        self.sockets = Sockets(self.network)
        self.network.send(1, None, ListGroupsRequest(), None)

    def turn(self) -> Any:
        self.network.advance(0)
        self.sockets.round(0)
        return dict(self.network.take_answers()).get(1)

    def until_answered(self) -> str:
        for _ in range(100):
            answer = self.turn()
            if answer is not None:
                self.turn()
                self.sockets.close()
                return str(answer)
            self.sockets.wait(50)
        raise AssertionError("no answer")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_refused_connection_says_so() -> None:
    assert "connection refused; nothing listens there" in Bench(Address("127.0.0.1", free_port())).until_answered()


def test_a_name_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", fail)
    assert "its name cannot be resolved: Name or service not known" in Bench(Address("nowhere", 9)).until_answered()


@pytest.mark.parametrize(
    "address", [Address("x" * 70, 9), Address("a\0b", 9), Address("127.0.0.1", 70_000), Address("", -1)]
)
def test_what_is_no_address_at_all(address: Address) -> None:
    """A broker can advertise anything."""
    assert Bench(address).until_answered().startswith(f"broker {address}: ")


def test_every_address_of_a_name_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """``localhost`` often is ::1 first, where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = listener.getsockname()
        refused = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", free_port()))
        good = (socket.AF_INET, socket.SOCK_STREAM, 6, "", place)
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: [refused, good])
        bench = Bench(Address("localhost", 9))
        listener.settimeout(5)
        bench.turn()
        bench.sockets.wait(1_000)
        bench.turn()
        accepted, _ = listener.accept()
        bench.sockets.wait(1_000)
        bench.turn()
        with accepted:
            accepted.settimeout(5)
            assert accepted.recv(8)[4:8] == b"\0\x12\0\x04", "ApiVersions, version 4"
    bench.sockets.close()


def test_the_other_side_goes_away() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        bench = Bench(Address(*listener.getsockname()[:2]))
        bench.turn()
        listener.accept()[0].close()
        assert ", before it said what it speaks" in bench.until_answered()
