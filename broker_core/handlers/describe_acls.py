"""DescribeAcls (API key 29), versions 1 to 3: refused, as by every broker without an authorizer."""

from __future__ import annotations

from typing import Final

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.describe_acls import DescribeAclsRequest, DescribeAclsResponse

NO_AUTHORIZER: Final = "No Authorizer is configured: everybody may do everything."


def handle(context: BrokerContext, body: DescribeAclsRequest, call: Call) -> Outcome:
    return Reply(DescribeAclsResponse(error_code=ErrorCode.SECURITY_DISABLED, error_message=NO_AUTHORIZER))
