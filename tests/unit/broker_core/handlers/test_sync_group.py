"""The API reaches the coordinator (``group/test_groups.py`` judges its answers), on a full disk, too."""

from __future__ import annotations

from broker_core.broker import LOAD_BYTES
from broker_core.config import BrokerConfig
from broker_core.handlers import sync_group
from broker_core.handlers.table import HANDLERS
from broker_core.protocol.api import API
from broker_core.protocol.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from broker_core.protocol.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from tests.unit.broker_core.broker_kit import Kit


def test_it_is_served_while_the_disk_is_full(kit: Kit) -> None:
    (key,) = (key for key, handler in HANDLERS.items() if handler is sync_group.handle)
    kit.call(API[key].request())
    kit.filesystem.available_bytes = 0
    for version in range(API[key].min_version, API[key].max_version + 1):
        assert kit.call(API[key].request(), version).error_code == 24, "there is no group without a name"


PROTOCOLS = (JoinGroupRequestProtocol(name="range"),)
JOIN = JoinGroupRequest(group_id="g", session_timeout_ms=10_000, protocol_type="consumer", protocols=PROTOCOLS)


def sync(member_id: str, generation: int, assignment: bytes = b"") -> SyncGroupRequest:
    given = SyncGroupRequestAssignment(member_id=member_id, assignment=assignment)
    return SyncGroupRequest(group_id="g", generation_id=generation, member_id=member_id, assignments=(given,))


def test_a_large_assignment_survives_a_crash() -> None:
    """Larger than what is read at once when the coordinators are loaded."""
    kit = Kit(config=BrokerConfig(group_initial_rebalance_delay_ms=0), wire=True).open()
    member_id = kit.call(JOIN, 3).member_id
    large = b"x" * (LOAD_BYTES + 1)
    assert kit.call(sync(member_id, 1, large)).assignment == large
    kit.restart(crash="drop")
    assert kit.call(sync(member_id, 1)).assignment == large
