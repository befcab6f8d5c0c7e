"""The table of APIs is consistent with the message classes and advertises what old clients look for."""

from __future__ import annotations

from broker_core.protocol.api import API, ApiKey


def test_the_table_of_apis() -> None:
    """Ranges as advertised; Produce from 0 for old librdkafka, though only v3 and later are decoded."""
    assert list(API) == sorted(API)
    assert all(spec.request.API_KEY == spec.response.API_KEY == key == spec.key for key, spec in API.items())
    assert all(spec.request.MIN_VERSION == spec.response.MIN_VERSION for spec in API.values())
    assert all(spec.request.MAX_VERSION == spec.response.MAX_VERSION for spec in API.values())
    produce = API[ApiKey.PRODUCE]
    assert (produce.min_version, produce.max_version, produce.request.MIN_VERSION) == (0, 12, 3)
    fetch = API[ApiKey.FETCH]
    assert (fetch.min_version, fetch.max_version) == (4, 17)
