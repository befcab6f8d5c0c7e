"""SaslHandshake (API key 17): agrees on a SASL mechanism.

Owns the two message classes, nothing else. Versions 0 to 1, never flexible.

Request:
- Version 1 supports SASL_AUTHENTICATE. NOTE: Version cannot be easily bumped due to incorrect client negotiation
  for clients <= 2.4. See https://issues.apache.org/jira/browse/KAFKA-9577
"""

from __future__ import annotations

from typing import ClassVar

from broker_core.protocol.schema import NEVER_FLEXIBLE, Int16, String, Struct


class SaslHandshakeRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 17
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = NEVER_FLEXIBLE

    mechanism: String = ""


class SaslHandshakeResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 17
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = NEVER_FLEXIBLE

    error_code: Int16 = 0
    mechanisms: tuple[String, ...] = ()
