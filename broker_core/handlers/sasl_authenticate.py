"""SaslAuthenticate (API key 36), versions 0 to 2: refused, since no handshake can have gone before it."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse


def handle(context: BrokerContext, body: SaslAuthenticateRequest, call: Call) -> Outcome:
    return Reply(
        SaslAuthenticateResponse(
            error_code=ErrorCode.ILLEGAL_SASL_STATE, error_message="no SASL mechanism is enabled on this listener"
        )
    )
