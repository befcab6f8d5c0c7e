"""DeleteAcls (API key 31), versions 1 to 3: every filter is refused, as by every broker without an authorizer."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.handlers.describe_acls import NO_AUTHORIZER
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.delete_acls import DeleteAclsFilterResult, DeleteAclsRequest, DeleteAclsResponse


def handle(context: BrokerContext, body: DeleteAclsRequest, call: Call) -> Outcome:
    refused = DeleteAclsFilterResult(error_code=ErrorCode.SECURITY_DISABLED, error_message=NO_AUTHORIZER)
    return Reply(DeleteAclsResponse(filter_results=(refused,) * len(body.filters)))
