"""DeleteAcls: a broker without an authorizer."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.delete_acls import DeleteAclsFilter, DeleteAclsRequest
from tests.unit.broker_core.broker_kit import Kit


def test_one_refusal_for_every_filter(kit: Kit) -> None:
    answer = kit.call(DeleteAclsRequest(filters=(DeleteAclsFilter(), DeleteAclsFilter(resource_name_filter=None))))
    assert [result.error_code for result in answer.filter_results] == [ErrorCode.SECURITY_DISABLED] * 2
    assert all(result.matching_acls == () for result in answer.filter_results)
