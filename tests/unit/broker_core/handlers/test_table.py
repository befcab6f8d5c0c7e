"""The table of handlers names APIs that are spoken, each handled by the module of its name."""

from __future__ import annotations

from broker_core.handlers.table import HANDLERS
from broker_core.protocol.api import API, ApiKey


def test_every_handler_belongs_to_its_api() -> None:
    assert set(HANDLERS) <= set(API)
    for key, handler in HANDLERS.items():
        assert handler.__module__ == f"broker_core.handlers.{ApiKey(key).name.lower()}"
