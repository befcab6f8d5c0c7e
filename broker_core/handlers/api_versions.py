"""ApiVersions (API key 18), versions 0 to 4: what this broker speaks.

- 1: throttle time. 3: client name and version, which must be well formed (KIP-511); features.
- A version that we do not know is answered in the layout of version 0 with UNSUPPORTED_VERSION and our own range, so
  that a newer client can try again.

No feature is announced: without ``transaction.version`` Java's producer stays on the transaction protocol V1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from broker_core.errors import ErrorCode
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.api import API, ApiKey
from broker_core.protocol.api_versions import ApiVersion, ApiVersionsRequest, ApiVersionsResponse

_SOFTWARE_SINCE: Final = 3
_SOFTWARE: Final = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")


def handle(context: BrokerContext, body: ApiVersionsRequest, call: Call) -> Outcome:
    if call.api_version >= _SOFTWARE_SINCE and not (
        _SOFTWARE.fullmatch(body.client_software_name) and _SOFTWARE.fullmatch(body.client_software_version)
    ):
        return Reply(ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST))
    return Reply(ApiVersionsResponse(api_keys=_versions(sorted(context.served))))


def unsupported_version() -> ApiVersionsResponse:
    """The answer to a version of ApiVersions that is not spoken here; to be encoded as version 0."""
    return ApiVersionsResponse(error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=_versions([ApiKey.API_VERSIONS]))


def _versions(keys: Iterable[int]) -> tuple[ApiVersion, ...]:
    return tuple(
        ApiVersion(api_key=key, min_version=API[key].min_version, max_version=API[key].max_version) for key in keys
    )
