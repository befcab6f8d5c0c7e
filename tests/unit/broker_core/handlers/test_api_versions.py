"""ApiVersions: announces exactly what is handled, and helps clients that are newer."""

from __future__ import annotations

import pytest

from broker_core.broker import Reply
from broker_core.errors import ErrorCode
from broker_core.handlers.table import HANDLERS
from broker_core.protocol.api import API, ApiKey
from broker_core.protocol.api_versions import ApiVersionsRequest, ApiVersionsResponse
from broker_core.protocol.framing import Request, decode_response, encode_response
from tests.unit.broker_core.broker_kit import CONNECTION, NOW, Kit


@pytest.mark.parametrize("version", range(5))
def test_announces_what_is_handled(kit: Kit, version: int) -> None:
    body = ApiVersionsRequest(client_software_name="kit-1", client_software_version="1.0") if version > 2 else None
    answer = kit.call(body or ApiVersionsRequest(), version)
    announced = {entry.api_key: (entry.min_version, entry.max_version) for entry in answer.api_keys}
    assert announced == {key: (API[key].min_version, API[key].max_version) for key in HANDLERS}
    assert announced[ApiKey.PRODUCE][0] == 0, "librdkafka asks whether Produce 0 is there (KAFKA-18659)"


@pytest.mark.parametrize("version", [3, 4])
def test_features_are_announced(kit: Kit, version: int) -> None:
    answer = kit.call(ApiVersionsRequest(client_software_name="kit", client_software_version="1"), version)
    levels = [(entry.name, entry.max_version_level) for entry in answer.finalized_features]
    assert levels == [("transaction.version", 2)]
    assert answer.finalized_features_epoch >= 0, "below 0 clients take no level for known"
    supported = [(entry.name, entry.min_version, entry.max_version) for entry in answer.supported_features]
    assert supported == ([("transaction.version", 0, 2)] if version >= 4 else []), "KAFKA-17011"


@pytest.mark.parametrize(
    ("name", "version"), [("-kit", "1"), ("kit", "1."), ("", "1"), ("kit", ""), ("k t", "1"), ("k\n", "1")]
)
def test_a_malformed_client_name_is_refused(kit: Kit, name: str, version: str) -> None:
    body = ApiVersionsRequest(client_software_name=name, client_software_version=version)
    assert kit.call(body, 3).error_code == ErrorCode.INVALID_REQUEST
    assert kit.call(ApiVersionsRequest(), 2).error_code == 0, "older versions do not say"


def test_a_newer_version_is_answered_in_the_oldest_layout(kit: Kit) -> None:
    request = Request(api_key=18, api_version=9, correlation_id=3, body=ApiVersionsRequest())
    outcome = kit.broker.handle(CONNECTION, request, NOW)
    assert isinstance(outcome, Reply)
    _, body = decode_response(18, 0, encode_response(18, 0, 3, outcome.body))
    assert isinstance(body, ApiVersionsResponse)
    assert body.error_code == ErrorCode.UNSUPPORTED_VERSION
    assert [(entry.api_key, entry.max_version) for entry in body.api_keys] == [(18, 4)]
