"""ApiVersions (API key 18), versions 0 to 4: what this broker speaks, and which features are in force.

- 1: throttle time. 3: client name and version, which must be well formed (KIP-511); features.
- 4: features whose lowest level is 0 are named as supported; older clients cannot read such a one (KAFKA-17011).
- A version that we do not know is answered in the layout of version 0 with UNSUPPORTED_VERSION and our own range, so
  that a newer client can try again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final

from broker_core.errors import ErrorCode
from broker_core.features import FEATURES, FEATURES_EPOCH
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.api import API, ApiKey
from broker_core.protocol.api_versions import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
    FinalizedFeatureKey,
    SupportedFeatureKey,
)

_SOFTWARE_SINCE: Final = 3
_FROM_ZERO_SINCE: Final = 4
_SOFTWARE: Final = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")


def handle(context: BrokerContext, body: ApiVersionsRequest, call: Call) -> Outcome:
    if call.api_version >= _SOFTWARE_SINCE and not (
        _SOFTWARE.fullmatch(body.client_software_name) and _SOFTWARE.fullmatch(body.client_software_version)
    ):
        return Reply(ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST))
    return Reply(_answer(context.served, call.api_version >= _FROM_ZERO_SINCE))


@cache
def _answer(served: frozenset[int], knows_zero: bool) -> ApiVersionsResponse:
    return ApiVersionsResponse(
        api_keys=_versions(sorted(served)),
        supported_features=tuple(
            SupportedFeatureKey(name=name, min_version=feature.minimum, max_version=feature.maximum)
            for name, feature in FEATURES.items()
            if feature.minimum or knows_zero
        ),
        finalized_features_epoch=FEATURES_EPOCH,
        finalized_features=tuple(
            FinalizedFeatureKey(name=name, min_version_level=feature.level, max_version_level=feature.level)
            for name, feature in FEATURES.items()
        ),
    )


def unsupported_version() -> ApiVersionsResponse:
    """The answer to a version of ApiVersions that is not spoken here; to be encoded as version 0."""
    return ApiVersionsResponse(error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=_versions([ApiKey.API_VERSIONS]))


def _versions(keys: Iterable[int]) -> tuple[ApiVersion, ...]:
    return tuple(
        ApiVersion(api_key=key, min_version=API[key].min_version, max_version=API[key].max_version) for key in keys
    )
