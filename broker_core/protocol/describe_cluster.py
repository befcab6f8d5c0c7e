"""DescribeCluster (API key 60): says which brokers there are, for admin clients.

Owns the two message classes, nothing else. Versions 0 to 1, flexible from 0.

Request:
- Version 1 adds EndpointType for KIP-919 support.

Response:
- Version 1 adds the EndpointType field, and makes MISMATCHED_ENDPOINT_TYPE and UNSUPPORTED_ENDPOINT_TYPE valid
  top-level response error codes.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from broker_core.protocol.schema import Bool, Field, Int8, Int16, Int32, String, Struct


class DescribeClusterRequest(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 60
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    include_cluster_authorized_operations: Bool = False
    endpoint_type: Annotated[Int8, Field(since=1)] = 1


class DescribeClusterBroker(Struct, frozen=True, kw_only=True):
    broker_id: Int32 = 0
    host: String = ""
    port: Int32 = 0
    rack: Annotated[String | None, Field(nullable=0)] = None


class DescribeClusterResponse(Struct, frozen=True, kw_only=True):
    API_KEY: ClassVar[int] = 60
    MIN_VERSION: ClassVar[int] = 0
    MAX_VERSION: ClassVar[int] = 1
    FLEXIBLE_FROM: ClassVar[int] = 0

    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    error_message: Annotated[String | None, Field(nullable=0)] = None
    endpoint_type: Annotated[Int8, Field(since=1)] = 1
    cluster_id: String = ""
    controller_id: Int32 = -1
    """The ID of the controller. When handled by a controller, returns the current voter leader ID. When handled by a
    broker, returns a random alive broker ID as a fallback.
    """
    brokers: tuple[DescribeClusterBroker, ...] = ()
    cluster_authorized_operations: Int32 = -0x8000_0000
