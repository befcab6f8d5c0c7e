"""The API reaches the coordinator (``group/test_groups.py`` judges its answers), on a full disk, too."""

from __future__ import annotations

from broker_core.handlers import heartbeat
from broker_core.handlers.table import HANDLERS
from broker_core.protocol.api import API
from tests.unit.broker_core.broker_kit import Kit


def test_it_is_served_while_the_disk_is_full(kit: Kit) -> None:
    (key,) = (key for key, handler in HANDLERS.items() if handler is heartbeat.handle)
    kit.call(API[key].request())
    kit.filesystem.available_bytes = 0
    for version in range(API[key].min_version, API[key].max_version + 1):
        assert kit.call(API[key].request(), version).error_code == 24, "there is no group without a name"
