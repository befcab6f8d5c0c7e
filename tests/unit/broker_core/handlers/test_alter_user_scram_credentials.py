"""AlterUserScramCredentials: no mechanism, nobody to remove."""

from __future__ import annotations

from broker_core.errors import ErrorCode
from broker_core.protocol.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    ScramCredentialDeletion,
    ScramCredentialUpsertion,
)
from tests.unit.broker_core.broker_kit import Kit


def test_everything_is_refused_user_by_user(kit: Kit) -> None:
    body = AlterUserScramCredentialsRequest(
        deletions=(ScramCredentialDeletion(name="a", mechanism=1),),
        upsertions=(ScramCredentialUpsertion(name="b", mechanism=2, iterations=4096, salt=b"s", salted_password=b"p"),),
    )
    assert [(result.user, result.error_code) for result in kit.call(body).results] == [
        ("a", ErrorCode.RESOURCE_NOT_FOUND),
        ("b", ErrorCode.UNSUPPORTED_SASL_MECHANISM),
    ]
