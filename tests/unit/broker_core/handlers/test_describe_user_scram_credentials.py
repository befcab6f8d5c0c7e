"""DescribeUserScramCredentials: there are no users."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.describe_user_scram_credentials import DescribeUserScramCredentialsRequest, UserName
from tests.unit.broker_core.broker_kit import Kit


def test_nobody_is_there(kit: Kit) -> None:
    answer = kit.call(DescribeUserScramCredentialsRequest(users=None))
    assert (answer.error_code, answer.results) == (0, ())
    names = tuple(UserName(name=name) for name in ("a", "b", "b"))
    results = kit.call(DescribeUserScramCredentialsRequest(users=names)).results
    assert [(result.user, result.error_code) for result in results] == [
        ("a", ErrorCode.RESOURCE_NOT_FOUND),
        ("b", ErrorCode.DUPLICATE_RESOURCE),
    ]
