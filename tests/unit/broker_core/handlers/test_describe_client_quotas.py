"""DescribeClientQuotas: nobody has one."""

from __future__ import annotations

import pytest

from broker_core.protocol.describe_client_quotas import ComponentData, DescribeClientQuotasRequest
from tests.unit.broker_core.broker_kit import Kit


@pytest.mark.parametrize("version", [0, 1])
def test_there_are_no_quotas(kit: Kit, version: int) -> None:
    body = DescribeClientQuotasRequest(components=(ComponentData(entity_type="user", match_type=2, match=None),))
    answer = kit.call(body, version)
    assert (answer.error_code, answer.error_message, answer.entries) == (0, None, ())
