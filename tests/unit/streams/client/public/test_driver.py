"""The thread that owns a client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from streams.client.client import Client
from streams.client.pending import Pending
from streams.client.public.driver import Driver, Drivers
from streams.errors import StreamsError
from streams.runtime.connection import clock_ms
from tests.unit.streams.client.world import World


class Behind:
    """A world that a driver opens and closes."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.world = World()
        self.fails = fails
        self.opened = self.closed = 0

    @contextmanager
    def connect(self) -> Iterator[Client]:
        if self.fails is not None:
            raise self.fails
        self.opened += 1
        try:
            yield self.world.client()
        finally:
            self.closed += 1

    def driver(self) -> Driver:
        return Driver(self.connect, clock_ms, "test")


def test_commands_run_on_the_thread_and_their_results_come_back() -> None:
    behind = Behind()
    driver = behind.driver()
    assert driver.call(lambda client, now_ms: now_ms > 0 and client.client_id).result(10) == "test"
    assert driver.ask(lambda client, _: client.admin.list_topics()).result(10) == {}
    driver.close()
    assert (behind.opened, behind.closed) == (1, 1)


def test_a_command_that_fails_fails_alone() -> None:
    driver = Behind().driver()

    def fail(client: Client, now_ms: int) -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        driver.call(fail).result(10)
    assert driver.call(lambda _, __: 5).result(10) == 5
    driver.close()


def test_what_cannot_be_opened_says_why_to_everybody() -> None:
    driver = Behind(StreamsError("no such log")).driver()
    for future in (driver.opened, driver.call(lambda _, __: None)):
        with pytest.raises(StreamsError, match="no such log"):
            future.result(10)
    assert driver.is_over
    driver.close()


def test_nobody_is_left_waiting_when_it_closes() -> None:
    driver = Behind().driver()
    never: Pending[None] = Pending()
    waiting = driver.ask(lambda _, __: never)
    driver.call(lambda _, __: None).result(10)
    driver.close()
    with pytest.raises(StreamsError, match="the client is closed"):
        waiting.result(10)
    with pytest.raises(StreamsError, match="the client is closed"):
        driver.call(lambda _, __: None).result(10)


def test_one_log_has_one_driver_until_the_last_user_goes() -> None:
    behind, drivers = Behind(), Drivers()
    one, two = drivers.share("here", behind.driver), drivers.share("here", behind.driver)
    assert one is two
    one.opened.result(10)
    drivers.give_back("here", one)
    assert behind.closed == 0
    drivers.give_back("here", two)
    assert behind.closed == 1
    again = drivers.share("here", behind.driver)
    assert again is not one
    drivers.give_back("here", again)


def test_a_driver_that_failed_is_not_shared() -> None:
    behind, drivers = Behind(StreamsError("locked")), Drivers()
    first = drivers.share("here", behind.driver)
    assert first.opened.exception(10) is not None
    behind.fails = None
    second = drivers.share("here", behind.driver)
    second.opened.result(10)
    drivers.give_back("here", first)
    drivers.give_back("here", second)
