"""UpdateFeatures: levels go with the program."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.update_features import FeatureUpdateKey, UpdateFeaturesRequest
from tests.unit.broker_core.broker_kit import Kit


def request(feature: str, level: int) -> UpdateFeaturesRequest:
    return UpdateFeaturesRequest(feature_updates=(FeatureUpdateKey(feature=feature, max_version_level=level),))


@pytest.mark.parametrize("version", [0, 1, 2])
def test_the_present_level_may_be_asked_for(kit: Kit, version: int) -> None:
    answer = kit.call(request("transaction.version", 2), version)
    assert (answer.error_code, answer.error_message) == (0, None)
    if version < 2:
        assert [result.error_code for result in answer.results] == [0]


@pytest.mark.parametrize(("feature", "level"), [("transaction.version", 1), ("transaction.version", 3), ("no", 1)])
def test_another_level_is_refused(kit: Kit, feature: str, level: int) -> None:
    answer = kit.call(request(feature, level), 1)
    assert (answer.error_code, answer.results[0].error_code) == (0, ErrorCode.INVALID_UPDATE_VERSION)
    answer = kit.call(request(feature, level), 2)
    assert answer.error_code == ErrorCode.INVALID_UPDATE_VERSION
    assert feature in answer.error_message
