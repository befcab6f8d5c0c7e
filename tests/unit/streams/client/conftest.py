"""Every test that asks for a world runs on values handed over, on values through bytes, and over TCP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.streams.client.world import World


@pytest.fixture(params=["embedded", "loopback", "tcp"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = World(loopback=request.param == "loopback", tcp=request.param == "tcp")
    yield world
    world.close()
