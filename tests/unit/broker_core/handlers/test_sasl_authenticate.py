"""SaslAuthenticate: refused, since no handshake can have succeeded."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.sasl_authenticate import SaslAuthenticateRequest
from tests.unit.broker_core.broker_kit import Kit


@pytest.mark.parametrize("version", [0, 1, 2])
def test_tokens_without_a_handshake_are_refused(kit: Kit, version: int) -> None:
    answer = kit.call(SaslAuthenticateRequest(auth_bytes=b"\0user\0secret"), version)
    assert answer.error_code == ErrorCode.ILLEGAL_SASL_STATE
    assert (answer.auth_bytes, answer.session_lifetime_ms) == (b"", 0)
