"""SaslHandshake (API key 17), versions 0 to 1: refused, no SASL mechanism is enabled. The empty list says so."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse


def handle(context: BrokerContext, body: SaslHandshakeRequest, call: Call) -> Outcome:
    return Reply(SaslHandshakeResponse(error_code=ErrorCode.UNSUPPORTED_SASL_MECHANISM, mechanisms=()))
