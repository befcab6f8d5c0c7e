"""CreateAcls (API key 30), versions 1 to 3: every rule is refused, as by every broker without an authorizer."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.handlers.describe_acls import NO_AUTHORIZER
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.create_acls import AclCreationResult, CreateAclsRequest, CreateAclsResponse


def handle(context: BrokerContext, body: CreateAclsRequest, call: Call) -> Outcome:
    refused = AclCreationResult(error_code=ErrorCode.SECURITY_DISABLED, error_message=NO_AUTHORIZER)
    return Reply(CreateAclsResponse(results=(refused,) * len(body.creations)))
