"""DescribeUserScramCredentials (API key 50), version 0: there are no SCRAM users, as on every broker without SASL."""

from __future__ import annotations

from collections import Counter

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.describe_user_scram_credentials import (
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResult,
)


def handle(context: BrokerContext, body: DescribeUserScramCredentialsRequest, call: Call) -> Outcome:
    asked = Counter(user.name for user in body.users or ())
    return Reply(
        DescribeUserScramCredentialsResponse(
            error_message=None, results=tuple(_unknown(name, count) for name, count in asked.items())
        )
    )


def _unknown(name: str, count: int) -> DescribeUserScramCredentialsResult:
    code, message = ErrorCode.RESOURCE_NOT_FOUND, f"there is no SCRAM user {name!r}"
    if count > 1:
        code, message = ErrorCode.DUPLICATE_RESOURCE, f"user {name!r} is named {count} times in the request"
    return DescribeUserScramCredentialsResult(user=name, error_code=code, error_message=message)
