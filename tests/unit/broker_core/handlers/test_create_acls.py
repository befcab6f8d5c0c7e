"""CreateAcls: a broker without an authorizer."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.create_acls import AclCreation, CreateAclsRequest
from tests.unit.broker_core.broker_kit import Kit


def test_one_refusal_for_every_rule(kit: Kit) -> None:
    answer = kit.call(CreateAclsRequest(creations=(AclCreation(resource_name="a"), AclCreation(resource_name="b"))))
    assert [result.error_code for result in answer.results] == [ErrorCode.SECURITY_DISABLED] * 2
    assert kit.call(CreateAclsRequest()).results == ()
