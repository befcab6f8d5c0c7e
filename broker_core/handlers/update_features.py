"""UpdateFeatures (API key 57), versions 0 to 2: the level in force may be asked for, any other one is refused.

1: upgrade or downgrade. 2: one error for the whole request instead of one for each feature.
"""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.features import FEATURES
from broker_core.handlers.context import BrokerContext
from broker_core.outcome import Call, Outcome, Reply
from broker_core.protocol.update_features import (
    FeatureUpdateKey,
    UpdatableFeatureResult,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)

_ONE_ERROR_SINCE = 2


def handle(context: BrokerContext, body: UpdateFeaturesRequest, call: Call) -> Outcome:
    results = tuple(_update(update) for update in body.feature_updates)
    refused = next((result for result in results if result.error_code), None)
    if call.api_version >= _ONE_ERROR_SINCE and refused is not None:
        return Reply(UpdateFeaturesResponse(error_code=refused.error_code, error_message=refused.error_message))
    return Reply(UpdateFeaturesResponse(error_message=None, results=results))


def _update(update: FeatureUpdateKey) -> UpdatableFeatureResult:
    feature = FEATURES.get(update.feature)
    if feature is None:
        code, message = ErrorCode.INVALID_UPDATE_VERSION, f"there is no feature {update.feature!r}"
    elif update.max_version_level != feature.level:
        code = ErrorCode.INVALID_UPDATE_VERSION
        message = f"{update.feature} is at level {feature.level}; it goes with the program and cannot be changed"
    else:
        return UpdatableFeatureResult(feature=update.feature, error_message=None)
    return UpdatableFeatureResult(feature=update.feature, error_code=code, error_message=message)
