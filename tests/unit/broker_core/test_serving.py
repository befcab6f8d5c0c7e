"""From command-line options to an address and a configuration. The process itself: test___main__."""

from __future__ import annotations

import socket

import pytest

from broker_core.config import BrokerConfig
from broker_core.errors import BrokerError, StorageError
from broker_core.serving import MOST_TOLD, Address, Teller, settings_from, settings_help, take_address


def test_options_become_settings() -> None:
    config, texts = settings_from("0.0.0.0:0", "/d", ["num.partitions=3", "log.retention.ms = 5"])
    assert (config.num_partitions, config.log_dirs, config.log.retention_ms) == (3, "/d", 5)
    assert texts["listeners"] == "0.0.0.0:0"


def test_a_setting_without_a_value_is_refused() -> None:
    with pytest.raises(BrokerError, match="--set num.partitions: is not name=value"):
        settings_from(None, None, ["num.partitions"])


@pytest.mark.parametrize(
    ("options", "host"),
    [
        (["listeners=127.0.0.1:0"], "127.0.0.1"),
        (["listeners=:0"], socket.gethostname()),
        (["listeners=127.0.0.1:0", "advertised.listeners=kafka.example:7"], "kafka.example"),
        (["listeners=127.0.0.1:0", "advertised.listeners=kafka.example:0"], "kafka.example"),
    ],
)
def test_what_clients_are_told(options: list[str], host: str) -> None:
    config, texts = settings_from(None, None, options)
    listener, config = take_address(config, texts)
    port = listener.getsockname()[1]
    listener.close()
    assert config.server.listen_port == port > 0
    assert (config.advertised_host, config.advertised_port) == (host, 7 if ":7" in options[-1] else port)


def test_an_address_that_is_taken_is_an_error_that_names_the_fix() -> None:
    first, _ = take_address(*settings_from("127.0.0.1:0", None, []))
    first.listen()
    taken = f"127.0.0.1:{first.getsockname()[1]}"
    with pytest.raises(StorageError, match="cannot listen on 127.0.0.1:.*--listen"):
        take_address(*settings_from(taken, None, []))
    first.close()


def test_addresses_are_shown_as_clients_write_them() -> None:
    assert str(Address(host="::1", port=1, advertised_host="h", advertised_port=1)) == "[::1]:1"
    assert str(Address(host="h", port=1, advertised_host="h", advertised_port=1)) == "h:1"


def test_every_setting_is_in_the_help() -> None:
    assert "max.connections" in settings_help()
    assert BrokerConfig().server.max_connections == 10_000


def test_what_happens_is_told_but_not_for_ever() -> None:
    told: list[str] = []
    teller = Teller(told.append)
    teller.event("log.retained", partition="t-0")
    assert told == []
    for _ in range(2 * MOST_TOLD):
        teller.event("connection.limit", connections=7)
    assert len(told) == MOST_TOLD
    assert "a connection was refused: 7 are open" in told[0] and told[-1].endswith("no more of these are told")
    try:
        raise ZeroDivisionError("a fault")
    except ZeroDivisionError as error:
        teller.event("request.failed", client="c", request="00", error=error)
    assert "broke the broker's code" in told[-2] and "test_serving.py" in told[-1]
