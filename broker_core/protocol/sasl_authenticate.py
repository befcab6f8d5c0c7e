"""SaslAuthenticate (API key 36): carries SASL tokens.

Owns the two message classes, nothing else. Versions 0 to 2, flexible from 2.

Response:
- Version 1 adds the session lifetime.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bytes, Field, Int16, Int64, String, Struct


class SaslAuthenticateRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 36
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    auth_bytes: Bytes = b""
    """The SASL authentication bytes from the client, as defined by the SASL mechanism."""


class SaslAuthenticateResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 36
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 2
    FLEXIBLE_FROM: ClassVar[int] = 2

    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = ""
    auth_bytes: Bytes = b""
    """The SASL authentication bytes from the server, as defined by the SASL mechanism."""
    session_lifetime_ms: Annotated[Int64, Field(since=1, ignorable=True)] = 0
    """Number of milliseconds after which only re-authentication over the existing connection to create a new session
    can occur.
    """
