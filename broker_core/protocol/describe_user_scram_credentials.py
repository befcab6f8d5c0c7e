"""DescribeUserScramCredentials (API key 50): shows the SCRAM users.

Owns the two message classes, nothing else. Versions 0, flexible from 0.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Field, Int8, Int16, Int32, String, Struct


class UserName(Struct, frozen=True, kw_only=True):
    name: String = ""


class DescribeUserScramCredentialsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 50
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    users: Annotated[tuple[UserName, ...] | None, Field(nullable=0)] = ()


class CredentialInfo(Struct, frozen=True, kw_only=True):
    mechanism: Int8 = 0
    iterations: Int32 = 0


class DescribeUserScramCredentialsResult(Struct, frozen=True, kw_only=True):
    user: String = ""
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""
    credential_infos: tuple[CredentialInfo, ...] = ()
    """The mechanism and related information associated with the user's SCRAM credentials."""


class DescribeUserScramCredentialsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 50
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    """The message-level error code, 0 except for user authorization or infrastructure issues."""
    error_message: Annotated[String | None, Field(nullable=0)] = ""
    results: tuple[DescribeUserScramCredentialsResult, ...] = ()
