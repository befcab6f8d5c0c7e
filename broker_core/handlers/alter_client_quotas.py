"""AlterClientQuotas (API key 49), versions 0 to 1: removing what is not there succeeds, setting a quota is refused.

Nothing here is ever throttled: to keep a quota and not to hold anybody to it would be worse than to say so.
"""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    EntryData,
    ResponseEntryData,
)


def handle(context: BrokerContext, body: AlterClientQuotasRequest, call: Call) -> Outcome:
    return Reply(AlterClientQuotasResponse(entries=tuple(_alter(entry) for entry in body.entries)))


def _alter(entry: EntryData) -> ResponseEntryData:
    set_here = [operation.key for operation in entry.ops if not operation.remove]
    if not set_here:
        return ResponseEntryData(error_message=None, entity=entry.entity)
    message = f"quotas are not supported by this broker: {', '.join(set_here)}"
    return ResponseEntryData(error_code=ErrorCode.UNSUPPORTED_VERSION, error_message=message, entity=entry.entity)
