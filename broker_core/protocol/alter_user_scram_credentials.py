"""AlterUserScramCredentials (API key 51): adds and removes SCRAM users.

Owns the two message classes, nothing else. Versions 0, flexible from 0.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bytes, Field, Int8, Int16, Int32, String, Struct


class ScramCredentialDeletion(Struct, frozen=True, kw_only=True):
    name: String = ""
    mechanism: Int8 = 0


class ScramCredentialUpsertion(Struct, frozen=True, kw_only=True):
    name: String = ""
    mechanism: Int8 = 0
    iterations: Int32 = 0
    salt: Bytes = b""
    salted_password: Bytes = b""


class AlterUserScramCredentialsRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 51
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    deletions: tuple[ScramCredentialDeletion, ...] = ()
    upsertions: tuple[ScramCredentialUpsertion, ...] = ()


class AlterUserScramCredentialsResult(Struct, frozen=True, kw_only=True):
    user: String = ""
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""


class AlterUserScramCredentialsResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 51
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 0
    FLEXIBLE_FROM: ClassVar[int] = 0

    throttle_time_ms: Int32 = 0
    results: tuple[AlterUserScramCredentialsResult, ...] = ()
