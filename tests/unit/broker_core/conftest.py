"""Every test that takes ``kit`` runs twice: with message values, and with every message through its bytes."""

from __future__ import annotations

import pytest

from tests.unit.broker_core.broker_kit import Kit


@pytest.fixture(params=[False, True], ids=["values", "bytes"])
def kit(request: pytest.FixtureRequest) -> Kit:
    return Kit(wire=request.param).open()
