"""DescribeAcls: a broker without an authorizer."""

from __future__ import annotations

import pytest

from broker_core.errors import ErrorCode
from broker_core.protocol.describe_acls import DescribeAclsRequest
from tests.unit.broker_core.broker_kit import Kit


@pytest.mark.parametrize("version", [1, 2, 3])
def test_security_is_disabled(kit: Kit, version: int) -> None:
    answer = kit.call(DescribeAclsRequest(resource_type_filter=1, operation=1, permission_type=1), version)
    assert (answer.error_code, answer.resources) == (ErrorCode.SECURITY_DISABLED, ())
    assert "No Authorizer" in answer.error_message
