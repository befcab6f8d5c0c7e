"""AlterUserScramCredentials (API key 51), version 0: no mechanism is enabled, and there is nobody to remove."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult,
)


def handle(context: BrokerContext, body: AlterUserScramCredentialsRequest, call: Call) -> Outcome:
    refusals = {
        deletion.name: (ErrorCode.RESOURCE_NOT_FOUND, f"there is no SCRAM user {deletion.name!r}")
        for deletion in body.deletions
    }
    for upsertion in body.upsertions:
        refusals[upsertion.name] = (
            ErrorCode.UNSUPPORTED_SASL_MECHANISM,
            f"mechanism {upsertion.mechanism}: no SASL mechanism is enabled on this broker",
        )
    return Reply(
        AlterUserScramCredentialsResponse(
            results=tuple(
                AlterUserScramCredentialsResult(user=name, error_code=code, error_message=message)
                for name, (code, message) in refusals.items()
            )
        )
    )
