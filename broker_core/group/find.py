"""FindCoordinator: on a single broker the answer is always the broker itself.

Owns the forms of the answer. Whether the internal topics exist is not asked here: they are made before first use.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from broker_core.config import BrokerConfig
from broker_core.errors import ErrorCode
from broker_core.protocol.find_coordinator import Coordinator, FindCoordinatorRequest, FindCoordinatorResponse

GROUP_KEY: Final = 0
TRANSACTION_KEY: Final = 1


class Address(NamedTuple):
    """Where clients reach the broker."""

    node_id: int
    host: str
    port: int

    @classmethod
    def of(cls, config: BrokerConfig) -> Address:
        return cls(config.node_id, config.advertised_host, config.advertised_port)


def find_coordinator(request: FindCoordinatorRequest, api_version: int, address: Address) -> FindCoordinatorResponse:
    """The broker's address for every key; INVALID_REQUEST for kinds of coordinators that are not here."""
    known = request.key_type in {GROUP_KEY, TRANSACTION_KEY}
    code = ErrorCode.NONE if known else ErrorCode.INVALID_REQUEST
    message = None if known else f"there is no coordinator of kind {request.key_type} here"
    node_id, host, port = address if known else Address(-1, "", -1)
    if api_version < 4:
        return FindCoordinatorResponse(error_code=code, error_message=message, node_id=node_id, host=host, port=port)
    return FindCoordinatorResponse(
        coordinators=tuple(
            Coordinator(key=key, node_id=node_id, host=host, port=port, error_code=code, error_message=message)
            for key in request.coordinator_keys
        )
    )
