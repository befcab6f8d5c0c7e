"""SaslHandshake: refused with the list of enabled mechanisms, which is empty."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse
from tests.unit.broker_core.broker_kit import Kit


@pytest.mark.parametrize("version", [0, 1])
def test_no_mechanism_is_enabled(kit: Kit, version: int) -> None:
    answer = kit.call(SaslHandshakeRequest(mechanism="PLAIN"), version)
    assert answer == SaslHandshakeResponse(error_code=ErrorCode.UNSUPPORTED_SASL_MECHANISM, mechanisms=())
