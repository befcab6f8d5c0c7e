"""DescribeClientQuotas (API key 48), versions 0 to 1: nobody has a quota."""

from __future__ import annotations

from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.describe_client_quotas import DescribeClientQuotasRequest, DescribeClientQuotasResponse


def handle(context: BrokerContext, body: DescribeClientQuotasRequest, call: Call) -> Outcome:
    return Reply(DescribeClientQuotasResponse(error_message=None))
