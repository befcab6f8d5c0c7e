"""Every test that asks for a world runs on values handed over and on values through bytes."""

from __future__ import annotations

import pytest

from tests.unit.streams.client.world import World


@pytest.fixture(params=["embedded", "loopback"])
def world(request: pytest.FixtureRequest) -> World:
    return World(loopback=request.param == "loopback")
